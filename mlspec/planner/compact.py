"""Keeping records small: fields too many for a record become one object of the store, named by its digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlspec.core import digest

LIMIT = 6 * 1024
"""Bytes of fields, in canonical JSON, that a record carries itself; a record has 16 KiB for everything."""
_OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Compact:
    """Fields that fit, their digest, and the objects that hold what did not, by digest."""

    fields: dict[str, Any]
    digest: str
    objects: Mapping[str, bytes] = field(default_factory=dict)


def compact(fields: Mapping[str, Any]) -> Compact:
    """Return fields that fit a record: the largest groups (`schema.*`, `code.*`) go to objects until the rest does.

    The same fields give the same result everywhere, so a plan knows the digest of an object it has never read.
    """
    kept, objects = dict(fields), dict[str, bytes]()
    while len(written := digest.canonical(kept)) > LIMIT:
        group = _largest(kept)
        if group is None:
            break
        moved = {name: value for name, value in kept.items() if _group(name) == group}
        content = digest.canonical(moved)
        kept = {name: value for name, value in kept.items() if name not in moved}
        kept[f"{group}.{_OBJECT}"] = digest.of_bytes(content)
        objects[digest.of_bytes(content)] = content
    return Compact(kept, digest.of_bytes(written), objects)


def object_of(fields: Mapping[str, Any], group: str) -> str | None:
    """Return the digest of the object that a group went to, or None where the fields are all here."""
    found: str | None = fields.get(f"{group}.{_OBJECT}")
    return found


def _group(name: str) -> str:
    return name.partition(".")[0]


def _largest(fields: Mapping[str, Any]) -> str | None:
    sizes: dict[str, int] = {}
    for name, value in fields.items():
        if not name.endswith(f".{_OBJECT}"):
            sizes[_group(name)] = sizes.get(_group(name), 0) + len(name) + len(digest.canonical(value))
    return max(sizes, key=lambda group: (sizes[group], group), default=None)
