"""Where a bucket keeps what, and the index of a large object. Pure.

sha256/<2 hex>/<62 hex>                     an object of up to 8 MiB
parts/<2 hex>/<62 hex>/<number>.<64 hex>    a larger one: 8 MiB each, named by place and content
parts/<2 hex>/<62 hex>/index                its size and its parts in order, written when all of them are there
notes/<folder>/<name>                       a note
probe                                       written once, to learn whether the bucket creates conditionally

An object is there when its file or its index is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from mlspec.core import digest as digests
from mlspec.stores import notes

OBJECTS, LARGE, NOTES = "sha256", "parts", "notes"
"""The folders."""
PROBE = "probe"
_FORMAT = "mlspec.parts/1"
_PART = re.compile(r"\d{6}\.[0-9a-f]{64}")


def of_object(digest: str) -> str:
    """Return the key of an object that is one file."""
    return f"{OBJECTS}/{_spread(digest)}"


def of_large(digest: str) -> str:
    """Return the folder of a larger object."""
    return f"{LARGE}/{_spread(digest)}"


def of_index(digest: str) -> str:
    """Return the key of a larger object's index."""
    return f"{of_large(digest)}/index"


def of_note(name: str) -> str:
    """Return the key of a note.

    Raises:
        ValueError: the name is none.
    """
    return f"{NOTES}/{notes.named(name)}"


def object_at(key: str) -> str | None:
    """Return the digest of the object that is the file at a key; None where none can be."""
    return _gathered(key, OBJECTS)


def large_at(key: str) -> str | None:
    """Return the digest of the object whose part or index is at a key; None where none can be."""
    return _gathered(key.rpartition("/")[0], LARGE)


def note_at(key: str) -> str | None:
    """Return the name of the note at a key; None where none can be."""
    folder, _, name = key.partition("/")
    return name if folder == NOTES and notes.is_name(name) else None


def part(number: int, block: bytes) -> str:
    """Return the name of a part in its folder; they count from 0."""
    return f"{number:06d}.{hashlib.sha256(block).hexdigest()}"


def index(size: int, parts: Sequence[str]) -> bytes:
    """Return the index of an object of so many bytes; equal objects have equal ones."""
    return json.dumps({"format": _FORMAT, "size": size, "parts": list(parts)}, indent=0).encode()


def listed(content: bytes) -> tuple[int, list[str]] | None:
    """Return the size of an object and its parts in order, as its index says; None where it is no index."""
    try:
        read: dict[str, Any] = json.loads(content)
        size, parts = int(read["size"]), list(read["parts"])
        sound = read["format"] == _FORMAT and parts and all(_PART.fullmatch(name) for name in parts)
    except (ValueError, TypeError, KeyError):
        return None
    return (size, parts) if sound else None


def _spread(digest: str) -> str:
    name = digest.removeprefix(digests.PREFIX)
    return f"{name[:2]}/{name[2:]}"


def _gathered(key: str, wanted: str) -> str | None:
    folder, _, spread = key.partition("/")
    digest = digests.PREFIX + spread.replace("/", "", 1)
    return digest if folder == wanted and digests.is_digest(digest) else None
