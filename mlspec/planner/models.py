"""What must be done about one model: train, evaluate, register; its stages are planned in `stages`."""

from __future__ import annotations

from collections.abc import Mapping

from mlspec.core.head import Run, newest
from mlspec.core.heads import of_kind
from mlspec.core.moment import moment
from mlspec.core.plan import Action, Reason
from mlspec.planner import conformity, fingerprint
from mlspec.planner.datasets import Besides, DatasetView, base_fields, failed_before, is_kept, update_action
from mlspec.planner.evaluations import evaluate
from mlspec.planner.fields import changes
from mlspec.planner.fingerprint import Wanted, effect
from mlspec.planner.view import ModelView
from mlspec.planner.world import World
from mlspec.specs.model import Model


def view(world: World, model: Model, datasets: Mapping[str, DatasetView], gates: Mapping[str, str]) -> ModelView:
    """Lay a model beside its head."""
    dataset = datasets[model.dataset]
    state = world.code[model.name]
    wanted = None
    if dataset.version is not None:
        wanted = fingerprint.run(model, dataset.version.digest, state.closure, state.environment)
    return ModelView(
        model,
        world.head(model.address),
        dataset,
        wanted,
        gates,
        world.specs.gates,
        world.project.stages,
        world.at,
    )


def evidence(world: World, seen: ModelView) -> list[Action]:
    """Return the actions that only add runs and verdicts: train, and evaluate for each run that matters."""
    actions = [*_train(world, seen)]
    runs = [seen.fingerprint, *(seen.target(stage) for stage in seen.stages)]
    runs += [seen.occupant(stage) for stage in seen.stages]
    for run in dict.fromkeys(run for run in runs if run is not None):
        actions += evaluate(world, seen, run)
    return actions


def update(world: World, seen: ModelView, evaluated: frozenset[str]) -> list[Action]:
    """Return the action that records facts, a registration, conformity, or that an override is over.

    The conformity of `evaluated` runs will be recorded with their verdicts.
    """
    head, facts = seen.head, fingerprint.facts(seen.model).fields
    reasons = changes(head.facts, facts) if head.facts else (Reason(field="new"),)
    registers = head.trained(seen.fingerprint) and head.version_of(seen.fingerprint) is None
    if registers:
        reasons = (*reasons, Reason(field="version", after=f"v{seen.expected_version}"))
    differs = conformity.conforming(seen, evaluated)
    for stage, found in differs.items():
        reasons = (*reasons, *conformity.reasons(head.stages[stage], stage, found))
    over = released(seen)
    for stage in over:
        reasons = (*reasons, Reason(field=f"stages.{stage}.override", before=f"until {moment(over[stage])}"))
    if not reasons and not head.retired:
        return []
    besides = Besides(seen.fingerprint if registers else None, differs, over)
    return [update_action(world, head, facts, reasons, besides)]


def released(seen: ModelView) -> dict[str, str]:
    """Return the stages whose override is over, for the spec asks for what they hold; with its time, which names it."""
    over: dict[str, str] = {}
    for stage in seen.stages:
        state = seen.head.stages.get(stage)
        if state is not None and state.override is not None and seen.target(stage) == seen.occupant(stage):
            over[stage] = state.override.until
    return over


def _train(world: World, seen: ModelView) -> list[Action]:
    if seen.wanted is None:
        return [_untrainable(seen)]
    if not seen.trains:
        return []
    key = effect("train", seen.address, run=seen.wanted.digest)
    missing = _bytes_missing(world, seen)
    action = Action(
        verb="train",
        address=seen.address,
        run=seen.wanted.digest,
        version=seen.expected_version if world.authority.deploys else None,
        change="update" if seen.head.runs else "create",
        effect=key,
        needs=(*seen.dataset.ids, *missing),
        blocked=seen.dataset.obstacle or failed_before(world, seen.head, key),
        negative=seen.dataset.negative,
        estimate_s=seen.head.seconds.get("train"),
        reasons=_train_reasons(world, seen, seen.wanted),
    )
    return [action]


def _untrainable(seen: ModelView) -> Action:
    return Action(
        verb="train",
        address=seen.address,
        change="update" if seen.head.runs else "create",
        effect=effect("train", seen.address, dataset=seen.dataset.address),
        needs=(f"snapshot {seen.dataset.address}",),
        blocked=seen.dataset.obstacle,
        reasons=(Reason(field="new" if not seen.head.runs else "dataset"),),
    )


def _bytes_missing(world: World, seen: ModelView) -> tuple[str, ...]:
    snapshot_planned = any(action.verb == "snapshot" for action in seen.dataset.actions)
    version = seen.dataset.version
    snapshot = world.head(seen.dataset.address).snapshots.get(version.digest) if version else None
    if snapshot_planned or snapshot is None or is_kept(world, snapshot):
        return ()
    return (f"snapshot {seen.dataset.address}",)


def _train_reasons(world: World, seen: ModelView, wanted: Wanted) -> tuple[Reason, ...]:
    before = seen.head.runs.get(wanted.digest)
    if before is not None and before.expired:
        return (Reason(field="model", before=f"expired {moment(before.expired)}", after="needed again"),)
    base = base_run(seen)
    if base is None:
        return (Reason(field="new"),)
    own = tuple(reason for reason in changes(base.fields, wanted.fields) if reason.field != "dataset")
    if base.dataset == wanted.fields["dataset"] or seen.dataset.version is None:
        return own
    return (*_data_reasons(world, seen, seen.dataset.version, base.dataset), *own)


def _data_reasons(world: World, seen: ModelView, version: Wanted, before: str) -> tuple[Reason, ...]:
    """Say what differs between two versions of a dataset, or that it is another dataset."""
    head = world.head(seen.dataset.address)
    if before in head.snapshots:
        return changes(head.snapshots[before].fields, version.fields, via=seen.dataset.address)
    for other in of_kind(world.heads, "dataset"):
        if before in other.snapshots:
            return (Reason(field="dataset", before=other.address.partition("/")[2], after=seen.model.dataset),)
    return changes(base_fields(head), version.fields, via=seen.dataset.address)


def base_run(seen: ModelView) -> Run | None:
    """Return the run a new one is compared with: of the first occupied stage, else the newest version, else newest."""
    held = (seen.occupant(stage) for stage in seen.stages)
    registered = (version.fingerprint for version in reversed(seen.head.versions))
    for run in (*held, *registered):
        if run in seen.head.runs and run != seen.fingerprint:
            return seen.head.runs[run]
    return newest({key: run for key, run in seen.head.runs.items() if key != seen.fingerprint})
