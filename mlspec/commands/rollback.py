"""`mlspec rollback`: put a version back into a stage at once, and hold it there until the spec is edited."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from mlspec.commands.catch_up import Ask
from mlspec.commands.drafts import Author, author
from mlspec.commands.sharing import Sharing
from mlspec.commands.versions import refuse_expired
from mlspec.commands.workspace import Workspace, authority, open_workspace, refuse_superseded
from mlspec.core.head import Head, StageState
from mlspec.core.plan import Action
from mlspec.core.ports import Clock
from mlspec.core.problem import fail, suggest
from mlspec.core.record import Override, Record
from mlspec.core.rollback import Judged, Rollback, RolledBack
from mlspec.io.clock import SystemClock, stamp
from mlspec.lineage.write import append, fresh
from mlspec.planner import fingerprint, overrides
from mlspec.planner.standing import Asked, numbers, rivals, standing
from mlspec.planner.view import way_to
from mlspec.specs.model import Model, seconds

LONGEST = timedelta(days=90)
_REASON = 500
_NUMBER = re.compile(r"v?([1-9]\d{0,8})")


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """What is wished, in the words of the command line; without `to`, the version that held the stage before."""

    model: str
    stage: str
    reason: str
    expires: str
    to: str | None = None
    push: bool = True


Confirm = Callable[[Rollback], bool]


def run(start: Path, request: RollbackRequest, confirm: Confirm, clock: Clock | None = None) -> RolledBack | None:
    """Propose, ask, record and share; None where `confirm` said no: nothing was written then.

    Raises:
        StaleError: the commit was superseded, or the stage was moved meanwhile.
        MlspecError: as `propose`; or the artifact of the version is gone or damaged; or git has no identity.
    """
    clock = clock or SystemClock()
    lasts, reason = duration(request.expires), one_line(request.reason)
    workspace = open_workspace(start, ask=Ask.MUST if request.push else Ask.MAY)
    refuse_superseded(workspace)
    allowed = authority(workspace)
    if not allowed.deploys:
        raise fail("rollback/not-deployed", f"a rollback moves a stage, and {allowed.why}")
    started = clock.now()
    found = propose(workspace, request, reason, started, started + lasts)
    workspace.store.check(workspace.state.heads[found.address].runs[found.run].artifact)
    writer = author(workspace, allowed.deploys, clock)
    if not confirm(found):
        return None
    recorded = append(workspace.branch, workspace.state, (draft(writer, found, started),), clock.now)
    sharing = Sharing(workspace.home, workspace.branch, workspace.store, clock, request.push)
    sharing.finally_()
    code = 1 if sharing.problems else 4 if sharing.stale else 0
    return RolledBack(found, fresh(workspace.branch, recorded).tip, sharing.told, code)


def propose(workspace: Workspace, request: RollbackRequest, reason: str, now: datetime, until: datetime) -> Rollback:
    """Return the rollback that a wish means, with what is recorded of its gates, which do not stop it.

    Raises:
        MlspecError: no such model, stage or version, or the version never held the stage.
    """
    model = declared_model(workspace, request.model)
    address, stage = str(model.address), request.stage
    _refuse_stage(workspace, model, stage)
    head = workspace.state.heads.get(address) or Head(address=address)
    state = head.stages.get(stage)
    number = _version(head, stage, request.to)
    version = head.version(number)
    assert version is not None, "a version that held a stage is registered"
    refuse_expired(head, version)
    return Rollback(
        address=address,
        stage=stage,
        version=number,
        run=version.fingerprint,
        replaces=state.version if state else None,
        override=Override(until=stamp(until), reason=reason, declared=overrides.asked(model, stage)),
        gates=judged(workspace, model, head, version.fingerprint, stage, now),
        champions=_champions(workspace, model, head, version.fingerprint, stage),
        ends=state.override.until if state and state.override else None,
        file=workspace.specs.where[model.address].file,
    )


def draft(writer: Author, found: Rollback, started: datetime) -> Record:
    """Return the record of a rollback, not chained yet."""
    inputs = {"stage": found.stage, "run": found.run, "replaces": found.replaces, "override": found.override.declared}
    action = Action(
        verb="rollback",
        address=found.address,
        stage=found.stage,
        version=found.version,
        run=found.run,
        effect=fingerprint.effect("rollback", found.address, **inputs),
    )
    waived = tuple(dict.fromkeys(waiver for judged in found.gates.values() for waiver in judged.waived))
    return writer.draft(
        "rollback",
        action,
        started,
        fingerprint=found.run,
        stage=found.stage,
        version=found.version,
        replaces=found.replaces,
        gates={judged.gate: judged.digest for judged in found.gates.values()},
        champions=found.champions,
        conforming={found.stage: found.conforms},
        waivers={found.stage: waived} if waived and found.conforms else {},
        override=found.override,
        released={found.stage: found.ends} if found.ends else {},
    )


def duration(text: str) -> timedelta:
    """Return how long an override is to hold.

    Raises:
        MlspecError: the text is no duration, or not a sensible one.
    """
    try:
        found = timedelta(seconds=seconds(text))
    except ValueError:
        found = timedelta()
    if not timedelta() < found <= LONGEST:
        raise fail("rollback/expires", f"--expires is `{text}`, not a duration such as 90m, 48h or 7d, at most 90d")
    return found


def one_line(text: str) -> str:
    """Return a reason without the space around it.

    Raises:
        MlspecError: it is empty, longer than a line, or more than one.
    """
    reason = text.strip()
    if not reason or len(reason) > _REASON or len(reason.splitlines()) > 1:
        raise fail(
            "rollback/reason", f"--reason must be one line of 1 to {_REASON} characters: it is what others will read"
        )
    return reason


def declared_model(workspace: Workspace, name: str) -> Model:
    """Return the model that is declared under a name such as `income` or `model/income`.

    Raises:
        MlspecError: no spec declares it.
    """
    models = workspace.specs.models
    found = models.get(name.removeprefix("model/"))
    if found is None:
        hint = suggest(name, [*models, *(f"model/{known}" for known in models)])
        raise fail("select/unknown", f"no spec declares the model `{name}`", help=hint)
    return found


def _refuse_stage(workspace: Workspace, model: Model, stage: str) -> None:
    order = workspace.project.stages
    if stage not in order:
        there = f"the stages are {', '.join(order)}"
        raise fail("rollback/stage", f"mlspec.yaml has no stage `{stage}`; {there}", help=suggest(stage, order))
    if stage not in model.stages:
        raise fail(
            "rollback/stage", f"the spec of {model.address} declares no stage `{stage}`, so nothing is to hold it"
        )


def _version(head: Head, stage: str, wanted: str | None) -> int:
    """Return the version to go back to."""
    state = head.stages.get(stage)
    held = _held(state)
    listed = ", ".join(f"v{n}" for n in held) or "none"
    if wanted is None:
        return _before(head, stage, state)
    match = _NUMBER.fullmatch(wanted)
    if match is None:
        raise fail("rollback/version", f"--to is `{wanted}`, not a version such as v4")
    number = int(match[1])
    if head.version(number) is None:
        raise fail(
            "rollback/version", f"v{number} of {head.address} is not registered; versions that held {stage}: {listed}"
        )
    if number not in held:
        raise fail(
            "rollback/version",
            f"v{number} never held {stage} of {head.address}, so nothing says that it may; versions that did: {listed}",
            help=f"promote it: edit stages.{stage} and apply",
        )
    return number


def _held(state: StageState | None) -> tuple[int, ...]:
    """Return the versions that held a stage or hold it, newest last."""
    if state is None:
        return ()
    return (*(n for n in state.held if n != state.version), *([state.version] if state.version else []))


def _before(head: Head, stage: str, state: StageState | None) -> int:
    listed = ", ".join(f"v{n}" for n in _held(state))
    if state is not None and state.override is not None:
        why = f"{stage} of {head.address} is held by an override already, with v{state.version} in it"
        raise fail("rollback/version", why, help=f"say which version it is to hold now: --to, of {listed}")
    before = [n for n in state.held if n != state.version] if state is not None else []
    if not before:
        now = f"before v{state.version}" if state is not None and state.version else "yet"
        raise fail("rollback/version", f"nothing held {stage} of {head.address} {now}: there is nothing to go back to")
    return before[-1]


def _champions(workspace: Workspace, model: Model, head: Head, run: str, stage: str) -> dict[str, int]:
    return numbers(head, rivals(head, run, stage, way_to(model, workspace.project.stages, stage)))


def judged(workspace: Workspace, model: Model, head: Head, run: str, stage: str, now: datetime) -> dict[str, Judged]:
    """Return what is recorded of the gates on the way into a stage, as they are declared now, for a run, by name.

    A gate that compares is named with whom: `quality against v3`.
    """
    way, at = way_to(model, workspace.project.stages, stage), stamp(now)
    beside, found = rivals(head, run, stage, way), {}
    for before in way:
        for name in model.stages[before].gates:
            gate = workspace.specs.gates[name]
            bar = fingerprint.gate(gate, workspace.loaded.judges.get(name, ())).digest
            asked = Asked(name, bar, beside.get(before, "") if gate.compares else "")
            fact = head.verdicts.get(asked.key(run, head.runs[run].dataset))
            judgement = Judged(asked.digest, gate=name)
            if fact is not None:
                seen = standing(fact, gate, model.waivers, at)
                judgement = replace(judgement, outcome=seen.outcome, reason=seen.why, waived=seen.waived)
            found[asked.shown(head)] = judgement
    return dict(sorted(found.items()))
