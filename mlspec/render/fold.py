"""Lines broken to the width of a terminal: between words, and on below the second column; no word is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mlspec.render.text import Line, cells

_TOKENS = re.compile(r" +|(?:\[[^][ ]+, [^][ ]+\]|[^ ])+")
"""Spaces, or a word; an interval is one."""
_WHOLE = ("command", "trailing")
"""Styles of what is one word whatever is in it: it is to be copied, or is about its spaces."""
_COLUMN = 2
"""So many spaces or more are between columns."""


@dataclass(slots=True)
class _Word:
    """What is not broken: pieces with their styles, the spaces before them, and how wide they are."""

    gap: int
    pieces: list[tuple[str, str]] = field(default_factory=list)
    width: int = 0

    def add(self, text: str, style: str) -> None:
        self.pieces.append((text, style))
        self.width += cells(text)


def folded(one: Line, width: int) -> Iterator[Line]:
    """Yield a line as rows no wider than a terminal, where its words allow that: a longer one has a row to itself.

    A row ends between columns, else after a comma, else between words. What does not fit goes on below the second
    column where that begins in the first third of the row, else two cells deeper than the line; further left where
    only that makes room for a word.
    """
    if width <= 0 or cells(str(one)) <= width:
        yield one
        return
    words = list(_words(one, width))
    if not words:
        yield Line()
        return
    lead = min(words[0].gap, width // 4)
    indent, hang = _indent(lead, words, width), lead + _hang(words, width // 3 - lead)
    while words:
        end = _end(words, width - indent)
        pieces = [(" " * indent, "")]
        for number, word in enumerate(words[:end]):
            pieces += [(" " * word.gap, ""), *word.pieces] if number else word.pieces
        yield Line(tuple(pieces))
        words = words[end:]
        indent = _indent(hang, words, width)


def _words(one: Line, width: int) -> Iterator[_Word]:
    word = _Word(0)
    for text, style in one.pieces:
        for token in [text] if style in _WHOLE else _TOKENS.findall(text):
            if token.isspace() and style not in _WHOLE:
                if word.pieces:
                    yield from _parts(word, width)
                    word = _Word(0)
                word.gap += len(token)
            else:
                word.add(token, style)
    if word.pieces:
        yield from _parts(word, width)


def _indent(wanted: int, words: list[_Word], width: int) -> int:
    """Return how deep a row begins: less than wanted where only that makes room for its first word."""
    return max(0, min(wanted, width - words[0].width)) if words else 0


def _parts(word: _Word, width: int) -> Iterator[_Word]:
    """Yield a word; one too wide for a row may be broken beside a wide character, as such scripts are."""
    text = "".join(text for text, _ in word.pieces)
    is_whole = any(style in _WHOLE for _, style in word.pieces)
    if is_whole or word.width <= width * 2 // 3 or cells(text) == len(text):
        yield word
        return
    part = _Word(word.gap)
    for piece, style in word.pieces:
        for character in piece:
            if part.pieces and cells(character) > 1:
                yield part
                part = _Word(0)
            part.add(character, style)
    yield part


def _hang(words: list[_Word], most: int) -> int:
    """Return how much deeper than the line the rows below the first begin."""
    offset = words[0].width
    for word in words[1:]:
        offset += word.gap
        if word.gap >= _COLUMN or offset > most:
            break
        offset += word.width
    else:
        return 2
    return offset if offset <= most and word.gap >= _COLUMN else 2


def _end(words: list[_Word], room: int) -> int:
    """Return how many words are in a row: at least one."""
    used, column, clause = words[0].width, 0, 0
    for number, word in enumerate(words[1:], start=1):
        if word.gap >= _COLUMN and used > room // 2:
            column = number
        if used > room * 2 // 3 and words[number - 1].pieces[-1][0].endswith((",", ";")):
            clause = number
        used += word.gap + word.width
        if used > room:
            return column or clause or number
    return len(words)
