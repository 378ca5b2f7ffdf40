"""The progress of an apply: what runs now on stderr, what came of it on stdout; motion only on a terminal."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import TextIO

from mlspec.cli.console import moves, painted, rows, size, wants_colour, write_on
from mlspec.core.events import Closed, Compared, Ended, Event, Moved, Remarked, Started, Waiting
from mlspec.core.plan import Action
from mlspec.io.ci import in_ci
from mlspec.render.beside_text import beside_lines
from mlspec.render.events_text import COSTLY, closed_line, ended_lines, moved_line
from mlspec.render.plan_text import phrase
from mlspec.render.problems import problem_lines
from mlspec.render.text import Line, cells, duration, line, neutralise

HEARTBEAT_S = 10.0
_STOPPING = "running steps are ended and what is finished is recorded; again to stop at once"
_ERASE = "\r\x1b[J"


class Progress:
    """Shows an apply: a line for each action that ended; what runs and moves live on a terminal, else by heartbeat."""

    def __init__(self, cancel: threading.Event | None = None) -> None:
        """Show on stderr what runs, and on stdout what came of it; say at once that `cancel` was set."""
        self._cancel = cancel or threading.Event()
        self._stopping = False
        self._running: dict[str, tuple[Action, float]] = {}
        self._moving: dict[str, Moved] = {}
        self._waits: dict[str, str] = {}
        self._is_live = False
        self._drawn = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        """Start showing."""
        self._is_live = moves(sys.stderr) and not in_ci(os.environ)
        threading.Thread(target=self._beat, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing."""
        with self._lock:
            self._stop.set()
            self._tell_stopping()
            self._draw([])

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
                    self._say(list(ended_lines(event, size(sys.stdout)[0])), sys.stdout)
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
                    self._say(list(problem_lines(event.problems, size(sys.stderr)[0])), sys.stderr)
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
        self._draw([])
        write_on(lines, stream)

    def _watch(self) -> None:
        self._cancel.wait()
        with self._lock:
            self._tell_stopping()
            self._refresh()

    def _tell_stopping(self) -> None:
        if self._cancel.is_set() and not self._stopping:
            self._stopping = True
            if self._is_live:
                _put(_ERASE)  # the terminal wrote ^C
            self._say([line(("stopping: ", "warn"), _STOPPING)], sys.stderr)

    def _beat(self) -> None:
        period = 0.5 if self._is_live else HEARTBEAT_S
        while not self._stop.wait(period):
            with self._lock:
                if self._is_live:
                    self._refresh()
                elif self._running or self._moving:
                    write_on(self._lines(), sys.stderr)

    def _refresh(self) -> None:
        if not self._stop.is_set():
            self._draw(self._lines())

    def _draw(self, lines: list[Line]) -> None:
        """Draw what runs and moves over what was drawn of it before, no higher than the terminal."""
        if not self._is_live or not (lines or self._drawn):
            return
        columns, height = size(sys.stderr)
        over = f"\x1b[{self._drawn}A{_ERASE}" if self._drawn else ""
        text, self._drawn, colour = "", 0, wants_colour(sys.stderr)
        for one in rows(lines, sys.stderr):
            taken = -(-cells(str(one)) // columns) if columns else 1
            if height and self._drawn + taken >= height:
                break
            text += painted(one, colour=colour) + "\n"
            self._drawn += taken
        _put(over + text)

    def _lines(self) -> list[Line]:
        now = time.monotonic()
        lines = []
        for action, since in self._running.values():
            estimate = f" of about {duration(action.estimate_s)}" if action.estimate_s else ""
            text = f"{action.address}: {phrase(action)}"
            lines.append(line(("running   ", "train"), (text, "bold"), (f"  {duration(now - since)}{estimate}", "dim")))
        return [*lines, *(moved_line(moved) for moved in self._moving.values())]


def _put(text: str) -> None:
    with suppress(OSError):  # the terminal may have gone
        sys.stderr.write(text)
        sys.stderr.flush()
