"""The progress of an apply: what runs now on stderr, what came of it on stdout; motion only on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any, TextIO

from mlspec.cli.console import painted, wants_colour, write_on
from mlspec.core.events import Closed, Compared, Ended, Event, Moved, Remarked, Started, Waiting
from mlspec.core.plan import Action
from mlspec.io.ci import in_ci
from mlspec.render.beside_text import beside_lines
from mlspec.render.events_text import COSTLY, closed_line, ended_lines, moved_line
from mlspec.render.plan_text import phrase
from mlspec.render.problems import problem_lines
from mlspec.render.text import Line, duration, line, neutralise

HEARTBEAT_S = 10.0


class Progress:
    """Shows an apply: a line for each action that ended; what runs and moves live on a terminal, else by heartbeat."""

    def __init__(self) -> None:
        """Show on stderr what runs, and on stdout what came of it."""
        self._running: dict[str, tuple[Action, float]] = {}
        self._moving: dict[str, Moved] = {}
        self._waits: dict[str, str] = {}
        self._live: Any = None
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        """Start showing."""
        if wants_colour(sys.stderr) and sys.stderr.isatty() and not in_ci(os.environ):
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
                case Waiting(action, who):
                    self._wait(action, who)
                case Ended(action):
                    self._running.pop(action.id, None)
                    self._moving.clear()  # one that was broken off would stay; those on their way come again
                    self._say(list(ended_lines(event)), sys.stdout)
                case Moved(digest):
                    self._moving[digest] = event
                    if event.done >= event.total:
                        del self._moving[digest]
                    return  # shown at the next beat: there are many of them
                case Compared(beside):
                    self._say(list(beside_lines(beside)), sys.stdout)
                case Remarked(message):
                    self._say([line(("note      ", "dim"), message)], sys.stderr)
                case Closed():
                    self._running.clear()
                    self._moving.clear()
                    self._say([closed_line(event)], sys.stdout)
                    self._say(list(problem_lines(event.problems)), sys.stderr)
            self._refresh()

    def _start(self, action: Action) -> None:
        if action.verb in COSTLY:
            self._running[action.id] = (action, time.monotonic())

    def _wait(self, action: Action, who: str) -> None:
        if self._waits.get(action.id) != who:
            self._waits[action.id] = who
            what = f"{action.address}: waiting for another apply that is at it"
            self._say([line(("waiting   ", "train"), (what, "bold"), (f"  {neutralise(who)}", "dim"))], sys.stderr)

    def _say(self, lines: list[Line], stream: TextIO) -> None:
        if self._live is not None:
            self._live.update("", refresh=True)
        write_on(lines, stream)

    def _beat(self) -> None:
        period = 0.5 if self._live is not None else HEARTBEAT_S
        while not self._stop.wait(period):
            with self._lock:
                if self._live is not None:
                    self._refresh()
                elif self._running or self._moving:
                    write_on(self._lines(), sys.stderr)

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
        return [*lines, *(moved_line(moved) for moved in self._moving.values())]


def _live() -> Any:
    from rich.console import Console
    from rich.live import Live

    return Live("", console=Console(stderr=True), auto_refresh=False, transient=True)


def _ansi(text: str) -> Any:
    from rich.text import Text

    return Text.from_ansi(text)
