"""How a store keeps a note, whichever store it is: its name, and a frame that shows when a byte of it changed."""

from __future__ import annotations

import re

from mlspec.core import digest as digests
from mlspec.core.problem import MlspecError, fail

_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}/[a-z0-9][a-z0-9-]{0,127}")


def named(name: str) -> str:
    """Return the name of a note.

    Raises:
        ValueError: it is none; names are given by mlspec's own code, so this is a defect.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"`{name}` is not the name of a note")
    return name


def is_name(name: str) -> bool:
    """Say whether this is the name of a note."""
    return _NAME.fullmatch(name) is not None


def seal(content: bytes) -> bytes:
    """Frame a note: the digest of its content, a line feed, the content."""
    return digests.of_bytes(content).encode() + b"\n" + content


def unseal(name: str, sealed: bytes, where: str) -> bytes:
    """Return the content of a framed note.

    Raises:
        MlspecError: `store/damaged`.
    """
    digest, _, content = sealed.partition(b"\n")
    if digests.of_bytes(content).encode() != digest:
        raise damaged(name, where)
    return content


def whole(name: str, sealed: bytes) -> bytes | None:
    """Return the content of a framed note; None for a damaged one, which its writer is to replace."""
    try:
        return unseal(name, sealed, "")
    except MlspecError:
        return None


def damaged(name: str, where: str) -> MlspecError:
    """Make the error of a note whose bytes are others."""
    message = f"the note {name} of the store is damaged: its bytes are others"
    return fail("store/damaged", message, help=f"remove {where}: a note is made again when it is needed")
