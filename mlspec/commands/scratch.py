"""`mlspec apply --scratch`: train and evaluate what the specs ask for, beside the champion, and record nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mlspec.commands.catch_up import Ask
from mlspec.commands.drafts import Author
from mlspec.commands.leases import Leases
from mlspec.commands.plan import PlanRequest, make
from mlspec.commands.schedule import COSTLY, Tally, carry_out
from mlspec.commands.session import Session
from mlspec.commands.sharing import Sharing
from mlspec.commands.workspace import StoreTell, Workspace, open_workspace
from mlspec.core.events import Closed, Compared, Event, Remarked
from mlspec.core.heads import overlay
from mlspec.core.plan import Action, Plan, count, plan_digest
from mlspec.core.ports import Clock
from mlspec.core.record import Actor, Origin, Record
from mlspec.executors.local import LocalExecutor
from mlspec.io.clock import SystemClock
from mlspec.io.scratch import lend_folder
from mlspec.lineage.write import chain
from mlspec.planner.diff import Outlook
from mlspec.planner.evidence import beside
from mlspec.planner.world import Options
from mlspec.stores.folder import FolderStore
from mlspec.stores.scratch import ScratchStore


@dataclass(frozen=True, slots=True)
class ScratchRequest:
    """What to try: everything, or some addresses and what they need."""

    addresses: tuple[str, ...] = ()
    jobs: int = 1
    options: Options = Options()


@dataclass
class Scratch(Session):
    """An apply that is remembered while it lasts: its records go onto the heads in memory, and no one waits for it."""

    def record(self, drafts: tuple[Record, ...]) -> None:
        """Fold drafts into the state of this session."""
        with self._writing:
            _, changed = chain(self.state.heads, drafts)
            self.state = replace(self.state, heads=overlay(self.state.heads, changed))

    def begin(self, action: Action, started: datetime) -> bool:  # noqa: ARG002 -- the session's
        """Begin at once: what others train meanwhile is theirs."""
        return True


def run(
    start: Path,
    request: ScratchRequest,
    show: Callable[[Plan], object],
    cancel: threading.Event,
    tell: StoreTell = lambda _: None,
    clock: Clock | None = None,
) -> Iterator[Event]:
    """Plan, show the plan, and carry out what costs something; objects lie in a folder that is removed at the end.

    It moves nothing, so any commit and any tree will do, and nobody is asked. The last event is `Closed`.

    Raises:
        MlspecError: as `plan`.
    """
    clock = clock or SystemClock()
    workspace = open_workspace(start, ask=Ask.MAY, tell=tell)
    whole, seen = make(workspace, PlanRequest(request.addresses, options=request.options, asks_store=True), clock)
    plan = _costly(whole)
    if plan.actions:
        show(plan)
    tally = Tally(negative=any(action.negative for action in plan.actions if action.blocked))
    with lend_folder(workspace.root / ".mlspec" / "tmp") as folder:
        store = ScratchStore(workspace.store, FolderStore(folder / "store"))
        session = _session(replace(workspace, store=store), seen, clock, cancel)
        yield from carry_out(session, plan, request.jobs, tally)
        yield from _compared(session, request.addresses)
    yield Remarked("nothing of this is recorded")
    counts = tally.counts if plan.runnable else plan.counts
    yield Closed(dict(sorted(counts.items())), tally.exit_code(cancel), None)


def _costly(plan: Plan) -> Plan:
    """Return a plan of what makes evidence alone."""
    actions = tuple(action for action in plan.actions if action.verb in COSTLY)
    return plan.model_copy(update={"actions": actions, "counts": count(actions), "digest": plan_digest(actions)})


def _session(workspace: Workspace, seen: Outlook, clock: Clock, cancel: threading.Event) -> Scratch:
    commit = workspace.checkout.commit or ""
    origin = Origin(commit=commit, branch=workspace.checkout.branch, dirty=bool(workspace.dirty), deploys=False)
    writer = Author("scratch", Actor(name="scratch", email=""), origin, clock, workspace)
    sharing = Sharing(workspace.home, workspace.branch, workspace.store, clock, pushes=False)
    leases = Leases(workspace.home, clock, cancel, 0)
    return Scratch(workspace, seen, writer, LocalExecutor(), cancel, workspace.state, sharing, leases)


def _compared(session: Scratch, addresses: tuple[str, ...]) -> Iterator[Event]:
    """Lay each run that the specs ask for beside the champion; of a model that was not selected, none."""
    for name, view in session.seen.models.items():
        now = view.beside(session.head(view.address))
        run = now.head.runs.get(now.fingerprint or "")
        if run is not None and run.metrics and (not addresses or {name, view.address} & set(addresses)):
            yield Compared(beside(now, now.fingerprint or ""))
