"""Models as skops files: saved, and loaded, only when every part of them is scikit-learn's, or the model's own code's.

Types that skops itself does not vouch for are accepted only where they are classes defined in the installed
`sklearn` package, such as the trees of a forest, or `numpy.dtype`, which is plain data. They are listed when a model
is saved; the list is recorded and is exactly what loading accepts. What is a model's own code is for the caller to
say, and is said only in a child process, which runs that code anyway. Nothing here falls back to pickle.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from mlspec.core.problem import MlspecError, fail
from mlspec.formats.skops_archive import rewrite

# Every imputer holds one. skops keeps it as the header of an empty array, and making one runs no code of the file's.
_PLAIN = frozenset({"numpy.dtype"})
_HELP = "build the model from scikit-learn's parts and classes of this repository: loading anything else could run code"
_MODULE_HELP = "define it in a module of its own, which the script imports: there it can be found again"
_BROKEN = (BadZipFile, KeyError, ValueError, TypeError, AttributeError, ImportError, EOFError, RecursionError)


EXACT = True
"""Whether a model that was saved and loaded predicts the very same."""


def check(kind: type[Any]) -> None:
    """Refuse a class of estimators that cannot be kept, before it is fitted.

    Raises:
        MlspecError: it is no class of scikit-learn's (`model/untrusted-type`).
    """
    if kind.__module__.partition(".")[0] != "sklearn":
        raise _foreign(f"`{kind.__module__}.{kind.__qualname__}`")


Own = Callable[[str], bool]
"""Whether a name is of the model's own code."""


def _nobodys(_name: str) -> bool:
    return False


def save(model: object, path: Path, own: Own = _nobodys) -> tuple[str, ...]:
    """Write a model to a new file; equal models give equal bytes.

    Returns:
        The types, beyond what skops vouches for, that loading the file needs; sorted.

    Raises:
        MlspecError: the model holds something that is neither scikit-learn's nor its own (`model/untrusted-type`), or
            that is not found by its name (`model/nameless`).
        Exception: whatever the model's own code raises when asked for its state.
    """
    content = skops.io.dumps(model)
    trusted = tuple(skops.io.get_untrusted_types(data=content))
    _refuse_foreign(trusted, own)
    _refuse_nameless(trusted)
    beside = path.with_name(path.name + ".part")
    with ZipFile(io.BytesIO(content)) as source, ZipFile(beside, "w") as target:
        rewrite(source, target)
    beside.replace(path)
    return trusted


def load(path: Path, trusted: Iterable[str], own: Own = _nobodys) -> Any:
    """Load a model, accepting beyond what skops vouches for only the types listed when it was saved.

    Raises:
        MlspecError: a type is neither scikit-learn's nor the model's own, or is needed and not listed
            (`model/untrusted-type`); the file is damaged or was made by another version (`model/unreadable`).
    """
    accepted = list(trusted)
    _refuse_foreign(accepted, own)
    with _readable(path), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on versions: a record names them
        return skops.io.load(path, trusted=accepted)


def untrusted(path: Path) -> tuple[str, ...]:
    """Return the types in a file that skops does not vouch for, without loading it.

    Raises:
        MlspecError: the file is no skops file (`model/unreadable`).
    """
    with _readable(path):
        return tuple(skops.io.get_untrusted_types(file=path))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UntrustedTypesFoundException as error:
        raise _foreign(str(error).partition(":")[2] or "an unlisted type") from error
    except MlspecError:
        raise
    except json.JSONDecodeError as error:
        raise fail("model/unreadable", f"{path.name} is damaged") from error
    except _BROKEN as error:
        reason = f"{path.name} can't be loaded: {type(error).__name__}: {error}"
        raise fail("model/unreadable", reason, help="are scikit-learn and skops those it was saved with?") from error


def _refuse_foreign(names: Iterable[str], own: Own) -> None:
    for name in names:
        if name not in _PLAIN and not own(name) and not _is_sklearn_class(name):
            raise _foreign(f"`{name}`")


def _refuse_nameless(names: Iterable[str]) -> None:
    """Refuse what loading would look for in a module, by its name, and not find: lambdas, and what functions define."""
    for name in names:
        module, _, last = name.rpartition(".")
        if module in sys.modules and not hasattr(sys.modules[module], last):
            what = "a lambda" if last == "<lambda>" else f"`{last}`"
            message = f"the model holds {what} of `{module}`, which can't be found there by its name again"
            hint = "give it a name, with `def` or `class` at the top level of the module, not inside a function"
            raise fail("model/nameless", message, help=hint)


def _foreign(what: str) -> MlspecError:
    return fail(
        "model/untrusted-type",
        f"the model holds {what.strip()}, which is neither scikit-learn's nor of this repository",
        help=_MODULE_HELP if "`__main__." in what else _HELP,
    )


def _is_sklearn_class(name: str) -> bool:
    """Say whether a name is that of a class defined in the installed `sklearn`; imports nothing else."""
    module_name, _, class_name = name.rpartition(".")
    if module_name.partition(".")[0] != "sklearn":
        return False
    try:
        found = getattr(importlib.import_module(module_name), class_name, None)
    except ImportError:
        return False
    # A class that sklearn merely imports, as it may `subprocess.Popen`, is named after where it was defined.
    return isinstance(found, type) and found.__module__.partition(".")[0] == "sklearn"
