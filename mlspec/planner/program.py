"""The code that a model names: an entrypoint's, or that of a command, whose words are looked up in the repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from posixpath import dirname, normpath
from typing import NamedTuple, Protocol

from mlspec.core.problem import Problem, suggest
from mlspec.planner.closure import Closure, closure, followed, no_file
from mlspec.planner.code import Code, Tree
from mlspec.planner.imports import Import
from mlspec.planner.resolve import distinct, search
from mlspec.specs.command import words

_TAKES_A_WORD = ("-W", "-X")


class Named(Protocol):
    """What a model says of its code: `specs.model.Train` does, and so does an outline."""

    @property
    def entrypoint(self) -> str | None:
        """A function in a file."""
        ...

    @property
    def command(self) -> str | None:
        """A program and its arguments."""
        ...

    @property
    def predict(self) -> str | None:
        """A function in a module, which predicts."""
        ...

    @property
    def code(self) -> tuple[str, ...]:
        """Globs of further files."""
        ...


def code_of(named: Named, tree: Tree, code: Code | None = None) -> tuple[Closure | None, list[Problem]]:
    """Return the code that a model's entrypoint or command consists of, and all problems, as `closure` does."""
    code = code or Code(tree)
    if named.entrypoint is not None:
        return closure(named.entrypoint, named.code, tree, code)
    if named.command is not None:
        return _command(words(named.command), named.predict, named.code, code)
    return None, []


def home_of(named: Named, paths: Collection[str]) -> str:
    """Return the folder where a model's imports begin: that of its entrypoint, or of its command's script."""
    if named.entrypoint is not None:
        return dirname(named.entrypoint.rpartition(":")[0])
    return _roots(words(named.command), paths)[0] if named.command is not None else ""


def predictor(named: Named, paths: Collection[str]) -> str | None:
    """Return the file and the function that predict, as `src/predict.py:predict`; None where none is declared."""
    if named.predict is None or named.command is None:
        return None
    module, _, function = named.predict.partition(":")
    file = _module_file(module, _roots(words(named.command), paths), paths)
    return f"{file}:{function}" if file else None


def _command(
    argv: Sequence[str], predict: str | None, globs: Sequence[str], code: Code
) -> tuple[Closure | None, list[Problem]]:
    """Follow the words of a command that are files of the repository: Python by its imports, others by their bytes.

    A module that `python -m` names counts, too. Imports begin in the folders of these files, then in the root.
    """
    named = _named(argv, code.paths)
    files, roots = [*named, *_run_module(argv, code.paths)], _roots(argv, code.paths)
    problems = list(_missing(argv, code.paths))
    functions: dict[str, str] = {}
    if predict is not None:
        module, _, function = predict.partition(":")
        file = _module_file(module, roots, code.paths)
        if file is None:
            problems.append(_no_module(module, code.paths))
        else:
            functions[file] = function
    found, more = followed([*files, *functions], functions, roots, globs, code)
    problems += more
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    if found is not None and not found.files:
        problems.append(_no_code(argv[0]))
    return found, problems


def _named(argv: Sequence[str], paths: Collection[str]) -> list[str]:
    """Return the files of the repository that words name, as `--config=conf/a.yaml` does; each once, in order."""
    parts = [part for word in argv for part in (word, word.partition("=")[2]) if part]
    return distinct(path for path in map(normpath, parts) if path in paths)


def _run_module(argv: Sequence[str], paths: Collection[str]) -> list[str]:
    """Return the file of the repository that `python -m` runs."""
    module = _python(argv).module
    file = _module_file(f"{module}.__main__", [""], paths) or _module_file(module, [""], paths) if module else None
    return [file] if file else []


def _roots(argv: Sequence[str], paths: Collection[str]) -> tuple[str, ...]:
    """Return where imports begin: in the folders of the scripts, else of other files named, then in the root."""
    files = _named(argv, paths)
    scripts = [file for file in files if file.endswith(".py")]
    return tuple(distinct([*map(dirname, scripts or files), ""]))


class _Python(NamedTuple):
    script: str | None = None
    module: str | None = None


def _python(argv: Sequence[str]) -> _Python:
    """Return the script or the module that a call of Python runs; neither for another program, or for `-c`."""
    if argv[0].rpartition("/")[2].rstrip("0123456789.") != "python":
        return _Python()
    rest = iter(argv[1:])
    for word in rest:
        if word == "-m":
            return _Python(module=next(rest, None))
        if word in ("-c", "-"):
            return _Python()
        if word in _TAKES_A_WORD:
            next(rest, None)
        elif not word.startswith("-"):
            return _Python(script=word)
    return _Python()


def _missing(argv: Sequence[str], paths: Collection[str]) -> Iterator[Problem]:
    """Find what the command must have in the repository, and is not there: its own program, or Python's script."""
    if "/" in argv[0] and not argv[0].startswith("/") and normpath(argv[0]) not in paths:
        yield no_file(normpath(argv[0]), paths)
    python = _python(argv)
    if python.script is not None and not python.script.startswith("/") and normpath(python.script) not in paths:
        yield no_file(normpath(python.script), paths)


def _module_file(module: str, roots: Sequence[str], paths: Collection[str]) -> str | None:
    """Return the file of a module, by its dotted name; None where the repository has none."""
    found = next(search(Import(0, module), "", roots, paths))
    stem = module.rpartition(".")[2]
    last = found.files[-1] if found.files else ""
    return last if last.endswith((f"/{stem}.py", f"/{stem}/__init__.py")) or last == f"{stem}.py" else None


def _no_module(module: str, paths: Collection[str]) -> Problem:
    near = suggest(f"{module.replace('.', '/')}.py", (path for path in paths if path.endswith(".py")))
    hint = near or "it is looked for in the folder of the command's script, then in the root of the repository"
    return Problem("code/no-module", f"there is no module `{module}` in this repository", None, hint)


def _no_code(program: str) -> Problem:
    message = f"`{program[:60]}` names no file of this repository: no code is part of the fingerprint"
    return Problem("code/none", message, None, "list what it runs under `code:`", severity="warning")
