"""Locks that a git which died has left on refs that are mlspec's own."""

from __future__ import annotations

import time
from pathlib import Path

_STALE_S = 10.0


def clear(lock: Path) -> None:
    """Remove a lock that has stood longer than any of git's moves takes."""
    if (_age(lock) or 0.0) > _STALE_S:
        lock.unlink(missing_ok=True)


def outlive(lock: Path) -> None:
    """Wait for git's lock on a branch; one that has stood longer than any move takes was left by a git that died."""
    deadline = time.monotonic() + _STALE_S
    while (age := _age(lock)) is not None:
        if age > _STALE_S or time.monotonic() > deadline:
            lock.unlink(missing_ok=True)
            return
        time.sleep(0.05)


def _age(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None
