"""One form for a skops file: equal models give equal bytes; what the file means is left to skops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def rewrite(source: ZipFile, target: ZipFile) -> None:
    """Copy a skops archive without what differs from one dump to the next.

    skops names objects by their address in memory, and members by those or at random; here both are numbered in
    the order in which the schema meets them. Members are sorted, stored as they are, and carry no time.

    Raises:
        KeyError, ValueError: the archive is not one that skops made.
    """
    for name, content in contents(source):
        _write(target, name, content)


def contents(source: ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield the members of a skops archive as `rewrite` names and orders them, with what is in them.

    Raises:
        KeyError, ValueError: the archive is not one that skops made.
    """
    schema = json.loads(source.read(SCHEMA))
    members = set(source.namelist()) - {SCHEMA}
    naming = _Naming(members)
    renamed = naming.apply(schema)
    yield SCHEMA, json.dumps(renamed, separators=(",", ":")).encode()
    for old, new in sorted(naming.files.items(), key=lambda pair: pair[1]):
        yield new, source.read(old)


class _Naming:
    """Numbers for object ids and members, given in the order of first appearance."""

    def __init__(self, members: set[str]) -> None:
        self._members = members
        self._ids: dict[int, int] = {}
        self.files: dict[str, str] = {}

    def apply(self, value: Any) -> Any:
        """Return the schema with every id and member name replaced."""
        if isinstance(value, dict):
            return {key: self._entry(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.apply(item) for item in value]
        return value

    def _entry(self, key: str, item: Any) -> Any:
        if key == "__id__" and isinstance(item, int):
            return self._ids.setdefault(item, len(self._ids) + 1)
        if key == "file" and isinstance(item, str) and item in self._members:
            name = f"{len(self.files):06d}{PurePosixPath(item).suffix}"
            return self.files.setdefault(item, name)
        return self.apply(item)


def _write(target: ZipFile, name: str, content: bytes) -> None:
    entry = ZipInfo(name, _EPOCH)
    entry.compress_type = ZIP_STORED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    target.writestr(entry, content)
