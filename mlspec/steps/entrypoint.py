"""Finding the user's training function in the staged code, and what it is called with."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import pandas as pd

from mlspec.core.problem import suggest
from mlspec.steps import prepare
from mlspec.steps.boundary import Boundary, ChildFailed
from mlspec.steps.frames import Field, with_role
from mlspec.steps.wire import Failure


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What a training function gets as its first argument; the training split only."""

    X: pd.DataFrame
    """The feature columns, in the order of the schema."""
    y: pd.Series[Any]
    """The target."""
    weight: pd.Series[float] | None
    """The column with the role weight."""
    group: pd.Series[Any] | None
    """The column with the role group."""
    frame: pd.DataFrame
    """Every declared column."""


def training_data(frame: pd.DataFrame, fields: Sequence[Field], task: str) -> TrainingData:
    """Lay out a training table for the user.

    Raises:
        MlspecError: the target or the weights won't do, as `prepare.target` and `prepare.weights` say.
    """
    groups = with_role(fields, "group")
    return TrainingData(
        X=frame[with_role(fields, "feature")].copy(),
        y=prepare.target(frame, fields, task),
        weight=prepare.weights(frame, fields),
        group=frame[groups[0]] if groups else None,
        frame=frame,
    )


def find(entrypoint: str, code: Path, home: str, arguments: Sequence[str]) -> Callable[..., Any]:
    """Import the staged file of an entrypoint such as `src/train.py:train` and return its function.

    Raises:
        ChildFailed: importing raised something, there is no such function, or it does not take these arguments.
    """
    file, _, name = entrypoint.rpartition(":")
    module = load(file, code, home)
    function = getattr(module, name, None)
    if not callable(function):
        message = f"`{file}` has no function `{name}`"
        raise ChildFailed(Failure("train/no-entrypoint", message, file, 0, suggest(name, vars(module))))
    _check_signature(function, name, file, arguments)
    return function  # type: ignore[no-any-return]  # the user's own


def enter(file: str | None, code: Path, home: str) -> None:
    """Make the staged code importable; import a file of it under the name that it had when the model was trained.

    Raises:
        ChildFailed: importing raised something.
    """
    if file is not None:
        load(file, code, home)
    else:
        sys.path[:0] = roots(code, home)
        sys.dont_write_bytecode = True


def own(code: Path, home: str | None) -> Callable[[str], bool]:
    """Return whether a dotted name leads to a file of the staged code, without importing anything."""
    folders = [] if home is None else [Path(root) for root in roots(code, home)]

    def is_own(name: str) -> bool:
        parts = name.split(".")[:-1]
        modules = [Path(*parts[:length]) for length in range(len(parts), 0, -1)]
        files = [file for module in modules for file in (module.with_name(f"{module.name}.py"), module / "__init__.py")]
        return any((folder / file).is_file() for folder in folders for file in files)

    return is_own


def load(file: str, code: Path, home: str) -> ModuleType:
    """Import a staged file.

    Raises:
        ChildFailed: importing raised something.
    """
    sys.path[:0] = roots(code, home)
    sys.dont_write_bytecode = True
    return Boundary(code, f"importing `{file}`", "train/import-failed").call(lambda: _load(file, code))


def roots(code: Path, home: str) -> list[str]:
    """Return where modules are found, as the static reading of imports found them.

    First in the home folder, that of the file that is run; then in the root of the code, then beside the packages.
    """
    return list(dict.fromkeys([str(code / home), str(code), *_package_roots(code)]))


def _check_signature(function: Callable[..., Any], name: str, file: str, arguments: Sequence[str]) -> None:
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        line = getattr(getattr(function, "__code__", None), "co_firstlineno", 0)
        message = f"`{name}` can't be called as `{name}({', '.join(arguments)})`: {error}"
        raise ChildFailed(Failure("train/signature", message, file, line, "take these arguments")) from error
    except ValueError:
        return  # it is no Python function, and does not tell


def _load(file: str, code: Path) -> ModuleType:
    path = code / file
    name = dotted(PurePosixPath(file), code)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file `{file}`")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.modules.setdefault(path.stem, module)  # a module beside it that imports it gets this one, not a second
    spec.loader.exec_module(module)
    return module


def dotted(file: PurePosixPath, code: Path) -> str:
    """Name a module so that its relative imports work: from its outermost package, else from the root."""
    parts = list(file.with_suffix("").parts)
    packages = 0
    while packages < len(parts) - 1 and (code.joinpath(*parts[: len(parts) - 1 - packages], "__init__.py")).is_file():
        packages += 1
    kept = parts[-1 - packages :] if packages else parts
    return ".".join(kept) if all(part.isidentifier() for part in kept) else parts[-1]


def _package_roots(code: Path) -> list[str]:
    packages = {init.parent for init in code.rglob("__init__.py")}
    return sorted(str(package.parent) for package in packages if package.parent not in packages)
