"""From the bytes of a YAML file to chunks of text, one document each; refuses what no parser should see."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from mlspec.specs.secrets import mask

Spot = tuple[int, int]
"""A line and a column, both counted from 0."""
MAX_BYTES = 1 << 20
MAX_DOCUMENTS = 1000
_MAX_EXCERPT = 200
_MAX_SHOWN = 20

# YAML forbids `---` and `...` at the start of a line inside any content, so a document ends there whatever it holds.
_BOUNDARY = re.compile(r"^(?:---(?=\s|\Z)|\.\.\.(?=\s|\Z)[^\n]*\n?)", re.MULTILINE)
_CONFLICT = re.compile(r"^(?:<{7}|>{7})(?=\s|\Z)", re.MULTILINE)
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff\ud800-\udfff]|\r(?!\n)"
)


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong, and where in the file: line and column counted from 0; line -1 is the file as a whole."""

    line: int
    column: int
    code: str
    message: str
    help: str | None = None


class RefusedError(Exception):
    """The whole file is refused, for one flaw."""

    def __init__(self, flaw: Flaw) -> None:
        """Carry the flaw."""
        self.flaw = flaw
        super().__init__(flaw.message)


@dataclass(frozen=True, slots=True)
class Chunk:
    """The text of at most one document, and the line of the file it starts at, counted from 0."""

    text: str
    line: int


def decode(content: bytes) -> str:
    """Return the text of a file, without a leading byte order mark.

    Raises:
        RefusedError: the file is too large, or is not UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise _whole("yaml/size", f"the file has {len(content):,} bytes; the limit is {MAX_BYTES:,}")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _whole("yaml/encoding", "the file is UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        line, column = position(before, len(before))
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise RefusedError(Flaw(line, column, "yaml/encoding", message, "save the file as UTF-8")) from None


def chunks(text: str) -> list[Chunk]:
    """Cut a text at its document boundaries.

    Raises:
        RefusedError: there are too many documents.
    """
    bounds = _BOUNDARY.finditer(text)
    cuts = [0, *(match.start() if match[0].startswith("-") else match.end() for match in bounds)]
    if len(cuts) > MAX_DOCUMENTS + 1:
        raise _whole("yaml/documents", f"the file has {len(cuts) - 1:,} documents; the limit is {MAX_DOCUMENTS:,}")
    found, line = [], 0
    for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True):
        part = text[start:end]
        found.append(Chunk(part, line))
        line += part.count("\n")
    return found


def flaws_of(chunk: Chunk) -> Iterator[Flaw]:
    """Find what must not be in a document's text at all: invisible characters and conflict markers."""
    conflict = _CONFLICT.search(chunk.text)
    if conflict is not None:
        line, column = position(chunk.text, conflict.start())
        advice = "finish the merge and remove the markers"
        yield Flaw(chunk.line + line, column, "yaml/conflict", "conflict marker", advice)
    for match in itertools.islice(INVISIBLE.finditer(chunk.text), _MAX_SHOWN):
        line, column = position(chunk.text, match.start())
        message = f"invisible or control character U+{ord(match[0]):04X}"
        yield Flaw(chunk.line + line, column, "yaml/character", message)


def _whole(code: str, message: str) -> RefusedError:
    return RefusedError(Flaw(-1, -1, code, message))


def position(text: str, offset: int) -> Spot:
    """Return line and column of an offset, counted from 0."""
    return text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)


def excerpt(lines: list[str], line: int, column: int) -> str | None:
    """Return a source line (counted from 0) for showing with a caret; None where that would not help or not be safe."""
    if not 0 <= line < len(lines) or column > _MAX_EXCERPT:
        return None
    shown = mask(lines[line].rstrip("\r")[: 2 * _MAX_EXCERPT])[:_MAX_EXCERPT]
    return INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", shown) or None
