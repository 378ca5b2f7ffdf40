"""The only printer: lines to a stream, coloured only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from mlspec.core.problem import Problem
from mlspec.render.fold import folded
from mlspec.render.problems import problem_lines
from mlspec.render.text import Line, line

_GREEN, _ORANGE, _TEAL, _RED, _GREY = (f"38;5;{number}" for number in (28, 166, 30, 196, 243))
"""As far from white as from black (a contrast of about 4 to 1), so that they are read on either."""
_STYLES = {
    "add": _GREEN,
    "change": _ORANGE,
    "train": _TEAL,
    "promote": f"1;{_GREEN}",
    "rollback": f"1;{_ORANGE}",
    "remove": _RED,
    "blocked": f"1;{_RED}",
    "error": f"1;{_RED}",
    "warn": _ORANGE,
    "ok": _GREEN,
    "help": _TEAL,
    "trailing": "41",
    "bold": "1",
    "command": "1",
    "dim": _GREY,
}


def wants_colour(stream: TextIO) -> bool:
    """Say whether to colour a stream: NO_COLOR, FORCE_COLOR, TERM=dumb, else whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def moves(stream: TextIO) -> bool:
    """Say whether what is on a stream can be drawn again: on a terminal that is not dumb."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def size(stream: TextIO) -> tuple[int, int]:
    """Return the columns and rows of a terminal; zeros for a stream that is none, or that does not say."""
    try:
        return os.get_terminal_size(stream.fileno()) if stream.isatty() else (0, 0)
    except (OSError, ValueError):
        return 0, 0


def rows(lines: Iterable[Line], stream: TextIO) -> Iterator[Line]:
    """Yield lines as they are shown: broken to the width of a terminal, and in characters that the stream can write."""
    columns, _ = size(stream)
    for one in lines:
        yield from folded(_writable(one, stream), columns)


def _writable(one: Line, stream: TextIO) -> Line:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if encoding.lower().startswith("utf") or str(one).isascii():
        return one
    errors = stream.errors or "strict"
    return Line(tuple((text.encode(encoding, errors).decode(encoding), style) for text, style in one.pieces))


def painted(one: Line, *, colour: bool) -> str:
    """Return a line as text, with or without colour."""
    if not colour:
        return str(one).rstrip()
    parts = [
        f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style in _STYLES and text else text for text, style in one.pieces
    ]
    return "".join(parts)


def write(lines: Iterable[Line], stream: TextIO | None = None) -> None:
    """Write lines, broken to the width of a terminal; where there is none they are never broken."""
    target = stream or sys.stdout
    colour = wants_colour(target)
    for one in rows(lines, target):
        target.write(painted(one, colour=colour) + "\n")
    target.flush()


def write_problems(problems: Iterable[Problem], stream: TextIO | None = None) -> None:
    """Write problems, with excerpts that fit."""
    target = stream or sys.stdout
    write(problem_lines(problems, size(target)[0]), target)


def write_on(lines: Iterable[Line], stream: TextIO) -> None:
    """Write lines, and go on where they cannot be written: work under way does not end because nobody listens."""
    try:
        write(lines, stream)
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        if stream is not sys.stderr and not isinstance(error, BrokenPipeError):
            said = f"what is done can no longer be shown: {(error.strerror or str(error)).lower()}"
            write_on([line(("note      ", "dim"), said)], sys.stderr)


def write_text(text: str) -> None:
    """Write text to stdout as it is, with one newline at its end."""
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()
