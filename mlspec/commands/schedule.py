"""Carrying out a plan: each action when what it needs is done, costly ones side by side, each recorded as it ends."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from graphlib import TopologicalSorter

from mlspec.commands import do_stages
from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.core.events import Ended, Event, Started
from mlspec.core.plan import Action, Plan
from mlspec.core.ports import Cancel
from mlspec.core.problem import BusyError, MlspecError
from mlspec.core.record import Failure
from mlspec.plugins.catalog import implementation

Step = Callable[[Session, Action, datetime], Result]

COSTLY = {
    "snapshot": "mlspec.commands.do_data:snapshot",
    "check": "mlspec.commands.do_data:check",
    "train": "mlspec.commands.do_train:train",
    "evaluate": "mlspec.commands.do_evaluate:evaluate",
}
"""Steps that need the extra `run`; imported when the first of them starts."""

_INSTANT: dict[str, Step] = {
    "promote": do_stages.enter,
    "rollback": do_stages.enter,
    "demote": do_stages.demote,
    "update": do_stages.update,
    "move": do_stages.move,
    "retire": do_stages.retire,
}

_WORLD = ("env/", "store/", "git/", "lineage/", "remote/", "source/", "code/", "step/interrupted")
"""Codes of what the world did: such a step is planned again; anything else is recorded as failed."""
_LISTEN_S = 0.2
_QUOTES = re.compile(r"( raised [\w.]+): .*|( called sys\.exit)\(['\"].*", re.DOTALL)


@dataclass
class Tally:
    """What an apply has come to so far."""

    stale: bool = False
    busy: bool = False
    negative: bool = False
    failed: bool = False
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, ended: Ended) -> None:
        """Count an action that is over."""
        self.counts[ended.ending] = self.counts.get(ended.ending, 0) + 1
        self.negative = self.negative or ended.negative
        self.failed = self.failed or ended.ending == "failed"
        self.busy = self.busy or ended.ending == "busy"

    def exit_code(self, cancel: Cancel) -> int:
        """Return the exit code of DESIGN section 7; when several hold, the one it names first."""
        reached = ((130, cancel.is_set()), (1, self.failed), (4, self.stale), (5, self.busy), (3, self.negative))
        return next((code for code, holds in reached if holds), 0)


def step_of(verb: str) -> Step:
    """Return what carries out an action of this verb."""
    return _INSTANT.get(verb) or implementation(COSTLY[verb])


def carry_out(
    session: Session, plan: Plan, jobs: int, tally: Tally, step_of: Callable[[str], Step] = step_of
) -> Iterator[Event]:
    """Run the runnable actions and yield how they begin and end. A failure stops only what needs it.

    Raises:
        StaleError: a stage was moved by someone else meanwhile.
    """
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="step") as pool:
        course = _Course(session, plan, jobs, pool, step_of)
        try:
            for event in course.events():
                if isinstance(event, Ended):
                    tally.add(event)
                yield event
        except BaseException:
            _abandon(session)
            raise


class _Course:
    """The way through a plan: what is ready, what runs, and what a failure has spoiled."""

    def __init__(
        self, session: Session, plan: Plan, jobs: int, pool: ThreadPoolExecutor, step_of: Callable[[str], Step]
    ) -> None:
        self._session, self._jobs, self._pool, self._step_of = session, jobs, pool, step_of
        self._actions = {action.id: action for action in plan.runnable}
        self._order = TopologicalSorter(
            {key: [need for need in action.needs if need in self._actions] for key, action in self._actions.items()}
        )
        self._ready: list[Action] = []
        self._running: dict[Future[Result], tuple[Action, datetime, float]] = {}
        self._spoiled: dict[str, Ended] = {}

    def events(self) -> Iterator[Event]:
        self._order.prepare()
        while True:
            action = self._next()
            if action is not None:
                yield from self._begin(action)
            elif self._running:
                yield from self._collect()
            else:
                return

    def _next(self) -> Action | None:
        """Return an action that may begin now; once the user asked to stop, none may."""
        self._ready += [self._actions[key] for key in self._order.get_ready()]
        if self._session.cancel.is_set():
            return None
        full = len(self._running) >= self._jobs
        chosen = next((a for a in self._ready if not (full and a.verb in COSTLY and not self._cause(a))), None)
        if chosen is not None:
            self._ready.remove(chosen)
        return chosen

    def _cause(self, action: Action) -> Ended | None:
        causes = (need for need in action.needs if need in self._spoiled and action.hinges_on(need))
        return next((self._spoiled[need] for need in causes), None)

    def _begin(self, action: Action) -> Iterator[Event]:
        cause = self._cause(action)
        if cause is not None:
            yield self._end(
                Ended(action, "skipped", f"{cause.action.id} {_PAST[cause.ending]}", negative=cause.negative)
            )
            return
        yield Started(action)
        clock = self._session.author.clock
        started, since = clock.now(), clock.monotonic()
        step = partial(self._step_of(action.verb), self._session, action, started)
        if action.verb in COSTLY:
            self._running[self._pool.submit(step)] = (action, started, since)
        else:
            yield self._end(_finish(self._session, action, started, step, since))

    def _collect(self) -> Iterator[Event]:
        self._session.share()
        done: set[Future[Result]] = set()
        while not done:
            done, _ = wait(self._running, timeout=_LISTEN_S, return_when=FIRST_COMPLETED)
            yield from self._session.told()
        for future in done:
            action, started, since = self._running.pop(future)
            yield self._end(_finish(self._session, action, started, future.result, since))

    def _end(self, ended: Ended) -> Ended:
        if ended.ending in _PAST:
            self._spoiled[ended.action.id] = ended
        self._order.done(ended.action.id)
        return ended


_PAST = {"busy": "is done by someone else", "failed": "failed", "rejected": "was rejected", "skipped": "was skipped"}


def _finish(session: Session, action: Action, started: datetime, outcome: Callable[[], Result], since: float) -> Ended:
    """Take a step's result, record it, and say how it ended."""
    clock = session.author.clock
    try:
        result = outcome()
        session.record(result.drafts)
        session.hand_over(action)
    except BusyError as error:
        first = error.problems[0]
        return Ended(action, "busy", f"{first.message} ({first.help})", clock.monotonic() - since)
    except MlspecError as error:
        return _failed(session, action, started, error, clock.monotonic() - since)
    finally:
        session.leases.drop(action.run)
    return Ended(
        action,
        result.ending,
        result.message,
        clock.monotonic() - since,
        result.version,
        result.metrics,
        result.verdicts,
        result.violations,
        result.remarks,
        result.log_tail,
        result.negative,
        result.spread,
    )


def _failed(session: Session, action: Action, started: datetime, error: MlspecError, seconds: float) -> Ended:
    if error.exit_code != 1:
        raise error
    first = error.problems[0]
    said = f"{first.place}: {first.message}" if first.place else first.message
    message = said + (f" ({first.help})" if first.help else "")
    tail: str = getattr(error, "tail", "")
    if not first.code.startswith(_WORLD) and not getattr(error, "retryable", False) and not session.cancel.is_set():
        log = session.workspace.store.put_bytes(tail.encode()).digest if tail else None
        failure = Failure(code=first.code, message=_without_values(said)[:1000], log=log)
        session.record((session.author.failure(action, started, failure),))
    return Ended(action, "failed", message, seconds, log_tail=tuple(tail.splitlines()))


def _without_values(message: str) -> str:
    """Cut what the user's code said, which may quote a cell of the data; the log, in the store, has it."""
    return _QUOTES.sub(r"\1\2", message)


def _abandon(session: Session) -> None:
    """Ask running steps to stop, whatever broke off the apply."""
    if isinstance(session.cancel, threading.Event):
        session.cancel.set()
