"""`mlspec plan`: gather what is there, and let the planner say what would be done. Writes nothing but its own cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlspec.commands import quiet, settle
from mlspec.commands.catch_up import Ask
from mlspec.commands.observe import observe
from mlspec.commands.verdicts import with_checks
from mlspec.commands.workspace import Workspace, authority, open_workspace, superseded
from mlspec.core.address import Address
from mlspec.core.beside import Beside
from mlspec.core.document import Path as FieldPath
from mlspec.core.plan import Action, Plan, Reason
from mlspec.core.ports import Clock
from mlspec.core.problem import Problem
from mlspec.io import yaml
from mlspec.io.clock import SystemClock, stamp
from mlspec.lineage.share import outbox
from mlspec.planner import diff
from mlspec.planner.diff import Header, Outlook
from mlspec.planner.evidence import evidence
from mlspec.planner.world import Options, World
from mlspec.version import __version__


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What to plan: everything or some addresses, of the work tree or of a commit.

    `ask` is about the remote of the lineage. A store that is not near is asked what it holds only where `asks_store`
    says so, for an apply: a plan alone opens no connection to it, and takes what is recorded as held.
    """

    addresses: tuple[str, ...] = ()
    ref: str | None = None
    options: Options = Options()
    ask: Ask = Ask.MUST
    asks_store: bool = False


def run(start: Path, request: PlanRequest, clock: Clock | None = None) -> Plan:
    """Return the plan.

    Raises:
        MlspecError: invalid specs, no usable repository, a damaged lineage, an unknown address.
    """
    return _planned(start, request, clock)[1]


def run_with_evidence(start: Path, request: PlanRequest, clock: Clock | None = None) -> tuple[Plan, tuple[Beside, ...]]:
    """Return the plan, and what is recorded of the runs that would enter a stage; errors as `run`."""
    workspace, plan, seen = _planned(start, request, clock)
    return plan, tuple(with_checks(workspace, seen, evidence(seen, plan.actions)))


def _planned(start: Path, request: PlanRequest, clock: Clock | None) -> tuple[Workspace, Plan, Outlook]:
    clock = clock or SystemClock()
    began = clock.now()
    workspace = open_workspace(start, request.ref, request.ask)
    plan, seen = make(workspace, request, clock)
    if request == PlanRequest(ask=request.ask):
        quiet.remember(workspace, plan, began)
    return workspace, plan, seen


def make(workspace: Workspace, request: PlanRequest, clock: Clock) -> tuple[Plan, Outlook]:
    """Plan an opened workspace; also return what the planner saw, which apply works from."""
    at = stamp(clock.now())
    seen = settle.outlook(look(workspace, request, at), workspace.cache / "settled")
    plan = diff.plan(seen, _header(workspace, at), request.addresses)
    return plan.model_copy(update={"actions": tuple(_placed(workspace, plan.actions))}), seen


def look(workspace: Workspace, request: PlanRequest, at: str) -> World:
    """Gather the world at a time that a plan is a function of. Only recorded objects are ever asked for."""
    store = workspace.store
    return World(
        project=workspace.project,
        specs=workspace.specs,
        heads=workspace.state.heads,
        sources=observe(workspace),
        code=workspace.loaded.code,
        judges=workspace.loaded.judges,
        authority=authority(workspace),
        has=store.has if store.near or request.asks_store else lambda _: True,
        at=at,
        options=request.options,
    )


def _header(workspace: Workspace, at: str) -> Header:
    old = superseded(workspace)
    recorded = workspace.state.layout.deploy if workspace.state.layout else workspace.project.deploy
    warnings = [_warned(problem) for problem in (*workspace.loaded.warnings, *workspace.warnings)]
    box = outbox(workspace.home)
    if workspace.home.remote is not None and not box.is_empty:
        warnings.append(f"records here are not at the remote `{workspace.home.remote.name}` yet: mlspec push")
    if old:
        warnings.append(f"{old}; apply will refuse")
    last = workspace.state.layout.commit if workspace.state.layout else None
    if workspace.home.remote is not None and not old and last is not None and not workspace.home.knows(last):
        unknown = f"whether this commit is older is not known: push {last[:8]} from where it was made"
        warnings.append(f"the commit deployed last, {last[:8]}, is neither here nor at the remote: {unknown}")
    if recorded != workspace.project.deploy:
        warnings.append(f"mlspec.yaml says `deploy: {workspace.project.deploy}`, recorded is `{recorded}`, which holds")
    return Header(
        mlspec=__version__,
        commit=workspace.checkout.commit,
        branch=workspace.checkout.branch,
        dirty=bool(workspace.dirty),
        lineage=workspace.state.tip,
        at=at,
        warnings=tuple(warnings),
    )


def _warned(problem: Problem) -> str:
    return f"{problem.place}: {problem.message}" if problem.place else problem.message


def _placed(workspace: Workspace, actions: Iterable[Action]) -> Iterable[Action]:
    """Give the reasons their file and line; only files of changed addresses are read again."""
    for action in actions:
        reasons = tuple(_place(workspace, action.address, reason) for reason in action.reasons)
        yield action.model_copy(update={"reasons": reasons})


def _place(workspace: Workspace, address: str, reason: Reason) -> Reason:
    if reason.field.startswith("code."):
        return reason.model_copy(update={"file": reason.field.removeprefix("code.")})
    document = workspace.specs.where.get(Address.parse(reason.via or address))
    if document is None:
        return reason
    path = field_path(document.value, reason.field)
    content = workspace.tree.read(document.file) or b""
    place = yaml.places(document.file, content, document.index, [path]).get(path)
    return reason.model_copy(update={"file": document.file, "line": place.line if place else None})


def field_path(value: Any, field: str) -> FieldPath:
    """Find a flat field in a document: the deepest part of `schema.age.max` that is written there."""
    if field == "content":
        return ("source",)
    path: list[str | int] = []
    parts = field.split(".")
    while parts:
        step = _step(value, parts)
        if step is None:
            break
        key, used = step
        path.append(key)
        value, parts = value[key], parts[used:]
    return tuple(path)


def _step(value: Any, parts: list[str]) -> tuple[str | int, int] | None:
    for used in range(len(parts), 0, -1):
        name = ".".join(parts[:used])
        if isinstance(value, dict) and name in value:
            return name, used
        if isinstance(value, list):
            for number, item in enumerate(value):
                if name == str(number) or (isinstance(item, dict) and item.get("name") == name):
                    return number, used
    return None
