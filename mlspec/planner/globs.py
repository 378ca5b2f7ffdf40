"""Globs over paths of a repository; which files there are is the caller's to know."""

from __future__ import annotations

import re
from functools import lru_cache

_NEVER = {".git", ".mlspec", "__pycache__"}


def matches(glob: str, path: str) -> bool:
    """Say whether a glob matches a path: `*` and `?` within a part, `**` for any number of folders.

    As in a shell, a part that starts with a dot is matched only by one that does; git's, mlspec's and compiled
    files never are.
    """
    return _pattern(glob).fullmatch(path) is not None and _NEVER.isdisjoint(path.split("/"))


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> re.Pattern[str]:
    *folders, last = glob.split("/")
    deep = r"(?:[^/.][^/]*/)*"
    text = "".join(deep if part == "**" else f"{_part(part)}/" for part in folders)
    return re.compile(text + (rf"{deep}[^/.][^/]*" if last == "**" else _part(last)))


def _part(part: str) -> str:
    pieces = re.split(r"(\*+|\?|\[!?\]?[^\]]*\])", part)
    translated = "".join(_piece(piece) for piece in pieces)
    return translated if part.startswith(".") else rf"(?!\.){translated}"


def _piece(piece: str) -> str:
    if piece.startswith("*"):
        return "[^/]*"
    if piece == "?":
        return "[^/]"
    if piece.startswith("[") and piece.endswith("]"):
        inner = piece[1:-1]
        negated, inner = inner.startswith("!"), re.escape(inner.removeprefix("!")).replace(r"\-", "-")
        return f"[^/{inner}]" if negated else f"[{inner}]"
    return re.escape(piece)
