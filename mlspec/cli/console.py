"""The only printer: lines to a stream, coloured only on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TextIO

from mlspec.render.text import Line, line

_STYLES = {
    "add": "32",
    "change": "33",
    "train": "36",
    "promote": "1;32",
    "rollback": "1;33",
    "remove": "31",
    "blocked": "1;31",
    "error": "1;31",
    "warn": "33",
    "ok": "32",
    "help": "36",
    "trailing": "41",
    "bold": "1",
    "dim": "2",
}


def wants_colour(stream: TextIO) -> bool:
    """Say whether to colour a stream: NO_COLOR, FORCE_COLOR, TERM=dumb, else whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def painted(one: Line, *, colour: bool) -> str:
    """Return a line as text, with or without colour."""
    if not colour:
        return str(one).rstrip()
    parts = [
        f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style in _STYLES and text else text for text, style in one.pieces
    ]
    return "".join(parts)


def write(lines: Iterable[Line], stream: TextIO | None = None) -> None:
    """Write lines; they are never wrapped."""
    target = stream or sys.stdout
    colour = wants_colour(target)
    for one in lines:
        target.write(painted(one, colour=colour) + "\n")
    target.flush()


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
