"""`mlspec apply`: carry out a plan, record every step, and yield what happens as it happens."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from mlspec.commands.catch_up import Ask
from mlspec.commands.drafts import author
from mlspec.commands.gc import register
from mlspec.commands.leases import Leases
from mlspec.commands.plan import PlanRequest, make
from mlspec.commands.schedule import COSTLY, Tally, carry_out
from mlspec.commands.session import Session
from mlspec.commands.sharing import Sharing
from mlspec.commands.workspace import StoreTell, Workspace, open_workspace, refuse_superseded
from mlspec.core.events import Closed, Event
from mlspec.core.plan import Plan, plan_digest
from mlspec.core.ports import Clock, Executor
from mlspec.core.problem import fail
from mlspec.executors.local import LocalExecutor
from mlspec.io.ci import in_ci
from mlspec.io.clock import SystemClock
from mlspec.planner import approve
from mlspec.planner.diff import Outlook
from mlspec.planner.world import Options
from mlspec.specs.project import Project


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """What to apply: a fresh plan, exactly a saved one (`plan_file`), or what an approved one holds (`approved`)."""

    addresses: tuple[str, ...] = ()
    plan_file: Path | None = None
    approved: Path | None = None
    jobs: int = 1
    push: bool = True
    wait_s: float = 120.0
    options: Options = Options()


Confirm = Callable[[Plan], bool]


def run(
    start: Path,
    request: ApplyRequest,
    confirm: Confirm,
    cancel: threading.Event,
    tell: StoreTell = lambda _: None,
    clock: Clock | None = None,
) -> Iterator[Event]:
    """Plan, ask, and carry out; nothing is written before `confirm` said yes. The last event is `Closed`.

    What happens in the store is told to `tell`, from any thread.

    Raises:
        StaleError: the commit was superseded, or the saved plan no longer holds: nothing was run.
        MlspecError: as `plan`; or git has no identity to record with; or the store cannot keep anything.
    """
    clock = clock or SystemClock()
    workspace = open_workspace(start, ask=Ask.MUST if request.push else Ask.MAY, tell=tell)
    refuse_lost_store(workspace.project, os.environ)
    sharing = Sharing(workspace.home, workspace.branch, workspace.store, clock, request.push, cancel)
    refuse_superseded(workspace)
    plan, seen, unapproved = _settle(workspace, request, clock)
    tally = Tally(stale=unapproved, negative=any(action.negative for action in plan.actions if action.blocked))
    confirmed = bool(plan.actions) and confirm(plan)
    if not plan.runnable:
        sharing.finally_()
        yield _closed(plan.counts, tally, cancel, workspace.state.tip, sharing)
        return
    writer = author(workspace, plan.deploys, clock)
    if not confirmed:
        yield Closed({"cancelled": len(plan.runnable)}, 1, workspace.state.tip)
        return
    executor: Executor = LocalExecutor()
    if any(action.verb in COSTLY for action in plan.runnable):
        workspace.store.ready()
        register(workspace)
    leases = Leases(workspace.home, clock, cancel, request.wait_s)
    session = Session(workspace, seen, writer, executor, cancel, workspace.state, sharing, leases)
    try:
        yield from carry_out(session, plan, request.jobs, tally)
        session.share(last=True)
        leases.sweep(session.knows)
    finally:
        leases.drop_all()
    yield _closed(dict(sorted(tally.counts.items())), tally, cancel, session.state.tip, sharing)


def _closed(counts: dict[str, int], tally: Tally, cancel: threading.Event, tip: str | None, sharing: Sharing) -> Closed:
    tally.failed = tally.failed or bool(sharing.problems)
    tally.stale = tally.stale or bool(sharing.stale)
    return Closed(counts, tally.exit_code(cancel), tip, sharing.told)


def refuse_lost_store(project: Project, environ: Mapping[str, str]) -> None:
    """Refuse to keep models on a runner of continuous integration, whose disk is thrown away.

    Raises:
        MlspecError: `store/lost-in-ci`.
    """
    if project.store.lost_with_machine and in_ci(environ):
        raise fail(
            "store/lost-in-ci",
            f"the store is the folder `{project.store.path}`, and the disk of this runner is thrown away (CI is set)",
            help="in mlspec.yaml write `store: git`, `store: s3://bucket/prefix`, "
            "or `store: {path: /mnt/models, shared: true}` for a folder that stays",
        )


def _settle(workspace: Workspace, request: ApplyRequest, clock: Clock) -> tuple[Plan, Outlook, bool]:
    """Make the fresh plan, and hold it against the saved or approved one; say whether anything was not approved."""
    saved = (
        load_plan(request.plan_file or request.approved, workspace) if request.plan_file or request.approved else None
    )
    addresses = saved.selection if saved else request.addresses
    fresh, seen = make(workspace, PlanRequest(addresses, options=request.options, asks_store=True), clock)
    if saved is None:
        return fresh, seen, False
    if request.plan_file is not None:
        return approve.exactly(saved, fresh), seen, False
    settled = approve.only(saved, fresh)
    return settled, seen, len(settled.runnable) < len(fresh.runnable)


def load_plan(path: Path | None, workspace: Workspace) -> Plan:
    """Read a saved plan.

    Raises:
        MlspecError: it is missing, damaged, of a newer format, or of another project.
    """
    name = str(path)
    try:
        content = Path(name).read_bytes()
    except OSError as error:
        raise fail("plan/unreadable", f"{name}: {error.strerror}") from None
    try:
        plan = Plan.model_validate_json(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise fail(
            "plan/damaged",
            f"{name} is not a plan of this mlspec: {where}: {first['msg']}",
            help="run: mlspec plan -o FILE",
        ) from None
    if plan.project != workspace.project.project:
        raise fail(
            "plan/other-project", f"{name} is a plan of project `{plan.project}`, not `{workspace.project.project}`"
        )
    if plan.digest != plan_digest(plan.actions):
        raise fail("plan/damaged", f"{name} was edited: its digest is another", help="run: mlspec plan -o FILE")
    return plan
