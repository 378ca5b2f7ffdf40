"""The diff: what the specs ask for, against what is recorded, as a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from mlspec.core.address import is_project
from mlspec.core.head import Head
from mlspec.core.heads import overlay
from mlspec.core.plan import Action, Kind, Plan, Reason, count, plan_digest
from mlspec.core.problem import fail, suggest
from mlspec.planner import datasets, guards, models, stages
from mlspec.planner.datasets import DatasetView, update_action
from mlspec.planner.fields import changes
from mlspec.planner.fingerprint import effect
from mlspec.planner.view import ModelView
from mlspec.planner.world import World


@dataclass(frozen=True, slots=True)
class Header:
    """What a plan says of itself beside its actions."""

    mlspec: str
    commit: str | None
    branch: str | None
    dirty: bool
    lineage: str | None
    at: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan's raw material: the views of datasets and models that apply works from, and all actions in order.

    A model that nothing has to be done about has no view; it is among the `settled`.
    """

    world: World
    datasets: Mapping[str, DatasetView]
    models: Mapping[str, ModelView]
    settled: Collection[str]
    actions: tuple[Action, ...]
    warnings: tuple[str, ...]


def outlook(world: World) -> Outlook:
    """Work out everything that differs, in the order in which it would be done."""
    world, moved = _moved(world)
    seen = {name: datasets.view(world, spec) for name, spec in sorted(world.specs.datasets.items())}
    gates = world.bars()
    views, settled, of_models = {}, set(world.settled), list[Action]()
    for name in sorted(world.specs.models.keys() - settled):
        view = models.view(world, world.specs.models[name], seen, gates)
        actions = _model(world, view)
        if actions:
            views[name] = view
            of_models += actions
        else:
            settled.add(name)
    of_data = _with_restores(world, seen, of_models)
    gone = _gone(world)
    twins = _twins(seen, views, gone)
    every = (*moved, *of_data, *_gate_updates(world), *_noted(of_models, twins), *guards.retirements(world, gone))
    return Outlook(world, seen, views, settled, _cascade(every), _renames(twins))


def plan(seen: Outlook, header: Header, addresses: Iterable[str] = ()) -> Plan:
    """Make the plan, of everything or of the selected addresses and what they need.

    Raises:
        MlspecError: a selected address is neither declared nor recorded.
    """
    actions, outside = _select(seen, tuple(addresses))
    return Plan(
        project=seen.world.project.project,
        mlspec=header.mlspec,
        commit=header.commit,
        branch=header.branch,
        dirty=header.dirty,
        deploys=seen.world.authority.deploys,
        lineage=header.lineage,
        at=header.at,
        observations=tuple(view.observation for view in seen.datasets.values()),
        selection=tuple(addresses),
        complete=not tuple(addresses),
        outside=outside,
        digest=plan_digest(actions),
        counts=count(actions),
        warnings=(*header.warnings, *seen.warnings),
        actions=actions,
    )


def _model(world: World, view: ModelView) -> list[Action]:
    actions = models.evidence(world, view)
    evaluated = frozenset(action.run or "" for action in actions if action.verb == "evaluate" and not action.blocked)
    actions += models.update(world, view, evaluated)
    return [*actions, *stages.moves(world, view, [action.id for action in actions])]


def _with_restores(world: World, seen: Mapping[str, DatasetView], dependants: list[Action]) -> list[Action]:
    actions = [action for view in seen.values() for action in view.actions]
    asked = {need for action in (*actions, *dependants) for need in action.needs}
    planned = {action.id for action in actions}
    for view in seen.values():
        need = f"snapshot {view.address}"
        if need in asked and need not in planned:
            actions.insert(0, datasets.restore(world, view) or _lost(view))
    return _needed_first(actions)


def _needed_first(actions: Iterable[Action]) -> list[Action]:
    """Bring what an action needs before it, as a check that refers to a dataset whose name comes later."""
    left, done = {action.id: action for action in actions}, list[Action]()

    def take(key: str) -> None:
        action = left.pop(key, None)
        if action is not None:
            for need in action.needs:
                take(need)
            done.append(action)

    for key in list(left):
        take(key)
    return done


def _lost(view: DatasetView) -> Action:
    why = f"the store does not hold {view.content} and the source no longer has those bytes: restore either"
    return Action(
        verb="snapshot",
        address=view.address,
        run=view.version.digest if view.version else None,
        effect=effect("snapshot", view.address, version=view.version.digest if view.version else None),
        blocked=why,
        reasons=(Reason(field="store", before="recorded", after="missing"),),
    )


def _gate_updates(world: World) -> list[Action]:
    actions = []
    for _, spec in sorted(world.specs.gates.items()):
        head, facts = world.head(spec.address), world.facts(spec)
        if head.facts != facts or head.retired:
            actions.append(update_action(world, head, facts, changes(head.facts, facts)))
    return actions


def _gone(world: World) -> dict[str, Head]:
    declared = {str(address) for address in world.specs.where}
    undeclared = {key: world.heads[key] for key in world.heads if key not in declared and not is_project(key)}
    return {key: head for key, head in undeclared.items() if not head.retired}


def _moved(world: World) -> tuple[World, list[Action]]:
    """Plan the renames, and look at the heads as they will be after them."""
    heads, actions = world.heads, []
    for before, after in _moves(world):
        if before in heads and after not in heads:
            moved = heads[before].model_copy(update={"address": after})
            heads = overlay(heads, {before: None, after: moved})
            actions.append(_move_action(world, before, after))
    return (replace(world, heads=heads), actions) if actions else (world, [])


def _moves(world: World) -> list[tuple[str, str]]:
    """Return each renamed address with its last new one: of two renames in a row, neither need have been applied."""
    steps = {move.from_: move.to for move in world.project.moved}
    moves = []
    for before, after in steps.items():
        for _ in steps:
            after = steps.get(after, after)
        moves.append((before, after))
    return sorted(moves, key=lambda move: move[0] in steps.values(), reverse=True)


def _move_action(world: World, before: str, after: str) -> Action:
    change: Kind = "move"
    return Action(
        verb="move",
        address=after,
        change=change,
        effect=effect("move", after, source=before),
        blocked=None if world.authority.deploys else world.authority.why,
        reasons=(Reason(field="address", before=before, after=after),),
    )


def _cascade(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Block what needs something blocked, and let every action on a moved address need the move."""
    listed = list(actions)
    moved = {action.address: action.id for action in listed if action.verb == "move"}
    blocked: dict[str, Action] = {}
    done = []
    for action in listed:
        if action.address in moved and action.verb != "move":
            action = action.model_copy(update={"needs": (moved[action.address], *action.needs)})
        cause = next((need for need in action.needs if need in blocked and action.hinges_on(need)), None)
        if cause and action.blocked is None:
            update = {"blocked": f"needs {cause}, which is blocked", "negative": blocked[cause].negative}
            action = action.model_copy(update=update)
        if action.blocked is not None:
            blocked[action.id] = action
        done.append(action)
    return tuple(done)


def _twins(
    seen: Mapping[str, DatasetView], views: Mapping[str, ModelView], gone: Mapping[str, Head]
) -> tuple[tuple[str, str], ...]:
    """Return each new address with the vanished one that recorded the dataset version or the run it asks for."""
    asked = [(view.address, view.version.digest) for view in seen.values() if view.version and view.new]
    asked += [(view.address, view.fingerprint) for view in views.values() if view.fingerprint and view.new]
    return tuple(
        (address, before)
        for address, wanted in asked
        for before, head in sorted(gone.items())
        if wanted in head.runs or wanted in head.snapshots
    )


def _noted(actions: Iterable[Action], twins: Collection[tuple[str, str]]) -> Iterable[Action]:
    """Say of a training which vanished model has an equal run."""
    for action in actions:
        equal = [Reason(field="equal run", after=before) for address, before in twins if address == action.address]
        if action.verb == "train" and equal:
            yield action.model_copy(update={"reasons": (*action.reasons, *equal)})
        else:
            yield action


def _renames(twins: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Suggest the `moved:` line."""
    return tuple(
        f"{address} asks for what {before} recorded; if it was renamed, add to mlspec.yaml: "
        f"moved: [{{from: {before}, to: {address}}}]"
        for address, before in twins
    )


def _select(seen: Outlook, addresses: tuple[str, ...]) -> tuple[tuple[Action, ...], int]:
    if not addresses:
        return seen.actions, 0
    chosen = {resolve(seen.world, address) for address in addresses}
    by_id = {action.id: action for action in seen.actions}
    wanted = {action.id for action in seen.actions if action.address in chosen}
    frontier = list(wanted)
    while frontier:
        for need in by_id[frontier.pop()].needs:
            if need in by_id and need not in wanted:
                wanted.add(need)
                frontier.append(need)
    picked = tuple(action for action in seen.actions if action.id in wanted)
    return picked, len(seen.actions) - len(picked)


def resolve(world: World, text: str) -> str:
    """Return the declared or recorded address that a text means: `model/income`, or `income` of a model.

    Raises:
        MlspecError: there is none.
    """
    known = {*world.heads, *(str(address) for address in world.specs.where)}
    for candidate in (text, f"model/{text}"):
        if text and candidate in known:
            return candidate
    hint = suggest(text, {*known, *(address.removeprefix("model/") for address in known)})
    raise fail("select/unknown", f"`{text}` matches no declared or recorded resource", help=hint)
