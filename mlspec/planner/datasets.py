"""What must be done about one dataset: snapshot, check, update."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from mlspec.core.head import Head, Snapshot, contract_key, newest
from mlspec.core.moment import moment
from mlspec.core.plan import Action, Kind, Observation, Reason
from mlspec.core.record import to_json
from mlspec.planner import fingerprint
from mlspec.planner.fields import Fields, changes
from mlspec.planner.fingerprint import Wanted, effect
from mlspec.planner.standing import Conformity
from mlspec.planner.world import SourceState, World
from mlspec.specs.dataset import Dataset


@dataclass(frozen=True, slots=True)
class DatasetView:
    """What planning concluded about a dataset, for the models that use it.

    `obstacle` says why nothing can train on it, `negative` whether that is a rejected contract.
    """

    address: str
    version: Wanted | None
    contract: Wanted | None
    content: str | None
    actions: tuple[Action, ...]
    observation: Observation
    obstacle: str | None = None
    negative: bool = False
    new: bool = False
    """Nothing is recorded of it."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the actions that must end before anything trains on this dataset."""
        return tuple(action.id for action in self.actions if action.verb in ("snapshot", "check"))


def view(world: World, dataset: Dataset) -> DatasetView:
    """Plan one dataset."""
    address = str(dataset.address)
    head, state = world.head(address), world.sources[dataset.name]
    content, observation = _content(head, state, address)
    if content is None:
        return _unreachable(world, dataset, state, observation)
    version = fingerprint.dataset_version(dataset, content)
    others = _referred(world, dataset)
    contract = fingerprint.contract(dataset, {name: one.digest if one else None for name, one in others.items()})
    known = head.contracts.get(contract_key(version.digest, contract.digest))
    actions = [
        *_snapshot(world, head, version, content),
        *_check(world, head, Judged(version, contract, _missing_bytes(world, others))),
        *_update(world, head, dataset, version if known and known.outcome == "passed" else None),
    ]
    obstacle = f"{address} was rejected: {known.summary}" if known and known.outcome == "rejected" else None
    rejected, new = obstacle is not None, head.generation == 0
    return DatasetView(
        address, version, contract, content, tuple(actions), observation, obstacle, negative=rejected, new=new
    )


def version(world: World, dataset: Dataset) -> Wanted | None:
    """Return the version that is asked for; None where the source was never seen."""
    address = str(dataset.address)
    content, _ = _content(world.head(address), world.sources[dataset.name], address)
    return fingerprint.dataset_version(dataset, content) if content is not None else None


def _referred(world: World, dataset: Dataset) -> dict[str, Wanted | None]:
    """Return the versions of the datasets that a contract refers to, by name; its own is no other."""
    named = {reference.dataset for reference in dataset.checks.references} - {dataset.name}
    return {name: version(world, world.specs.datasets[name]) for name in sorted(named)}


def _missing_bytes(world: World, others: Mapping[str, Wanted | None]) -> tuple[str, ...]:
    """Return the snapshots that must be taken, or put back, before datasets that are referred to can be read."""
    missing = []
    for name, wanted in others.items():
        snapshot = world.head(f"dataset/{name}").snapshots.get(wanted.digest) if wanted else None
        if snapshot is None or not is_kept(world, snapshot):
            missing.append(f"snapshot dataset/{name}")
    return tuple(missing)


@dataclass(frozen=True, slots=True)
class Judged:
    """A dataset version, the contract it is held against, and the snapshots of others which that needs."""

    version: Wanted
    contract: Wanted
    others: tuple[str, ...]


def restore(world: World, seen: DatasetView) -> Action | None:
    """Return the snapshot that puts lost bytes back from the source, or None where the source has other bytes."""
    name = seen.address.partition("/")[2]
    if seen.version is None or world.sources[name].digest != seen.content:
        return None
    reason = Reason(field="store", before="recorded", after="missing")
    return _snapshot_action(world, seen.address, seen.version, "update", (reason,))


def base_fields(head: Head) -> dict[str, object]:
    """Return the fields of the dataset version that new ones are compared with: the current one, else the newest."""
    base = head.snapshots.get(head.current or "") or newest(head.snapshots)
    return base.fields if base else {}


def _content(head: Head, state: SourceState, address: str) -> tuple[str | None, Observation]:
    if state.digest is not None:
        return state.digest, Observation(source=address, digest=state.digest)
    recorded = head.snapshots.get(head.current or "") or newest(head.snapshots)
    if recorded is None:
        return None, Observation(source=address, digest=None, note=state.why)
    note = f"{state.why}; taken as recorded ({recorded.ref})"
    return recorded.content, Observation(source=address, digest=None, note=note)


def _unreachable(world: World, dataset: Dataset, state: SourceState, observation: Observation) -> DatasetView:
    address = str(dataset.address)
    why = state.why or "its source could not be read"
    action = Action(
        verb="snapshot",
        address=address,
        change="create",
        effect=effect("snapshot", address, version=None),
        blocked=f"{why}, and no version of it is recorded",
        reasons=(Reason(field="new", after=dataset.source.path),),
    )
    actions = (action, *_update(world, world.head(address), dataset, None))
    return DatasetView(address, None, None, None, actions, observation, f"{address}: {why}")


def _snapshot(world: World, head: Head, version: Wanted, content: str) -> list[Action]:
    if head.taken(version.digest):
        return []
    change: Kind = "update" if head.snapshots else "create"
    action = _snapshot_action(world, head.address, version, change, changes(base_fields(head), version.fields))
    source = world.sources[head.address.partition("/")[2]]
    erased = [known.expired or "" for known in head.snapshots.values() if known.erased and known.content == content]
    if erased:
        blocked = f"these bytes were erased on {moment(min(erased))}, and must not come back: deliver others"
        action = action.model_copy(update={"blocked": blocked})
    elif source.digest is None and (version.digest in head.snapshots or not world.has(content)):
        blocked = f"{source.why}, and the store does not hold {content}"
        action = action.model_copy(update={"blocked": blocked})
    return [action]


def _snapshot_action(world: World, address: str, version: Wanted, change: Kind, reasons: tuple[Reason, ...]) -> Action:
    head = world.head(address)
    key = effect("snapshot", address, version=version.digest)
    return Action(
        verb="snapshot",
        address=address,
        run=version.digest,
        change=change,
        effect=key,
        blocked=failed_before(world, head, key),
        estimate_s=head.seconds.get("snapshot"),
        reasons=reasons if change == "update" else (Reason(field="new"),),
    )


def _check(world: World, head: Head, judged: Judged) -> list[Action]:
    version, contract = judged.version, judged.contract
    known = head.contracts.get(contract_key(version.digest, contract.digest))
    if known and known.outcome == "passed":
        return []
    key = effect("check", head.address, version=version.digest, contract=contract.digest)
    planned = not head.taken(version.digest)
    action = Action(
        verb="check",
        address=head.address,
        run=version.digest,
        change="update" if head.contracts else "create",
        effect=key,
        needs=(*((f"snapshot {head.address}",) if planned else ()), *judged.others),
        blocked=f"rejected: {known.summary} (mend the data or the contract)"
        if known
        else failed_before(world, head, key),
        negative=known is not None,
        estimate_s=head.seconds.get("check"),
        reasons=_check_reasons(head, version, contract),
    )
    snapshot = head.snapshots.get(version.digest)
    if snapshot and not action.blocked and not is_kept(world, snapshot):
        return [action.model_copy(update={"needs": (f"snapshot {head.address}", *judged.others)})]
    return [action]


def is_kept(world: World, snapshot: Snapshot) -> bool:
    """Say whether the store holds all that a dataset version consists of."""
    return snapshot.expired is None and all(world.has(digest) for digest in (snapshot.content, *snapshot.packs))


def _check_reasons(head: Head, version: Wanted, contract: Wanted) -> tuple[Reason, ...]:
    own = contract_key(version.digest, contract.digest)
    before = newest({key: known for key, known in head.contracts.items() if key != own})
    if before is None:
        return (Reason(field="new"),)
    changed = changes(before.fields, contract.fields)
    if before.fingerprint == version.digest:
        return changed
    return (Reason(field="version", before=before.fingerprint, after=version.digest), *changed)


def _update(world: World, head: Head, dataset: Dataset, current: Wanted | None) -> list[Action]:
    facts = fingerprint.facts(dataset).fields
    reasons = changes(head.facts, facts) if head.facts else (Reason(field="new"),)
    moves = current is not None and head.current != current.digest
    if moves:
        reasons = (*reasons, Reason(field="current", before=head.current, after=current.digest if current else None))
    if head.facts == facts and not moves and not head.retired:
        return []
    return [update_action(world, head, facts, reasons, Besides(current.digest if current else None))]


@dataclass(frozen=True, slots=True)
class Besides:
    """What an update records beside facts.

    `current` is the dataset version that becomes the current one or the run to register, `conforming` are the stages
    whose conformity changes, and `released` those whose override is over.
    """

    current: str | None = None
    conforming: Mapping[str, Conformity] = field(default_factory=dict)
    released: Collection[str] = ()


_NOTHING = Besides()


def update_action(
    world: World, head: Head, facts: Fields, reasons: tuple[Reason, ...], besides: Besides = _NOTHING
) -> Action:
    """Return the action that records facts; it moves something, so it is blocked where the commit may not."""
    inputs: Fields = {
        "facts": facts,
        "current": besides.current,
        "conforming": {stage: found.conforms for stage, found in besides.conforming.items()},
    }
    waived = {
        stage: [to_json(one) for one in found.waivers] for stage, found in besides.conforming.items() if found.waivers
    }
    if waived:
        inputs["waived"] = waived
    if besides.released:
        inputs["released"] = sorted(besides.released)
    if head.retired:
        reasons = (Reason(field="retired", before=True, after=False), *reasons)
    return Action(
        verb="update",
        address=head.address,
        run=besides.current,
        change="update" if head.facts else "create",
        effect=effect("update", head.address, **inputs),
        blocked=None if world.authority.deploys else world.authority.why,
        reasons=reasons if head.facts else (Reason(field="new"),),
    )


def failed_before(world: World, head: Head, key: str) -> str | None:
    """Return why an action is not tried again, or None when it never failed or is to be retried."""
    failed = head.failed.get(key)
    if failed is None or world.options.retry_failed:
        return None
    return f"failed before: {failed.failure.message} (change an input, or apply --retry-failed)"
