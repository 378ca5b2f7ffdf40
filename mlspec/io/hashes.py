"""Digests of files by what the system says of them: a second look at an unchanged file reads no bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mlspec.io import cache
from mlspec.io.files import Hashed, Signature, hash_file

_KEY = "hashes/1"
_RACY_NS = 2_000_000_000
_MOST = 100_000
Row = list[int | str]
"""Size, two times and inode of a file, then its digest."""


class Watch(NamedTuple):
    """A file's signature and when it was taken, in nanoseconds since 1970."""

    signature: Signature
    at_ns: int


class HashCache:
    """Digests by path, size, times and inode, kept in one file that may be lost or damaged at any time.

    A file written within two seconds of being hashed is not trusted: it may change again and look the same, where
    a file system counts time that coarsely (git's racy check).
    """

    def __init__(self, file: Path, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Keep digests in `file`; `now_ns` is the clock that files are stamped by."""
        self._file, self._now_ns = file, now_ns
        self._known = _load(file)
        self._used: dict[str, Row] = {}
        self._is_new = False

    def watch(self, path: Path) -> Watch | None:
        """Take a file's signature before reading it; None where there is none."""
        at_ns = self._now_ns()
        try:
            return Watch(Signature.of(path.stat()), at_ns)
        except OSError:
            return None

    def look(self, path: Path) -> Hashed | None:
        """Return the digest of a file that has not changed since it was noted, without reading it."""
        known, watched = self._known.get(str(path)), self.watch(path)
        if known is None or watched is None or known[:-1] != _numbers(watched.signature):
            return None
        self._used[str(path)] = known
        return Hashed(str(known[-1]), watched.signature.size)

    def note(self, path: Path, before: Watch | None, digest: str) -> None:
        """Remember the digest of bytes read after `before`, if the file is still the same and old enough."""
        now = self.watch(path)
        if before is None or now is None or now.signature != before.signature:
            return
        newest = max(before.signature.mtime_ns, before.signature.ctime_ns)
        if newest + _RACY_NS <= before.at_ns:
            self._known[str(path)] = self._used[str(path)] = [*_numbers(before.signature), digest]
            self._is_new = True

    def hash(self, path: Path) -> Hashed:
        """Return a file's digest, reading it only where it may have changed.

        Raises:
            MlspecError: as `files.hash_file`.
        """
        known = self.look(path)
        if known is not None:
            return known
        before = self.watch(path)
        hashed = hash_file(path)
        self.note(path, before, hashed.digest)
        return hashed

    def save(self) -> None:
        """Write what was noted, beside what other processes wrote meanwhile. A cache that cannot be written is none."""
        if not self._is_new:
            return
        kept = _load(self._file)
        rows = kept | self._used if len(kept) < _MOST else self._used
        cache.keep(self._file, _KEY, json.dumps(rows).encode())
        self._is_new = False


def _numbers(signature: Signature) -> Row:
    return [signature.size, signature.mtime_ns, signature.ctime_ns, signature.inode]


def _load(file: Path) -> dict[str, Row]:
    body = cache.load(file, _KEY)
    rows: dict[str, Row] = json.loads(body) if body is not None else {}
    return rows
