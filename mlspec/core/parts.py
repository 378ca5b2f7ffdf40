"""A source of many files: a manifest whose digest stands for all of them, and the packs that hold their bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from mlspec.core import digest

PACK_BYTES = 64 << 20
MOST_PACKS = 48
"""A record names every pack, and has room for so many."""
_FORMAT = "mlspec.parts/1"
START = f'{{"format":"{_FORMAT}"'.encode()
"""How the bytes of a manifest begin, which those of no table do."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file: its path below the folder that all are in, its size in bytes, and the digest of its bytes."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True)
class Manifest:
    """The files of a source, by path in the order of their code points."""

    parts: tuple[Part, ...]

    @cached_property
    def content(self) -> bytes:
        """Return the bytes that stand for the source in the store; equal files give equal bytes."""
        listed = [{"path": part.path, "size": part.size, "digest": part.digest} for part in self.parts]
        return digest.canonical({"format": _FORMAT, "parts": listed})

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(part.size for part in self.parts)

    def packs(self) -> Iterator[tuple[Part, ...]]:
        """Yield the files of each pack, one after the other without gaps: at least 64 MiB each, at most 48 of them.

        Objects of the store are laid out by this, so it may never change.
        """
        least = max(PACK_BYTES, -(-self.size // MOST_PACKS))
        pack: list[Part] = []
        size = 0
        for part in self.parts:
            pack.append(part)
            size += part.size
            if size >= least:
                yield tuple(pack)
                pack, size = [], 0
        if pack:
            yield tuple(pack)


def manifest_of(parts: Sequence[Part]) -> Manifest:
    """Return the manifest of files in any order."""
    return Manifest(tuple(sorted(parts, key=lambda part: part.path)))


def parse(content: bytes) -> Manifest:
    """Read the bytes of a manifest, which the store has verified."""
    listed = json.loads(content)["parts"]
    return Manifest(tuple(Part(part["path"], part["size"], part["digest"]) for part in listed))
