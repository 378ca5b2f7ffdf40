"""Digests of files by what the system says of them: a second look at an unchanged file reads no bytes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from mlspec.core.digest import is_digest
from mlspec.io import cache
from mlspec.io.files import Hashed, Signature, hash_file

_KEY = "hashes/1"
_RACY_NS = 2_000_000_000
_MOST = 100_000


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
        self._noted: dict[str, tuple[Signature, str]] = {}

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
        if known is None or watched is None or known[0] != watched.signature:
            return None
        self._noted.setdefault(str(path), known)
        return Hashed(known[1], known[0].size)

    def note(self, path: Path, before: Watch | None, digest: str) -> None:
        """Remember the digest of bytes read after `before`, if the file is still the same and old enough."""
        now = self.watch(path)
        if before is None or now is None or now.signature != before.signature:
            return
        newest = max(before.signature.mtime_ns, before.signature.ctime_ns)
        if newest + _RACY_NS <= before.at_ns:
            self._known[str(path)] = self._noted[str(path)] = (before.signature, digest)

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
        before = _load(self._file)
        if all(before.get(path) == entry for path, entry in self._noted.items()):
            return
        entries = before | self._noted if len(before) < _MOST else self._noted
        rows = {path: [*_numbers(signature), digest] for path, (signature, digest) in entries.items()}
        cache.keep(self._file, _KEY, json.dumps(rows).encode())


def _numbers(signature: Signature) -> tuple[int, int, int, int]:
    return signature.size, signature.mtime_ns, signature.ctime_ns, signature.inode


def _load(file: Path) -> dict[str, tuple[Signature, str]]:
    body = cache.load(file, _KEY)
    if body is None:
        return {}
    rows = json.loads(body)
    return {path: (Signature(*numbers), digest) for path, (*numbers, digest) in rows.items() if is_digest(digest)}
