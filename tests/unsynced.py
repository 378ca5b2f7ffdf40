"""What a power cut would lose, read from the calls of an apply: bytes and names that were not synced when it counted.

A kill cannot show this, for the memory of the system outlives a process. When a ref moves, the objects and the store
must be on the disk, folders too; when a line reaches stdout, so must the ref.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from tests.tracer import Call

_WRITES = {"write", "pwrite64", "writev", "sendfile", "copy_file_range", "truncate", "ftruncate", "creat"}
_SWEPT = re.compile(
    r"/tmp_obj_\w+$|/\.mlspec/(tmp|cache)(/|$)|\.partial$|\.lock$|/\.git/logs(/|$)|/refs/remotes(/|$)|/scratch(/|$)|/store/partial$"
)
"""Names that nothing relies on: work in progress, caches, the reflog, what git notes of a remote."""


@dataclass
class Disk:
    """What is on its way to the disk."""

    ours: tuple[str, ...]
    """The folders that the lineage and the store rely on."""
    dirty: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    """The names that were made in a folder and not synced."""

    def take(self, call: Call) -> None:
        """Follow a call."""
        first, last = call.paths[0], call.paths[-1]
        if call.name in _WRITES:
            self.dirty.add(first)
        elif call.name in ("fsync", "fdatasync"):
            self.dirty.discard(first)
            self.names.pop(first, None)
        elif call.name.startswith(("unlink", "rmdir")):
            self._forget(first)
        elif call.name.startswith(("create", "mkdir", "link", "symlink", "rename")):
            self.names.setdefault(str(PurePath(last).parent), set()).add(last)
            if call.name.startswith(("rename", "link")) and first in self.dirty:
                self.dirty.add(last)
            if call.name.startswith("rename"):
                if first not in self.dirty:
                    self.dirty.discard(last)
                self._forget(first)

    def unsynced(self) -> Iterator[str]:
        """Yield what is not on the disk and ought to be."""
        yield from (f"the bytes of {path}" for path in sorted(self.dirty) if self._counts(path))
        for names in self.names.values():
            yield from (f"the name {path}" for path in sorted(names) if self._counts(path))

    def _forget(self, path: str) -> None:
        self.dirty.discard(path)
        for names in self.names.values():
            names.discard(path)

    def _counts(self, path: str) -> bool:
        return path.startswith(self.ours) and not _SWEPT.search(path)


def unsynced(calls: Iterable[Call], ours: tuple[str, ...]) -> list[str]:
    """Return what was not synced at an acknowledgement.

    The move of a ref acknowledges what it names, a line on stdout everything.
    """
    disk, found = Disk(ours), []
    for call in calls:
        if call.name == "rename" and "/.git/refs/" in call.paths[-1]:
            found += [f"{call.n}: {what}" for what in disk.unsynced() if "/.git/refs/" not in what]
        elif call.role == "mlspec" and call.name == "write" and call.paths[0].endswith("/stdout"):
            found += [f"{call.n}: {what}" for what in disk.unsynced()]
        disk.take(call)
    return found
