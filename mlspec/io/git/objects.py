"""Git's own forms of objects: what `cat-file --batch` writes, and packs."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable, Iterator, Sequence

_PACKED = {"commit": 1, "tree": 2, "blob": 3}


def batch(out: bytes, object_id: Callable[[str, bytes], str]) -> Iterator[bytes | None]:
    """Take apart what `cat-file --batch` wrote, up to where it broke off; None for what is not what its id says."""
    stream = io.BytesIO(out)
    while header := stream.readline().split():
        if len(header) != 3:
            yield None
            continue
        oid, kind, size = header
        content = stream.read(int(size))
        if stream.read(1) != b"\n":
            return
        yield content if object_id(kind.decode(), content) == oid.decode() else None


def pack(kind: str, contents: Sequence[bytes], algorithm: str) -> bytes:
    """Return objects as a pack (git help gitformat-pack)."""
    parts = [b"PACK" + (2).to_bytes(4, "big") + len(contents).to_bytes(4, "big")]
    for content in contents:
        size = len(content)
        head, size = [_PACKED[kind] << 4 | size & 15], size >> 4
        while size:
            head[-1] |= 0x80
            head.append(size & 0x7F)
            size >>= 7
        parts += [bytes(head), zlib.compress(content, 1)]
    whole = b"".join(parts)
    return whole + hashlib.new(algorithm, whole, usedforsecurity=False).digest()
