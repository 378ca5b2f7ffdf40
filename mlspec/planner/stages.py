"""What must be done about the stages of one model: promote, roll back, demote."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from mlspec.core.moment import moment
from mlspec.core.plan import Action, Reason
from mlspec.core.record import Waiver, to_json
from mlspec.core.verdict import Outcome
from mlspec.planner import overrides
from mlspec.planner.fingerprint import effect
from mlspec.planner.overrides import Hold
from mlspec.planner.standing import Asked, declared, shown
from mlspec.planner.view import ModelView
from mlspec.planner.world import World


def moves(world: World, seen: ModelView, planned: Collection[str]) -> list[Action]:
    """Return the actions on a model's stages; `planned` are the ids of its other actions."""
    actions = [_demote(world, seen, stage) for stage in seen.head.stages if _leaves(seen, stage)]
    for stage in seen.stages:
        target = seen.target(stage)
        held = overrides.hold(seen, stage, world.at)
        if target is None:
            actions += _unknown_version(seen, stage, held)
        elif target != seen.occupant(stage):
            actions.append(_enter(world, seen, stage, planned, held))
    return actions


def _leaves(seen: ModelView, stage: str) -> bool:
    return stage not in seen.stages and seen.head.stages[stage].version is not None


def _demote(world: World, seen: ModelView, stage: str) -> Action:
    held = seen.head.stages[stage].version
    return Action(
        verb="demote",
        address=seen.address,
        stage=stage,
        version=held,
        run=seen.occupant(stage),
        change="delete",
        effect=effect("demote", seen.address, stage=stage, run=seen.occupant(stage)),
        blocked=None if world.authority.deploys else world.authority.why,
        reasons=(Reason(field=f"stages.{stage}", before=f"v{held}"), *overrides.ended(stage, seen.head.stages[stage])),
    )


def _unknown_version(seen: ModelView, stage: str, held: Hold | None) -> list[Action]:
    asked = seen.model.stages[stage].version
    if asked == "latest" and held is None:
        return []
    known = ", ".join(f"v{version.n}" for version in seen.head.versions) or "none yet"
    return [
        Action(
            verb="promote",
            address=seen.address,
            stage=stage,
            version=None if asked == "latest" else asked,
            effect=effect("promote", seen.address, stage=stage, run=None),
            blocked=held.why if held else f"v{asked} does not exist; versions: {known}",
            negative=held is not None and held.expired,
            reasons=(_reason(seen, stage, asked),),
        )
    ]


def _enter(world: World, seen: ModelView, stage: str, planned: Collection[str], held: Hold | None) -> Action:
    target = seen.target(stage) or ""
    version = seen.head.version_of(target)
    number = version.n if version else seen.expected_version
    state = seen.head.stages.get(stage)
    back = state is not None and state.version is not None and number in state.held and version is not None
    verb = "rollback" if back else "promote"
    every = seen.asked(target, stage)
    negative = None if back else _negative(seen, target, number, every)
    waived = _waived(seen, target, every)
    pending = () if back else _pending(seen, target, every)
    return Action(
        verb="rollback" if back else "promote",
        address=seen.address,
        stage=stage,
        version=number,
        run=target,
        change="update" if state and state.version is not None else "create",
        effect=effect(verb, seen.address, **_inputs(seen, target, stage, (*waived, *pending))),
        needs=_needs(seen, target, planned),
        conditions=()
        if back
        else tuple(f"{seen.shown(one)} passes" for one in every if not seen.standing(target, one)),
        blocked=(held.why if held else negative)
        or _artifact_lost(world, seen, target)
        or (None if world.authority.deploys else world.authority.why),
        negative=held.expired if held else negative is not None,
        reasons=(_reason(seen, stage, number), *(() if held else overrides.ended(stage, state))),
        notes=_notes(seen, target, stage, waived, pending),
    )


def _inputs(seen: ModelView, target: str, stage: str, waived: tuple[Waiver, ...]) -> dict[str, Any]:
    """Return what a move into a stage is made from; who approves a waiver approves it by its words."""
    inputs = {"stage": stage, "run": target, "gates": seen.chain(stage), "replaces": seen.occupant(stage)}
    return inputs | ({"waived": [to_json(one) for one in waived]} if waived else {})


def _waived(seen: ModelView, target: str, every: Iterable[Asked]) -> tuple[Waiver, ...]:
    found = (seen.standing(target, asked) for asked in every)
    return tuple(dict.fromkeys(waiver for one in found if one is not None for waiver in one.waived))


def _pending(seen: ModelView, target: str, every: Iterable[Asked]) -> tuple[Waiver, ...]:
    """Return the waivers of gates that have not judged yet: who approves the move approves what may come of them."""
    return declared(seen.model.waivers, {one.gate for one in every if seen.standing(target, one) is None}, seen.at)


def _notes(
    seen: ModelView, target: str, stage: str, waived: tuple[Waiver, ...], pending: tuple[Waiver, ...]
) -> tuple[str, ...]:
    """Say what a reviewer should know: what is waived and why, and which gates are younger than the version."""
    late = ", ".join(f"gate/{name}" for name in seen.set_after(target, stage))
    return (
        *(f"waived: {shown(one)} ({one.reason})" for one in waived),
        *(f"waived if it fails: {shown(one)} ({one.reason})" for one in pending if one not in waived),
        *([f"set after training: {late}"] if late else []),
    )


def _negative(seen: ModelView, target: str, number: int, every: Iterable[Asked]) -> str | None:
    for asked in every:
        known = seen.standing(target, asked)
        if known and not known.passes:
            word = "failed" if known.outcome is Outcome.FAIL else f"is {known.outcome.value} at"
            name = f"v{number}" if seen.head.version_of(target) else "this run"
            return f"{name} {word} {seen.shown(asked)}: {known.why}"
    return None


def _artifact_lost(world: World, seen: ModelView, target: str) -> str | None:
    run = seen.head.runs.get(target)
    if run is None or (seen.trains and target == seen.fingerprint):
        return None
    if run.expired:
        return f"its model is no longer kept: it expired {moment(run.expired)}"
    if world.has(run.artifact):
        return None
    return f"the store does not hold the model {run.artifact}; {seen.restoring(target)}"


def _needs(seen: ModelView, target: str, planned: Collection[str]) -> tuple[str, ...]:
    comes = target == seen.fingerprint and (seen.trains or seen.head.version_of(target) is None)
    wanted = [f"train {seen.address}", f"update {seen.address}"] if comes else []
    wanted += [
        action for action in planned if action == f"evaluate {seen.address} {target.removeprefix('sha256:')[:8]}"
    ]
    return tuple(action for action in wanted if action in planned)


def _reason(seen: ModelView, stage: str, number: int | str) -> Reason:
    state = seen.head.stages.get(stage)
    before = f"v{state.version}" if state and state.version is not None else None
    return Reason(field=f"stages.{stage}.version", before=before, after=number if number == "latest" else f"v{number}")
