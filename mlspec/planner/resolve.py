"""Where an import leads within a repository, searched as Python would; what is in the files is not looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from posixpath import dirname
from typing import NamedTuple

from mlspec.planner.imports import Import


class Found(NamedTuple):
    """The files that an import loads, and the folders where submodules of the last of them are."""

    files: list[str]
    inside: list[str]


def search(imported: Import, path: str, roots: Sequence[str], paths: Collection[str]) -> Iterator[Found]:
    """Yield what an import in a file may load. What is not in the repository is external: no file.

    `roots` are the folders where absolute imports begin. A file of a package also finds its own package; which of
    the two it is, where both have the name, depends on what is installed, so both count.
    """
    for bases in _bases(path, imported.level, roots, paths):
        if imported.module:
            files, inside = _find(bases, imported.module.split("."), paths)
        else:
            files, inside = [init for init in (_join(base, "__init__.py") for base in bases) if init in paths], bases
        taken = [file for name in imported.names for file in submodule(name, inside, paths)]
        yield Found([*taken, *files], inside)


def submodule(name: str, folders: list[str], paths: Collection[str]) -> list[str]:
    """Return the file of a submodule, if that is what a name is."""
    return _find(folders, [name], paths)[0]


def inits_around(path: str, paths: Collection[str]) -> list[str]:
    """Return the `__init__.py` of the packages around a file, innermost first."""
    found = []
    folder = dirname(path)
    while folder and f"{folder}/__init__.py" in paths:
        found.append(f"{folder}/__init__.py")
        folder = dirname(folder)
    return found


def distinct(folders: Iterable[str]) -> list[str]:
    """Return folders in their order, each once."""
    return list(dict.fromkeys(folders))


def _bases(path: str, level: int, roots: Sequence[str], paths: Collection[str]) -> list[list[str]]:
    """Return the folders, search by search, where an import's first name may be: `level` counts its leading dots."""
    if level == 0:
        inits = inits_around(path, paths)
        own = [[dirname(dirname(inits[-1]))]] if inits else []
        return [list(roots), *own]
    folder = dirname(path)
    parts = folder.split("/") if folder else []
    if level - 1 > len(parts):
        return []
    base = "/".join(parts[: len(parts) + 1 - level])
    portions = [] if _join(base, "__init__.py") in paths else _other_portions(base, roots)
    return [distinct([base, *portions])]


def _other_portions(folder: str, roots: Sequence[str]) -> Iterator[str]:
    """List where a namespace package with a portion in a folder may have others: at the same name in each root."""
    for root in roots:
        if folder.startswith(f"{root}/") or not root:
            name = folder[len(root) :].lstrip("/")
            yield from (_join(other, name) for other in roots if name)


def _find(folders: list[str], parts: list[str], paths: Collection[str]) -> tuple[list[str], list[str]]:
    """Return the files that a dotted name loads and the folders where its submodules are.

    The first folder with a package or module of the name wins; where none has one, the name may be a namespace
    package, which is spread over all of them.
    """
    files: list[str] = []
    for part in parts:
        places = [_join(folder, part) for folder in folders]
        candidates = (file for place in places for file in (f"{place}/__init__.py", f"{place}.py"))
        hit = next((file for file in candidates if file in paths), None)
        if hit is None:
            folders = places
            continue
        files.append(hit)
        folders = [dirname(hit)] if hit.endswith("/__init__.py") else []
    return files, folders


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
