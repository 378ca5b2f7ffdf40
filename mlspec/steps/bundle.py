"""A model that is more than one file: its files and the code that reads them, as one archive; equal ones equal bytes.

In the archive `model/…` are the files that training left, and `code/…` is the code it was made by. It is a zip file,
unpacked, with members in order and without times.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from mlspec.core.paths import check_path
from mlspec.core.problem import fail

MAX_FILES = 10_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20


def listed(folder: Path) -> dict[str, Path]:
    """Return the files below a folder that a program left, by their paths from it, sorted.

    Raises:
        MlspecError: the folder is gone, or a link (`train/no-output`); a link, a pipe or the like is among the files
            (`train/not-a-file`), a name is none that every system has (`train/file-name`), or there are too many
            (`train/too-many-files`).
    """
    if folder.is_symlink() or not folder.is_dir():
        message = "the folder MLSPEC_OUTPUT is gone: the command removed it, or put something else in its place"
        raise fail("train/no-output", message, help="leave the model in the folder that is there")
    found: dict[str, Path] = {}
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        if not stat.S_ISREG(path.lstat().st_mode):
            message = f"the command left `{_short(name)}` in MLSPEC_OUTPUT, which is no plain file"
            raise fail("train/not-a-file", message, help="leave files there: a link may lead anywhere")
        try:
            found[check_path(name)] = path
        except ValueError as error:
            message = f"the command left `{_short(name)}` in MLSPEC_OUTPUT; a file's name {error}"
            raise fail("train/file-name", message) from error
        if len(found) > MAX_FILES:
            raise fail("train/too-many-files", f"the command left more than {MAX_FILES:,} files in MLSPEC_OUTPUT")
    return dict(sorted(found.items()))


def pack(target: Path, model: Mapping[str, Path], code: Mapping[str, bytes]) -> None:
    """Write an archive of a model's files and its code.

    Raises:
        OSError: the disk is full, for one; or a file is not what it was when it was listed.
    """
    with ZipFile(target, "w") as archive:
        for name, content in sorted(code.items()):
            archive.writestr(_entry(f"code/{name}"), content)
        for name, path in sorted(model.items()):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as source:
                entry = _entry(f"model/{name}")
                entry.file_size = os.fstat(descriptor).st_size
                with archive.open(entry, "w") as sink:
                    shutil.copyfileobj(source, sink, _CHUNK)


def unpack(source: Path, folder: Path) -> None:
    """Write the files of an archive into a new folder, as `model/…` and `code/…`.

    Raises:
        MlspecError: it is no such archive, or one of its names leads elsewhere (`model/unreadable`).
        OSError: the disk is full, for one.
    """
    for name in ("model", "code"):
        (folder / name).mkdir(parents=True)
    try:
        with ZipFile(source) as archive:
            for entry in archive.infolist():
                target = folder / _sound(entry.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, target.open("xb") as sink:
                    shutil.copyfileobj(packed, sink, _CHUNK)
    except (BadZipFile, ValueError, NotImplementedError, EOFError) as error:
        raise fail("model/unreadable", f"the archive of the model is damaged: {error}") from error


def _walk(folder: Path) -> Iterator[Path]:
    """List what is not a folder, below a folder that may hold anything."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)
        else:
            yield path


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _sound(name: str) -> str:
    if not name.startswith(("model/", "code/")):
        raise ValueError("a member lies outside of it")
    return check_path(name)


def _short(name: str) -> str:
    name = name.encode("utf-8", "replace").decode()
    return name if len(name) <= 60 else name[:59] + "…"
