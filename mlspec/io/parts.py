"""The files that a glob or a folder of a spec names: found without reading them, and refused in words.

Problems: `source/missing`, `source/outside`, `source/not-a-file`, `source/link`, `source/store`, `source/too-many`,
`source/name`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mlspec.core.globs import is_glob
from mlspec.core.problem import fail
from mlspec.io.files import OWN_FOLDER, find_source, in_words

MOST_PARTS = 100_000
_MOST_SEEN = 1_000_000


def folder_of(path: str) -> str:
    """Return the folder that all files of a glob lie in, "" for the root: what comes before its first `*`, `?`, `[`."""
    parts = path.split("/")
    fixed = next((n for n, part in enumerate(parts) if is_glob(part)), len(parts))
    return "/".join(parts[:fixed])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a folder is asked for: the path as the spec says it, which files it means, and where never to look."""

    path: str
    matches: Callable[[str], bool]
    never: Collection[str] = ()
    """Folders that are mlspec's own, relative to the root."""


def find_parts(root: Path, wanted: Wanted) -> dict[str, Path]:
    """Return the files that a glob or a folder names, by path relative to the root, sorted.

    Raises:
        MlspecError: `source/…`, as above.
    """
    found: dict[str, Path] = {}
    for path, entry in _walk(root, wanted):
        if not wanted.matches(path):
            continue
        if entry.is_symlink():
            found[path] = find_source(root, path)
        elif entry.is_file(follow_symlinks=False):
            found[path] = Path(entry.path)
        else:
            raise fail(
                "source/not-a-file", f"`{path}` is a pipe, a socket or a device, not a file", help="move it away"
            )
        if len(found) > MOST_PARTS:
            message = f"`{wanted.path}` means more than {MOST_PARTS:,} files"
            raise fail("source/too-many", message, help="pack them into fewer, larger files")
    if not found:
        is_folder = not is_glob(wanted.path)
        what = f"the folder `{wanted.path}` holds no file" if is_folder else f"no file matches `{wanted.path}`"
        raise fail("source/missing", what)
    _refuse_twins(found)
    return dict(sorted(found.items()))


def _walk(root: Path, wanted: Wanted) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield what lies below the fixed part of the path, as deep as it can match; links to folders are not followed."""
    start = folder_of(wanted.path)
    _refuse_outside(root, start)
    deepest = None if not is_glob(wanted.path) or "**" in wanted.path else wanted.path.count("/")
    waiting, seen = [start], 0
    while waiting:
        folder = waiting.pop()
        for entry in _entries(root, folder, wanted.path):
            seen += 1
            path = f"{folder}/{entry.name}" if folder else entry.name
            _refuse_name(path, seen, wanted.path)
            if not _is_folder(entry):
                yield path, entry
            elif deepest is None or path.count("/") < deepest:
                if entry.name in (".git", OWN_FOLDER) and not entry.is_symlink():
                    continue
                if path in wanted.never:
                    message = f"`{wanted.path}` reaches into `{path}`, which is mlspec's own"
                    raise fail("source/store", message, help="keep data in a folder of its own")
                if entry.is_symlink():
                    message = f"`{path}` is a link to a folder, and `{wanted.path}` would lead through it"
                    raise fail("source/link", message, help="name the folder it leads to, or move the files")
                waiting.append(path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether a name is a folder, or a link to one; one that leads nowhere, or in circles, is none."""
    with suppress(OSError):
        return entry.is_dir()
    return False


def _entries(root: Path, folder: str, named: str) -> list[os.DirEntry[str]]:
    path = root / folder
    if not path.is_dir():
        raise fail("source/missing", f"there is no folder `{folder}`, which `{named}` names")
    with in_words(path), os.scandir(path) as entries:
        return list(entries)


def _refuse_outside(root: Path, folder: str) -> None:
    inside, resolved = Path(os.path.realpath(root)), Path(os.path.realpath(root / folder))
    if not resolved.is_relative_to(inside):
        raise fail("source/outside", f"`{folder}` is a link out of the repository", help="copy the files in")
    if not {".git", OWN_FOLDER}.isdisjoint(resolved.relative_to(inside).parts):
        message = f"`{folder}` leads into files of git or mlspec"
        raise fail("source/outside", message, help="keep data in a folder of its own")


def _refuse_name(path: str, seen: int, named: str) -> None:
    if seen > _MOST_SEEN:
        message = f"there are more than {_MOST_SEEN:,} files and folders below `{folder_of(named)}`"
        raise fail("source/too-many", message, help="name a folder that holds the data only")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        shown = path.encode("utf-8", "replace").decode()
        raise fail("source/name", f"the name of the file `{shown}` is not UTF-8", help="rename it") from None


def _refuse_twins(found: Collection[str]) -> None:
    """Refuse names that some file systems take for one."""
    first: dict[str, str] = {}
    for path in sorted(found):
        other = first.setdefault(path.casefold(), path)
        if other != path:
            message = f"`{other}` and `{path}` differ in upper and lower case only"
            raise fail("source/name", message, help="rename one: some file systems take them for one file")
