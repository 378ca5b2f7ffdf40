"""The code of one tree: each file is read, parsed and resolved once, however many entrypoints reach it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from mlspec.core import digest
from mlspec.core.globs import matches
from mlspec.core.problem import MlspecError, Place, Problem, fail
from mlspec.planner.imports import Dynamic, Import, Module, read_module
from mlspec.planner.resolve import inits_around, search, submodule

MAX_MODULE_BYTES = 1 << 20
MAX_FILE_BYTES = 16 << 20


class Tree(Protocol):
    """Files of a repository by their path from its root, with forward slashes: of a work tree or of a commit."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None where it cannot be read."""
        ...

    def paths(self) -> Collection[str]:
        """Return all files; asking whether one is among them should be quick."""
        ...


@dataclass(frozen=True, slots=True)
class File:
    """What a file says: its digest, and for Python its module; or what is wrong with it."""

    digest: str = ""
    module: Module | None = None
    problems: tuple[Problem, ...] = ()


class Code:
    """The code of a tree, read when asked for. The tree must not change meanwhile."""

    def __init__(self, tree: Tree, modules: MutableMapping[str, Module] | None = None) -> None:
        """Read from `tree`; `modules`, by the digest of their bytes, hold for any tree and may be kept between runs."""
        self._tree = tree
        self.modules = {} if modules is None else modules
        self._files: dict[str, File] = {}
        self._matched: dict[str, tuple[str, ...]] = {}
        self._next: dict[tuple[Sequence[str], str], tuple[str, ...]] = {}

    @cached_property
    def paths(self) -> Collection[str]:
        """All files of the tree."""
        return self._tree.paths()

    def matched(self, glob: str) -> tuple[str, ...]:
        """Return the files that a glob matches, sorted."""
        if glob not in self._matched:
            self._matched[glob] = tuple(sorted(path for path in self.paths if matches(glob, path)))
        return self._matched[glob]

    def file(self, path: str) -> File:
        """Return what a file says: Python by its syntax, anything else by its bytes."""
        if path not in self._files:
            try:
                self._files[path] = self._read(path)
            except MlspecError as error:
                self._files[path] = File(problems=error.problems)
        return self._files[path]

    def next(self, path: str, roots: Sequence[str]) -> tuple[str, ...]:
        """Return the files that a file brings along: what it imports, and the packages around it."""
        key = (roots, path)
        if key not in self._next:
            module = self.file(path).module
            imports = module.imports if module else ()
            found = [file for imported in imports for file in self._imported(imported, path, roots)]
            self._next[key] = tuple(dict.fromkeys([*inits_around(path, self.paths), *found]))
        return self._next[key]

    def _imported(self, imported: Import, path: str, roots: Sequence[str]) -> Iterator[str]:
        for found in search(imported, path, roots, self.paths):
            yield from found.files
            if "*" in imported.names and found.files:
                starred = self.file(found.files[-1]).module
                for name in starred.exports if starred else ():
                    yield from submodule(name, found.inside, self.paths)

    def _read(self, path: str) -> File:
        source = self._tree.read(path)
        if source is None:
            raise fail(
                "code/unreadable", "this file cannot be read, or is a link out of the repository", place=Place(path)
            )
        limit = MAX_MODULE_BYTES if path.endswith(".py") else MAX_FILE_BYTES
        if len(source) > limit:
            message = f"this file has {len(source):,} bytes; code may have {limit:,}"
            raise fail("code/too-large", message, place=Place(path), help="declare it as a Dataset")
        key = digest.of_bytes(source)
        if not path.endswith(".py"):
            return File(key)
        if key not in self.modules:
            self.modules[key] = read_module(source, path)
        module = self.modules[key]
        return File(module.digest, module)


def encode_modules(modules: Mapping[str, Module]) -> bytes:
    """Write modules as JSON, to be kept between runs of one version of mlspec."""
    return json.dumps(modules).encode()


def decode_modules(body: bytes) -> dict[str, Module]:
    """Read what `encode_modules` wrote."""
    rows: dict[str, Any] = json.loads(body)
    return {key: _module(*row) for key, row in rows.items()}


def _module(form: str, imports: Any, dynamic: Any, names: Any, exports: Any) -> Module:
    return Module(
        form,
        tuple(Import(level, module, tuple(taken)) for level, module, taken in imports),
        tuple(Dynamic(*row) for row in dynamic),
        tuple((name, kind, line) for name, kind, line in names),
        tuple(exports),
    )
