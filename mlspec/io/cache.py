"""Caches: files that may be deleted at any time, and are believed only when their key and digest are right."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from mlspec.io.files import make_folders, partial


def load(path: Path, key: str) -> bytes | None:
    """Return what was kept under a key, or None when it is absent, of another key, or damaged."""
    try:
        first, _, body = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return body if first == _first(key, body) else None


def keep(path: Path, key: str, body: bytes) -> None:
    """Keep bytes under a key. A cache that cannot be written costs time, nothing else."""
    with suppress(OSError):
        make_folders(path.parent)
        with partial(path.parent, path.name) as temporary:
            temporary.write_bytes(_first(key, body) + b"\n" + body)
            temporary.replace(path)


def _first(key: str, body: bytes) -> bytes:
    return f"{key} {hashlib.sha256(body).hexdigest()}".encode()
