"""A running apply: what its steps share, and the recorded state as it grows."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from mlspec.commands.drafts import Author
from mlspec.commands.leases import Leases
from mlspec.commands.sharing import Sharing
from mlspec.commands.workspace import Workspace
from mlspec.core.events import Event, Waiting
from mlspec.core.head import Head
from mlspec.core.heads import mentioning
from mlspec.core.plan import Action
from mlspec.core.ports import Cancel, Executor
from mlspec.core.record import Object, Record
from mlspec.io.remote import RemoteError
from mlspec.io.scratch import lend_folder
from mlspec.lineage.read import State
from mlspec.lineage.share import refresh
from mlspec.lineage.write import append, fresh
from mlspec.planner.diff import Outlook


class Shelf:
    """The values used last, by key; two steps that want the same one make it once."""

    def __init__(self, size: int = 2) -> None:
        """Keep `size` values."""
        self._size = size
        self._values: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, make: Callable[[], Any]) -> Any:
        """Return the value of a key, made if it is not here."""
        with self._lock:
            if key not in self._values:
                self._values[key] = make()
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
            return self._values[key]


class Reader(Protocol):
    """What it takes to read recorded data; a session does."""

    @property
    def workspace(self) -> Workspace:
        """The project, with its store."""
        ...

    @property
    def state(self) -> State:
        """The recorded state."""
        ...

    @property
    def shelf(self) -> Shelf:
        """Tables that were read before."""
        ...

    def head(self, address: str) -> Head:
        """Return the head of an address, empty where nothing is recorded."""
        ...

    def folder(self) -> AbstractContextManager[Path]:
        """Lend an empty folder, removed at the end."""
        ...


@dataclass
class Session:
    """One apply. `state` is the recorded state after everything recorded so far."""

    workspace: Workspace
    seen: Outlook
    author: Author
    executor: Executor
    cancel: Cancel
    state: State
    sharing: Sharing
    leases: Leases
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    shelf: Shelf = field(default_factory=Shelf)
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _events: SimpleQueue[Event] = field(default_factory=SimpleQueue)

    def head(self, address: str) -> Head:
        """Return the head of an address, empty where nothing is recorded."""
        return self.state.heads.get(address) or Head(address=address)

    def record(self, drafts: tuple[Record, ...]) -> None:
        """Append drafts to the lineage; durable when it returns.

        Raises:
            MlspecError: the branch cannot be written, or a stage was moved meanwhile.
        """
        if drafts:
            with self._writing:
                self.state = append(self.workspace.branch, self.state, drafts, self.author.clock.now)

    def share(self, *, awaited: bool = False, last: bool = False) -> None:
        """Push what was recorded: now and then, at once where others wait for it, and in the end all of it."""
        if self.sharing.finally_() if last else self.sharing.soon(awaited=awaited):
            self.catch_up()

    def catch_up(self) -> None:
        """Take the recorded state as it is now."""
        with self._writing:
            self.state = fresh(self.workspace.branch, self.state)

    def begin(self, action: Action, started: datetime) -> bool:
        """Take the lease on an action's run, waiting for whoever has it; False when it was recorded meanwhile.

        Raises:
            BusyError: someone else is still at it after the wait bound.
        """
        intent = self.author.intent(action, started, self.environ)
        waits = lambda other: self._events.put(Waiting(action, other.who))  # noqa: E731 -- one line, used once
        if self.leases.take(intent, lambda: self._is_recorded(action), waits):
            return True
        self.catch_up()
        return False

    def hand_over(self, action: Action) -> None:
        """Let those who wait for an action's run have it."""
        if self.leases.holds(action.run):
            self.share(awaited=True)

    def knows(self, run: str) -> bool:
        """Say whether a run is recorded, of whichever model."""
        return any(head.trained(run) for head in mentioning(self.state.heads, run))

    def told(self) -> Iterator[Event]:
        """Yield what steps have told since the last time."""
        while not self._events.empty():
            yield self._events.get()

    def _is_recorded(self, action: Action) -> bool:
        """Say whether anyone has recorded an action's run by now."""
        home, branch = self.workspace.home, self.workspace.branch
        with suppress(RemoteError):
            refresh(home, branch, self.author.clock.now)
        return fresh(branch, self.state).heads.get(action.address, Head(address=action.address)).trained(action.run)

    def keep(self, objects: Mapping[str, bytes]) -> tuple[Object, ...]:
        """Store what did not fit into a record, and return how a record names it."""
        stored = [self.workspace.store.put_bytes(content) for content in objects.values()]
        return tuple(Object(name="fields", digest=one.digest, size=one.size) for one in stored)

    def folder(self) -> AbstractContextManager[Path]:
        """Lend an empty folder of this apply's own, on the store's disk; removed at the end."""
        return lend_folder(self.workspace.root / ".mlspec" / "tmp")
