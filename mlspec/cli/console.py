"""The only printer: results on stdout, progress and diagnostics on stderr; colour and motion only on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from mlspec.core.events import Closed, Ended, Event, Started
from mlspec.render.events_text import closed_line, ended_lines
from mlspec.render.plan_text import phrase
from mlspec.render.text import Line, duration, line

if TYPE_CHECKING:
    from mlspec.core.plan import Action

HEARTBEAT_S = 10.0
_COSTLY = ("snapshot", "check", "train", "evaluate")
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


def write_text(text: str) -> None:
    """Write text to stdout as it is, with one newline at its end."""
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


class Progress:
    """Shows an apply: a line for each action that ended; running ones live on a terminal, by heartbeat elsewhere."""

    def __init__(self) -> None:
        """Show on stderr what runs, and on stdout what came of it."""
        self._running: dict[str, tuple[Action, float]] = {}
        self._live: Any = None
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        """Start showing."""
        if wants_colour(sys.stderr) and sys.stderr.isatty() and not os.environ.get("CI"):
            self._live = _live()
            self._live.start()
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        self._stop.set()
        if self._live is not None:
            self._live.stop()

    def show(self, event: Event) -> None:
        """Show an event."""
        with self._lock:
            match event:
                case Started(action):
                    self._start(action)
                case Ended(action):
                    self._running.pop(action.id, None)
                    self._say(list(ended_lines(event)), sys.stdout)
                case Closed():
                    self._running.clear()
                    self._say([closed_line(event)], sys.stdout)
            self._refresh()

    def _start(self, action: Action) -> None:
        if action.verb in _COSTLY:
            self._running[action.id] = (action, time.monotonic())

    def _say(self, lines: list[Line], stream: TextIO) -> None:
        if self._live is not None:
            self._live.update("", refresh=True)
        write(lines, stream)

    def _beat(self) -> None:
        period = 0.5 if self._live is not None else HEARTBEAT_S
        while not self._stop.wait(period):
            with self._lock:
                if self._live is not None:
                    self._refresh()
                elif self._running:
                    write(self._lines(), sys.stderr)

    def _refresh(self) -> None:
        if self._live is not None and not self._stop.is_set():
            colour = wants_colour(sys.stderr)
            self._live.update(_ansi("\n".join(painted(one, colour=colour) for one in self._lines())), refresh=True)

    def _lines(self) -> list[Line]:
        now = time.monotonic()
        lines = []
        for action, since in self._running.values():
            estimate = f" of about {duration(action.estimate_s)}" if action.estimate_s else ""
            text = f"{action.address}: {phrase(action)}"
            lines.append(line(("running   ", "train"), (text, "bold"), (f"  {duration(now - since)}{estimate}", "dim")))
        return lines


def _live() -> Any:
    from rich.console import Console
    from rich.live import Live

    return Live("", console=Console(stderr=True), auto_refresh=False, transient=True)


def _ansi(text: str) -> Any:
    from rich.text import Text

    return Text.from_ansi(text)
