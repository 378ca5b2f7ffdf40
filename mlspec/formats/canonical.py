"""What a kept model consists of, whatever the file around it is: times, order and packing are no part of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from mlspec.core import digest
from mlspec.formats.skops_archive import SCHEMA, contents

_BROKEN = (BadZipFile, EOFError, KeyError, NotImplementedError, OSError, RuntimeError, ValueError)
_NESTED = ".skops"


def members(artifact: Path) -> dict[str, str]:
    """Return the digest of each member's content, by name, sorted; of what is no archive, of its bytes, by `model`.

    In a skops archive, objects and members go by the order in which its schema meets them: skops names them by
    their addresses in memory, or at random. Of an archive of files, a skops file among them is taken apart too.
    """
    with artifact.open("rb") as file:
        return dict(sorted(_inside(file, "")))


def differing(one: dict[str, str], other: dict[str, str]) -> tuple[str, ...]:
    """Return the members that are not in both with the same content, sorted."""
    return tuple(name for name in sorted({*one, *other}) if one.get(name) != other.get(name))


def _inside(file: IO[bytes], within: str) -> Iterator[tuple[str, str]]:
    try:
        with ZipFile(file) as archive:
            found = list(_members(archive, within))
    except _BROKEN:
        file.seek(0)
        found = [(within or "model", digest.of_bytes(file.read()))]
    yield from found


def _members(archive: ZipFile, within: str) -> Iterator[tuple[str, str]]:
    before = f"{within}/" if within else ""
    if SCHEMA in archive.namelist():
        yield from ((before + name, digest.of_bytes(content)) for name, content in contents(archive))
        return
    for name in archive.namelist():
        content = archive.read(name)
        if name.endswith(_NESTED):
            yield from _inside(io.BytesIO(content), before + name)
        else:
            yield before + name, digest.of_bytes(content)
