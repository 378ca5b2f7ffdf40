"""Whether a run must be evaluated: measured, and judged by gates, some of which compare it with a champion."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from mlspec.core.head import Run
from mlspec.core.heads import of_kind
from mlspec.core.moment import moment
from mlspec.core.plan import Action, Reason
from mlspec.core.probe import probe_key
from mlspec.planner import fingerprint
from mlspec.planner.datasets import failed_before, is_kept
from mlspec.planner.fields import changes
from mlspec.planner.fingerprint import effect
from mlspec.planner.standing import Asked
from mlspec.planner.view import ModelView
from mlspec.planner.world import World


def evaluate(world: World, seen: ModelView, run: str) -> list[Action]:
    """Return the evaluation of a run, unless all that is asked of it is measured and judged."""
    every = seen.judged_by(run)
    if not every and not seen.model.metrics:
        return []
    known = seen.head.runs.get(run)
    if known is not None and (_complete(seen, run, known, every) or (known.expired and run != seen.fingerprint)):
        return []
    known = known if seen.head.trained(run) else None
    test = known.dataset if known else seen.dataset.version.digest if seen.dataset.version else ""
    key = effect("evaluate", seen.address, run=run, test=test, **fingerprint.evaluation_inputs(seen.model, every))
    needs: tuple[str, ...] = (f"train {seen.address}",) if known is None else ()
    lost = None
    if known is not None:
        needs, lost = _evidence_bytes(world, seen, run, every)
    lost = lost or _champion_lost(world, seen, every, test)
    version = seen.head.version_of(run)
    return [
        Action(
            verb="evaluate",
            address=seen.address,
            run=run,
            version=version.n if version else None,
            change="update" if known else "create",
            effect=key,
            needs=needs,
            blocked=lost or failed_before(world, seen.head, key),
            estimate_s=seen.head.seconds.get("evaluate"),
            reasons=_evaluate_reasons(world, seen, run, every),
        )
    ]


def _complete(seen: ModelView, run: str, known: Run, every: Collection[Asked]) -> bool:
    measured = all(metric in known.metrics for metric in seen.model.metrics)
    return measured and all(seen.standing(run, asked) is not None for asked in every)


def _champion_lost(world: World, seen: ModelView, every: Collection[Asked], test: str) -> str | None:
    """Say what is missing of a champion that a gate compares with; one that has expired is for the gate to judge."""
    for asked in every:
        run = seen.head.runs.get(asked.champion)
        predictions = run.predictions.get(test) if run else None
        if run is None or run.expired or (predictions and world.has(predictions)) or world.has(run.artifact):
            continue
        version = seen.head.version_of(asked.champion)
        name = f"v{version.n}" if version else "the champion"
        why = f"gate/{asked.gate} compares with {name}, and the store does not hold its model"
        return f"{why}; {seen.restoring(asked.champion)}"
    return None


def _evidence_bytes(
    world: World, seen: ModelView, run: str, every: Collection[Asked]
) -> tuple[tuple[str, ...], str | None]:
    known = seen.head.runs[run]
    lost = _model_missing(world, known, every)
    if lost is not None:
        return (), f"{lost}; {seen.restoring(run)}"
    for head in chain((world.head(seen.dataset.address),), of_kind(world.heads, "dataset")):
        snapshot = head.snapshots.get(known.dataset)
        if snapshot is None:
            continue
        if is_kept(world, snapshot):
            return (), None
        if snapshot.erased and snapshot.expired:
            return (), f"the data it was tested on was erased on {moment(snapshot.expired)}"
        if seen.dataset.version and seen.dataset.version.digest == known.dataset:
            return (f"snapshot {seen.dataset.address}",), None
        for name, source in sorted(world.sources.items()):
            if source.digest == snapshot.content:  # the same bytes are some dataset's now
                return (f"snapshot dataset/{name}",), None
        return (), f"the store does not hold the data {snapshot.content} it was tested on; restore the store"
    return (), "the dataset version it was tested on is not recorded"


def _model_missing(world: World, known: Run, every: Collection[Asked]) -> str | None:
    """Say that the store lacks a model that is needed: predictions that are kept do where no gate asks anew."""
    if world.has(known.artifact):
        return None
    predictions = known.predictions.get(known.dataset)
    if not (predictions and world.has(predictions)):
        return f"the store holds neither the predictions nor the model {known.artifact}"
    asking = next((asked.gate for asked in every if _asks_again(world, known, asked.gate)), None)
    if asking is None:
        return None
    return f"gate/{asking} asks the model again, and the store does not hold {known.artifact}"


def _asks_again(world: World, known: Run, gate: str) -> bool:
    """Say whether a gate asks what the store has no answer to; whom it is asked beside is not known before."""
    probes = chain.from_iterable(check.probes() for check in world.specs.gates[gate].checks)
    answers = (known.probes.get(probe_key(probe, known.dataset)) for probe in probes if not probe.rival)
    return any(answer is None or not world.has(answer) for answer in answers)


def _evaluate_reasons(world: World, seen: ModelView, run: str, every: Collection[Asked]) -> tuple[Reason, ...]:
    known = seen.head.runs.get(run)
    if known is None or known.expired:
        return (Reason(field="run", after="new"),)
    reasons = [Reason(field="metrics", after=name) for name in seen.model.metrics if name not in known.metrics]
    for asked in every:
        if seen.standing(run, asked) is not None:
            continue
        spec = world.specs.gates[asked.gate]
        address = str(spec.address)
        before = world.head(address).facts
        changed = changes(before, world.facts(spec), via=address) if before else ()
        name = seen.shown(asked).removeprefix("gate/")
        why = [reason for reason in changed if reason.field.startswith(("checks", "code."))]
        why = why or [Reason(field="gate", after=name, via=address)]
        reasons += [one for one in why if one not in reasons]
    return tuple(reasons)
