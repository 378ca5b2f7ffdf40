"""Lines of styled text, and what makes foreign text safe to show."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mlspec.core import digest

_LONGEST = 72
_PICTURES = 0x2400
_PICTURE = "\ufe0f"


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces of text, each with the name of a style ("" for none)."""

    pieces: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the text without its styles."""
        return "".join(text for text, _ in self.pieces)


def line(*pieces: str | tuple[str, str]) -> Line:
    """Make a line of plain strings and (text, style) pairs."""
    return Line(tuple(piece if isinstance(piece, tuple) else (piece, "") for piece in pieces))


def plain(lines: Iterable[Line]) -> str:
    """Return lines as plain text, each ended by a newline."""
    return "".join(f"{one}".rstrip() + "\n" for one in lines)


def cells(text: str) -> int:
    """Count the cells that a text takes on a terminal: two for a wide character, none for a mark on another."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def pad(text: str, width: int) -> str:
    """Fill a text with spaces up to a width in cells."""
    return text + " " * (width - cells(text))


def _cells(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    if character == _PICTURE:
        return 1  # it makes a narrow character a wide picture
    return 0 if unicodedata.category(character) in ("Mn", "Me") else 1


def neutralise(text: str) -> str:
    """Make control, direction and invisible characters visible, so that no text can steer a terminal."""
    return text if text.isascii() and text.isprintable() else "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return "\u2421"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return f"<U+{code:04X}>"
    return character


def value(found: Any) -> str:
    """Write a value of a spec or record for a person: digests short, long ones cut with their length."""
    if found is None:
        return "none"
    if isinstance(found, str):
        if digest.is_digest(found):
            return digest.short(found, 8)
        text = neutralise(found)
    elif isinstance(found, bool):
        text = "true" if found else "false"
    elif isinstance(found, list | tuple):
        text = neutralise("[" + ", ".join(str(item) for item in found) + "]")
    else:
        text = neutralise(str(found))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 20]}… ({len(text):,} characters)"


def duration(seconds: float) -> str:
    """Write a duration: `0.4 s`, `41 s`, `12 min`, `2.5 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def volume(size: float) -> str:
    """Write a number of bytes: `312 bytes`, `4.1 kB`, `12.3 MB`, `1.5 GB`."""
    if size < 1000:
        return f"{size:.0f} byte{'' if size == 1 else 's'}"
    power = next((power for power in (1, 2) if size / 1000**power < 999.95), 3)
    return f"{size / 1000**power:,.1f} {' kMG'[power]}B"


def counted(counts: dict[str, int], words: str = "") -> str:
    """Write counts as a list: `1 to snapshot, 2 to promote`."""
    return ", ".join(f"{number} {words}{name}" for name, number in counts.items() if number)
