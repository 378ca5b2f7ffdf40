"""The code an entrypoint reaches: its imports within the repository, followed statically; nothing is imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import dirname

from mlspec.core import digest
from mlspec.core.problem import Place, Problem, suggest
from mlspec.planner.code import Code, File, Tree
from mlspec.planner.imports import Module
from mlspec.planner.resolve import distinct

MAX_FILES = 5_000


@dataclass(frozen=True, slots=True)
class Closure:
    """The files that code consists of, sorted, each with its digest; and the digest of them all."""

    files: Mapping[str, str]
    digest: str


@dataclass(frozen=True, slots=True)
class CodeState:
    """What was read for a model: its import closure and the digest of its environment file, if there is one."""

    closure: Closure | None = None
    environment: str | None = None


def closure(
    entrypoint: str, globs: Sequence[str], tree: Tree, code: Code | None = None
) -> tuple[Closure | None, list[Problem]]:
    """Return the code that an entrypoint such as `src/train.py:train` reaches, with the files that `globs` add.

    Modules are looked for in the entrypoint's folder, then in the repository's root; a file of a package also finds
    its own package by name, wherever that lies (as an editable install does). What is found in neither is external
    and left to `environment`. Every file brings the `__init__.py` of the packages around it. Python files count by
    their syntax, other files by their bytes. Give one `code` for many entrypoints of one tree.

    Returns the closure, None where there is an error, and all problems. Problems about the entrypoint or a glob
    have no place: it is the spec that names them.
    """
    code = code or Code(tree)
    path, _, function = entrypoint.rpartition(":")
    if path not in code.paths:
        return None, [no_file(path, code.paths)]
    roots = tuple(distinct([dirname(path), ""]))
    return followed([path], {path: function}, roots, globs, code)


def followed(
    start: Sequence[str], functions: Mapping[str, str], roots: Sequence[str], globs: Sequence[str], code: Code
) -> tuple[Closure | None, list[Problem]]:
    """Return what files reach, with the files that `globs` add; `functions` are what some of them must define."""
    listed = {file for glob in globs for file in code.matched(glob)}
    files = _reached([*start, *sorted(listed)], roots, code)
    problems = [_empty_glob(glob, code.paths) for glob in globs if not code.matched(glob)]
    problems += [problem for file in files.values() for problem in file.problems]
    if len(files) > MAX_FILES:
        problems.append(_too_many())
    for path, function in functions.items():
        entry = files[path].module if path in files else None
        problems += _check_function(entry, path, function) if entry is not None else ()
    if not any(file.endswith(".py") for file in listed):
        problems += _dynamic(files)
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    digests = {file: files[file].digest for file in sorted(files)}
    return Closure(digests, digest.of(digests)), problems


def _reached(start: list[str], roots: Sequence[str], code: Code) -> dict[str, File]:
    """Read files and what they bring along, to the end or until there are too many."""
    files: dict[str, File] = {}
    waiting = start[::-1]
    while waiting and len(files) <= MAX_FILES:
        path = waiting.pop()
        if path not in files:
            files[path] = code.file(path)
            waiting += code.next(path, roots)
    return files


def _dynamic(files: Mapping[str, File]) -> Iterator[Problem]:
    """Warn about code that reading cannot follow. Python files under `code` say that the user knows."""
    for path, file in sorted(files.items()):
        for line, column, call, excerpt in file.module.dynamic if file.module else ():
            message = f"`{call}` loads code that cannot be found by reading: it is no part of the fingerprint"
            hint = "list the files it may load under `code:`"
            yield Problem("code/dynamic-import", message, Place(path, line, column), hint, excerpt, "warning")


def _too_many() -> Problem:
    message = f"the code of this model has more than {MAX_FILES:,} files"
    return Problem("code/too-many", message, None, "narrow the globs of `code`")


def _check_function(module: Module, path: str, function: str) -> Iterator[Problem]:
    kinds = {name: (kind, line) for name, kind, line in module.names}
    if function in kinds:
        kind, line = kinds[function]
        if kind == "async":
            message = f"`{function}` is async; an entrypoint is called as a plain function"
            yield Problem("code/no-function", message, Place(path, line), "write `def`, not `async def`")
        return
    if "*" in kinds:
        return
    known = [name for name, (kind, _) in kinds.items() if kind == "def" and not name.startswith("_")]
    listed = f"it defines {', '.join(f'`{name}`' for name in known[:5])}" if known else None
    message = f"`{path}` has no function `{function}` at its top level"
    yield Problem("code/no-function", message, None, suggest(function, known) or listed)


def no_file(path: str, paths: Iterable[str]) -> Problem:
    """Return the problem of Python code that is named and is not there."""
    near = suggest(path, (known for known in paths if known.endswith(".py")))
    return Problem("code/missing", f"there is no file `{path}`", None, near)


def _empty_glob(glob: str, paths: Iterable[str]) -> Problem:
    folder = glob.rstrip("/") + "/"
    if any(path.startswith(folder) for path in paths):
        return Problem("code/glob-folder", f"`{glob}` is a folder", None, f"write `{folder}**` for all files below it")
    return Problem("code/glob-nothing", f"`{glob}` matches no file", None, suggest(glob, paths))
