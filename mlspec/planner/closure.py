"""The code an entrypoint reaches: its imports within the repository, followed statically; nothing is imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from posixpath import dirname
from typing import Protocol

from mlspec.core import digest
from mlspec.core.problem import MlspecError, Place, Problem, suggest
from mlspec.planner.globs import matches
from mlspec.planner.imports import Import, Module, read_module

MAX_FILES = 5_000
MAX_MODULE_BYTES = 1 << 20
MAX_FILE_BYTES = 16 << 20

Cache = MutableMapping[str, Module]
"""Modules by the digest of their bytes; may be kept between calls, and between runs by who stores `Module` values."""


class Tree(Protocol):
    """Files of a repository by their path from its root, with forward slashes: of a work tree or of a commit."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None where it cannot be read."""
        ...

    def paths(self) -> Collection[str]:
        """Return all files; asking whether one is among them should be quick."""
        ...


@dataclass(frozen=True, slots=True)
class Closure:
    """The files that code consists of, sorted, each with its digest; and the digest of them all."""

    files: Mapping[str, str]
    digest: str


def closure(
    entrypoint: str, globs: Sequence[str], tree: Tree, cache: Cache | None = None
) -> tuple[Closure | None, list[Problem]]:
    """Return the code that an entrypoint such as `src/train.py:train` reaches, with the files that `globs` add.

    Modules are looked for in the entrypoint's folder, then in the repository's root; a file of a package also finds
    its own package by name, wherever that lies (as an editable install does). What is found in neither is external
    and left to `environment`. Every file brings the `__init__.py` of the packages around it. Python files count by
    their syntax, other files by their bytes.

    Returns the closure, None where there is an error, and all problems. Problems about the entrypoint or a glob
    have no place: it is the spec that names them.
    """
    path, _, function = entrypoint.rpartition(":")
    walk = _Walk(tree, _without_repeats([dirname(path), ""]), {} if cache is None else cache)
    if path not in walk.paths:
        return None, [_no_entrypoint(path, walk.paths)]
    walk.reach(path)
    for glob in globs:
        walk.add_glob(glob)
    walk.run()
    problems = list(walk.problems)
    if path in walk.modules:
        problems += _check_function(walk.modules[path], path, function)
    if not any(file.endswith(".py") for file in walk.named):
        problems += walk.dynamic()
    if any(problem.severity == "error" for problem in problems):
        return None, problems
    files = dict(sorted(walk.digests.items()))
    return Closure(files, digest.of(files)), problems


@dataclass
class _Walk:
    """The state of one walk: what waits to be read, what was read, and what went wrong."""

    tree: Tree
    roots: Sequence[str]
    cache: Cache
    paths: Collection[str] = ()
    waiting: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    modules: dict[str, Module] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.paths = self.tree.paths()

    def reach(self, path: str) -> None:
        """Note a file, and the `__init__.py` of every package around it, to be read once."""
        for file in (path, *_inits(path, self.paths)):
            if file not in self.seen:
                self.seen.add(file)
                self.waiting.append(file)

    def add_glob(self, glob: str) -> None:
        """Note the files that a glob of the spec matches."""
        matched = [path for path in self.paths if matches(glob, path)]
        if not matched:
            self.problems.append(_empty_glob(glob, self.paths))
        self.named.update(matched)
        for path in sorted(matched):
            self.reach(path)

    def run(self) -> None:
        """Read until nothing waits, or there is too much."""
        while self.waiting:
            if len(self.seen) > MAX_FILES:
                message = f"the entrypoint and `code` reach more than {MAX_FILES:,} files"
                self.problems.append(Problem("code/too-many", message, None, "narrow the globs of `code`"))
                return
            try:
                self._read(self.waiting.pop())
            except MlspecError as error:
                self.problems += error.problems

    def _read(self, path: str) -> None:
        source = self.tree.read(path)
        if source is None:
            message = "this file cannot be read, or is a link out of the repository"
            raise MlspecError(Problem("code/unreadable", message, Place(path)))
        limit = MAX_MODULE_BYTES if path.endswith(".py") else MAX_FILE_BYTES
        if len(source) > limit:
            message = f"this file has {len(source):,} bytes; code may have {limit:,}"
            raise MlspecError(Problem("code/too-large", message, Place(path), "declare it as a Dataset"))
        if not path.endswith(".py"):
            self.digests[path] = digest.of_bytes(source)
            return
        module = self._module(path, source)
        self.modules[path], self.digests[path] = module, module.digest
        for imported in module.imports:
            for file in self._resolve(path, imported):
                self.reach(file)

    def _module(self, path: str, source: bytes) -> Module:
        key = digest.of_bytes(source)
        if key not in self.cache:
            self.cache[key] = read_module(source, path)
        return self.cache[key]

    def _resolve(self, path: str, imported: Import) -> Iterator[str]:
        """List the files that an import in a file loads; those of external modules are none."""
        folders = self._bases(path, imported.level)
        files, inside = self._find(folders, imported.module.split(".") if imported.module else [])
        yield from files
        names = set(imported.names)
        if "*" in names and files:
            names |= self._exported(files[-1])
        for name in sorted(names - {"*"}):
            yield from self._find(inside, [name])[0]

    def _bases(self, path: str, level: int) -> list[str]:
        """Return where an import's first name is looked for: `level` counts its leading dots."""
        folder = dirname(path)
        if level == 0:
            inits = _inits(path, self.paths)
            own = [dirname(dirname(inits[-1]))] if inits else []
            return _without_repeats([*self.roots, *own])
        parts = folder.split("/") if folder else []
        return ["/".join(parts[: len(parts) + 1 - level])] if level - 1 <= len(parts) else []

    def _find(self, folders: list[str], parts: list[str]) -> tuple[list[str], list[str]]:
        """Return the files that a dotted name loads and the folders where its submodules are, as Python searches.

        The first folder with a package or module of the name wins; where none has one, the name may be a namespace
        package, which is spread over all of them.
        """
        files: list[str] = []
        for part in parts:
            places = [_join(folder, part) for folder in folders]
            hit = next((file for place in places for file in _files_of(place) if file in self.paths), None)
            if hit is None:
                folders = places
                continue
            files.append(hit)
            folders = [dirname(hit)] if hit.endswith("/__init__.py") else []
        return files, folders

    def _exported(self, path: str) -> set[str]:
        source = self.tree.read(path)
        try:
            return set(self._module(path, source).exports) if source is not None else set()
        except MlspecError:
            return set()  # its problem is reported when it is read in its turn

    def dynamic(self) -> Iterator[Problem]:
        """Warn about code that reading cannot follow. Python files under `code` say that the user knows."""
        for path, module in sorted(self.modules.items()):
            for line, column, call, excerpt in module.dynamic:
                message = f"`{call}` loads code that cannot be found by reading: it is no part of the fingerprint"
                hint = "list the files it may load under `code:`"
                yield Problem("code/dynamic-import", message, Place(path, line, column), hint, excerpt, "warning")


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


def _no_entrypoint(path: str, paths: Iterable[str]) -> Problem:
    near = suggest(path, (known for known in paths if known.endswith(".py")))
    return Problem("code/missing", f"there is no file `{path}`", None, near)


def _empty_glob(glob: str, paths: Iterable[str]) -> Problem:
    folder = glob.rstrip("/") + "/"
    if any(path.startswith(folder) for path in paths):
        return Problem("code/glob-folder", f"`{glob}` is a folder", None, f"write `{folder}**` for all files below it")
    return Problem("code/glob-nothing", f"`{glob}` matches no file", None, suggest(glob, paths))


def _inits(path: str, paths: Collection[str]) -> list[str]:
    """Return the `__init__.py` of the packages around a file, innermost first."""
    found = []
    folder = dirname(path)
    while folder and f"{folder}/__init__.py" in paths:
        found.append(f"{folder}/__init__.py")
        folder = dirname(folder)
    return found


def _files_of(place: str) -> tuple[str, str]:
    return f"{place}/__init__.py", f"{place}.py"


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _without_repeats(folders: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(folders))
