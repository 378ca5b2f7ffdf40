"""What must be done about one model: train, evaluate, register; its stages are planned in `stages`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

from mlspec.core.head import Head, Run, newest, verdict_key
from mlspec.core.heads import of_kind
from mlspec.core.moment import moment
from mlspec.core.plan import Action, Reason
from mlspec.core.verdict import Outcome
from mlspec.planner import fingerprint
from mlspec.planner.datasets import Besides, DatasetView, base_fields, failed_before, is_kept, update_action
from mlspec.planner.fields import changes
from mlspec.planner.fingerprint import Wanted, effect
from mlspec.planner.world import World
from mlspec.specs.model import Model


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model beside its head: what it should be, and the gates by name and digest."""

    model: Model
    head: Head
    dataset: DatasetView
    wanted: Wanted | None
    gates: Mapping[str, str]
    order: tuple[str, ...]
    """The project's stages."""

    @property
    def address(self) -> str:
        """Return the model's address."""
        return self.head.address

    @property
    def new(self) -> bool:
        """Say whether nothing is recorded of this model."""
        return self.head.generation == 0

    @property
    def fingerprint(self) -> str | None:
        """Return the fingerprint of the run this commit asks for, or None where its data was never seen."""
        return self.wanted.digest if self.wanted else None

    @property
    def trains(self) -> bool:
        """Say whether the run this commit asks for does not exist yet."""
        return self.fingerprint is not None and not self.head.trained(self.fingerprint)

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the declared stages in the project's order of trust."""
        return tuple(stage for stage in self.order if stage in self.model.stages)

    def chain(self, stage: str) -> dict[str, str]:
        """Return the gates, with digests, of a stage and of every stage before it."""
        return {name: self.gates[name] for name in gates_of(self.model, self.order, stage)}

    def target(self, stage: str) -> str | None:
        """Return the run that a stage should hold; None where it is unknown or a pinned version does not exist.

        A pin may name the version that this commit's run is about to become.
        """
        asked = self.model.stages[stage].version
        if asked in ("latest", self.expected_version):
            return self.fingerprint
        version = self.head.version(asked)
        return version.fingerprint if version else None

    def occupant(self, stage: str) -> str | None:
        """Return the run that holds a stage now."""
        state = self.head.stages.get(stage)
        version = self.head.version(state.version) if state and state.version is not None else None
        return version.fingerprint if version else None

    def judged_by(self, run: str) -> dict[str, str]:
        """Return the gates that matter for a run: those of the stages it should hold or holds."""
        gates: dict[str, str] = {}
        for stage in self.stages:
            if run in (self.target(stage), self.occupant(stage)):
                gates |= self.chain(stage)
        return gates

    def outcome(self, run: str, gate: str) -> tuple[Outcome, str] | None:
        """Return the recorded outcome of a gate for a run on its own test set, with its reason; None: not judged."""
        known = self.head.runs.get(run)
        if known is None or known.expired:
            return None
        fact = self.head.verdicts.get(verdict_key(run, self.gates[gate], known.dataset))
        return (fact.outcome, fact.reason) if fact else None

    def beside(self, head: Head) -> ModelView:
        """Return the same wish beside a newer head."""
        return replace(self, head=head)

    @property
    def expected_version(self) -> int:
        """Return the number of the wanted run, or the one it is expected to get."""
        version = self.head.version_of(self.fingerprint)
        return version.n if version else max((known.n for known in self.head.versions), default=0) + 1


def gates_of(model: Model, order: tuple[str, ...], stage: str) -> list[str]:
    """Return the gates of a declared stage and of every declared stage before it, sorted."""
    until = order[: order.index(stage) + 1]
    return sorted({name for before in until if before in model.stages for name in model.stages[before].gates})


def view(world: World, model: Model, datasets: Mapping[str, DatasetView], gates: Mapping[str, str]) -> ModelView:
    """Lay a model beside its head."""
    dataset = datasets[model.dataset]
    state = world.code[model.name]
    wanted = None
    if dataset.version is not None:
        wanted = fingerprint.run(model, dataset.version.digest, state.closure, state.environment)
    return ModelView(model, world.head(model.address), dataset, wanted, gates, world.project.stages)


def evidence(world: World, seen: ModelView) -> list[Action]:
    """Return the actions that only add runs and verdicts: train, and evaluate for each run that matters."""
    actions = [*_train(world, seen)]
    runs = [seen.fingerprint, *(seen.target(stage) for stage in seen.stages)]
    runs += [seen.occupant(stage) for stage in seen.stages]
    for run in dict.fromkeys(run for run in runs if run is not None):
        actions += _evaluate(world, seen, run)
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
    differs = conforming(seen, evaluated)
    for stage, conforms in differs.items():
        reasons = (*reasons, Reason(field=f"stages.{stage}.conforming", before=not conforms, after=conforms))
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


def conforming(seen: ModelView, evaluated: frozenset[str]) -> dict[str, bool]:
    """Return the occupied stages whose recorded conformity differs from what the verdicts say now."""
    differs: dict[str, bool] = {}
    for stage in seen.stages:
        run = seen.occupant(stage)
        if run is None or run in evaluated:
            continue
        outcomes = [seen.outcome(run, gate) for gate in seen.chain(stage)]
        if None in outcomes:
            continue
        conforms = all(outcome and outcome[0] is Outcome.PASS for outcome in outcomes)
        if conforms != seen.head.stages[stage].conforming:
            differs[stage] = conforms
    return differs


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


def _evaluate(world: World, seen: ModelView, run: str) -> list[Action]:
    gates = seen.judged_by(run)
    if not gates and not seen.model.metrics:
        return []
    known = seen.head.runs.get(run)
    if known is not None and (_complete(seen, run, known, gates) or (known.expired and run != seen.fingerprint)):
        return []
    known = known if seen.head.trained(run) else None
    test = known.dataset if known else seen.dataset.version.digest if seen.dataset.version else ""
    key = effect("evaluate", seen.address, run=run, test=test, **fingerprint.evaluation_inputs(seen.model, gates))
    needs: tuple[str, ...] = (f"train {seen.address}",) if known is None else ()
    lost = None
    if known is not None:
        needs, lost = _evidence_bytes(world, seen, known)
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
            reasons=_evaluate_reasons(world, seen, run, gates),
        )
    ]


def _complete(seen: ModelView, run: str, known: Run, gates: Mapping[str, str]) -> bool:
    measured = all(metric in known.metrics for metric in seen.model.metrics)
    return measured and all(seen.outcome(run, gate) is not None for gate in gates)


def _evidence_bytes(world: World, seen: ModelView, known: Run) -> tuple[tuple[str, ...], str | None]:
    predictions = known.predictions.get(known.dataset)
    if not (predictions and world.has(predictions)) and not world.has(known.artifact):
        return (), f"the store holds neither the predictions nor the model {known.artifact}; restore the store"
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


def _evaluate_reasons(world: World, seen: ModelView, run: str, gates: Mapping[str, str]) -> tuple[Reason, ...]:
    known = seen.head.runs.get(run)
    if known is None or known.expired:
        return (Reason(field="run", after="new"),)
    reasons = [Reason(field="metrics", after=name) for name in seen.model.metrics if name not in known.metrics]
    for name in gates:
        if seen.outcome(run, name) is not None:
            continue
        spec = world.specs.gates[name]
        address = str(spec.address)
        before = world.head(address).facts
        changed = changes(before, fingerprint.facts(spec).fields, via=address) if before else ()
        reasons += [reason for reason in changed if reason.field.startswith("checks")] or [
            Reason(field="gate", after=name, via=address)
        ]
    return tuple(reasons)
