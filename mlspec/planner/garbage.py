"""What need no longer be kept: snapshots and runs that nothing rests on, and objects that nothing names. Pure.

Kept are the versions in a stage or pinned to one, what held each stage before, the newest few and what `keep:` names,
all that is protected or younger than a limit; the snapshots that kept runs were trained and judged on; and every
object that a record of one of these names. What is small and tells of a run what it was (its manifest, packages,
fields, verdicts) stays with its record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlspec.core.address import Address
from mlspec.core.digest import short
from mlspec.core.finished import note_of
from mlspec.core.garbage import Erasure, Gone, Mentions
from mlspec.core.head import Head, Run, Snapshot
from mlspec.core.heads import of_kind
from mlspec.core.ports import Lying
from mlspec.core.record import Record
from mlspec.specs.base import Keep
from mlspec.specs.model import KeepVersions, Model
from mlspec.specs.parse import Specs

PROJECTS = "projects/"
"""Where the notes lie that say which projects use a store."""
KEYS = "keys/"
"""Where the notes lie that hold keys."""
ROW_KEY = f"{KEYS}rows"
"""The note that holds the key of the hashes of training rows."""
HEAVY = frozenset({"content", "pack", "model", "predictions", "probe", "profile", "log", "rows", "repeat", "repeated"})
"""What records name that may go, by the names of outputs; the rest is small, and tells what there was."""


@dataclass
class Names:
    """The objects that records name, and of which fact each is part."""

    of_facts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Objects by the fingerprint of a snapshot or a run."""
    always: set[str] = field(default_factory=set)
    logs: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of failed steps: when each ended, and its effect."""
    owner: dict[str, str] = field(default_factory=dict)
    """The address of the record that named an object first."""
    mentions: Mentions = field(default_factory=Mentions)
    moved: dict[str, str] = field(default_factory=dict)
    """The new names of addresses."""

    def add(self, record: Record) -> None:
        """Take what one record names."""
        self.mentions.add(record)
        if record.moved_from:
            self.moved[record.moved_from] = record.address
        if record.failure is not None and record.failure.log is not None:
            self.owner.setdefault(record.failure.log, record.address)
            self.logs[record.failure.log] = (record.finished, record.effect or "")
        for output in record.outputs:
            self.owner.setdefault(output.digest, record.address)
            if output.name in HEAVY and record.fingerprint is not None:
                self.of_facts[record.fingerprint].add(output.digest)
            else:
                self.always.add(output.digest)

    def address(self, name: str, heads: Mapping[str, Head]) -> str:
        """Return the address that an object is of, by the name which that has now."""
        address, seen = self.owner[name], set[str]()
        while address not in heads and address in self.moved and address not in seen:
            seen.add(address)
            address = self.moved[address]
        return address


@dataclass(frozen=True, slots=True)
class Kept:
    """The fingerprints of what is kept."""

    runs: frozenset[str]
    snapshots: frozenset[str]


def kept(heads: Mapping[str, Head], specs: Specs, since: str, running: Collection[str] = ()) -> Kept:
    """Return the runs and snapshots that are kept; all that is as young as `since`, a record's time, is.

    `running` are the runs that someone is training.
    """
    runs, snapshots = set(running), set[str]()
    for head in of_kind(heads, "model"):
        runs.update(_runs(head, specs.models.get(Address.parse(head.address).name), since))
    for head in of_kind(heads, "model"):
        for fingerprint in runs & head.runs.keys():
            run = head.runs[fingerprint]
            snapshots.update((run.dataset, *run.predictions))
    for head in of_kind(heads, "dataset"):
        dataset = specs.datasets.get(Address.parse(head.address).name)
        snapshots.update(_snapshots(head, dataset.keep if dataset else Keep(), since))
    return Kept(frozenset(runs), frozenset(snapshots))


def _runs(head: Head, model: Model | None, since: str) -> Iterator[str]:
    keep = model.keep if model else KeepVersions()
    numbers = {version.n for version in head.versions[-keep.newest :]} | set(keep.versions)
    numbers |= {stage.version for stage in model.stages.values() if stage.version != "latest"} if model else set()
    for state in head.stages.values():
        before = [n for n in state.held if n != state.version]
        numbers |= {n for n in (state.version, *before[-1:]) if n is not None}
    yield from (version.fingerprint for version in head.versions if version.n in numbers)
    yield from (fingerprint for fingerprint, run in head.runs.items() if head.protect or run.at >= since)


def _snapshots(head: Head, keep: Keep, since: str) -> Iterator[str]:
    newest = sorted(head.snapshots, key=lambda one: (head.snapshots[one].at, head.snapshots[one].record))
    yield from newest[-keep.newest :]
    yield from (one for one, snapshot in head.snapshots.items() if head.protect or snapshot.at >= since)
    if head.current is not None:
        yield head.current


def objects_kept(heads: Mapping[str, Head], names: Names, keeps: Kept, since: str) -> set[str]:
    """Return the objects that are kept."""
    found = set(names.always)
    for fingerprint in keeps.runs | keeps.snapshots:
        found |= names.of_facts.get(fingerprint, set())
    failing = {effect for head in heads.values() for effect in head.failed}
    found |= {log for log, (ended, effect) in names.logs.items() if ended >= since or effect in failing}
    found = {name for name in found if not names.mentions.is_gone(name)}
    for head in heads.values():
        found.update(_of_head(head, keeps))
    return found


def _of_head(head: Head, keeps: Kept) -> Iterator[str]:
    for fingerprint in keeps.runs & head.runs.keys():
        run = head.runs[fingerprint]
        yield from () if run.expired else run.objects
    for fingerprint in keeps.snapshots & head.snapshots.keys():
        snapshot = head.snapshots[fingerprint]
        yield from () if snapshot.expired else _bytes(snapshot)
    yield from (one.profile for one in head.contracts.values() if one.profile and one.fingerprint in keeps.snapshots)


def _rows(run: Run) -> tuple[str, ...]:
    return (run.rows,) if run.rows else ()


def _bytes(snapshot: Snapshot) -> tuple[str, ...]:
    return (snapshot.content, *snapshot.packs)


def expiring(heads: Mapping[str, Head], names: Names, keeps: Kept, stays: Collection[str]) -> list[Gone]:
    """Return what is to be recorded as no longer kept, by address; `stays` are the objects that are kept."""
    lost: dict[str, set[str]] = defaultdict(set)
    for name in names.owner:
        if name not in stays and not names.mentions.is_gone(name):
            lost[names.address(name, heads)].add(name)
    gone = []
    for address in sorted(heads):
        facts = _labels(heads[address], keeps)
        if facts or lost[address]:
            gone.append(Gone(address, facts, tuple(sorted(lost[address]))))
    return gone


def _labels(head: Head, keeps: Kept) -> dict[str, str]:
    """Return what expires of a head, by fingerprint, with what people call it."""
    runs = {key: _called(head, key) for key, run in head.runs.items() if not (run.expired or key in keeps.runs)}
    versions = {
        key: f"version {short(key, 8)}"
        for key, snapshot in head.snapshots.items()
        if not (snapshot.expired or key in keeps.snapshots)
    }
    return {**versions, **runs}


def _called(head: Head, fingerprint: str) -> str:
    version = head.version_of(fingerprint)
    return f"v{version.n}" if version else f"run {short(fingerprint, 8)}"


def unnamed(lying: Iterable[Lying], names: Names, keeps: Kept, stays: Collection[str], before: float) -> list[Lying]:
    """Return what lies in a store and nothing names, or what names it is gone; younger things may still get a name.

    Of a note that nothing says is gone, and of an object that no record ever named, the store must know the age.
    """
    notes = {note_of(run) for run in keeps.runs}
    found = []
    for one in lying:
        if one.name in stays or one.name in notes or one.name.startswith((PROJECTS, KEYS)):
            continue
        is_old = one.put is not None and one.put < before
        if names.mentions.is_gone(one.name) if one.name in names.owner else is_old:
            found.append(one)
    return found


def erasure(heads: Mapping[str, Head], content: Collection[str]) -> Erasure:
    """Return what goes when all snapshots of these contents are erased: their bytes, profiles, predictions, hashes."""
    facts = {
        fingerprint
        for head in of_kind(heads, "dataset")
        for fingerprint, snapshot in head.snapshots.items()
        if snapshot.content in content and not snapshot.erased
    }
    gone, doomed, trained = list[Gone](), set[str](), list[str]()
    for head in of_kind(heads, "dataset"):
        own = {one: snapshot for one, snapshot in head.snapshots.items() if one in facts}
        if own:
            profiles = {one.profile for one in head.contracts.values() if one.profile and one.fingerprint in own}
            objects = {name for snapshot in own.values() for name in _bytes(snapshot)} | profiles
            doomed |= objects
            gone.append(Gone(head.address, {one: f"version {short(one, 8)}" for one in own}, tuple(sorted(objects))))
    for head in of_kind(heads, "model"):
        rests = {key: run for key, run in head.runs.items() if facts & {run.dataset, *run.predictions}}
        learned = [key for key in rests if not rests[key].expired]
        if learned:
            numbered = [version.fingerprint for version in reversed(head.versions) if version.fingerprint in learned]
            named = [*numbered, *(key for key in learned if key not in numbered)]
            trained.append(f"{head.address} {', '.join(f'{_called(head, key)}{_in(head, key)}' for key in named)}")
        predicted = {name for run in rests.values() for name in _predicted(run, facts)}
        if predicted:
            gone.append(Gone(head.address, {}, tuple(sorted(predicted))))
    also = [
        f"{head.address}@{short(one, 8)}"
        for head in of_kind(heads, "dataset")
        for one, snapshot in head.snapshots.items()
        if one not in facts and not snapshot.expired and doomed & set(_bytes(snapshot))
    ]
    return Erasure(tuple(gone), tuple(also), tuple(trained))


def _predicted(run: Run, facts: Collection[str]) -> Iterator[str]:
    """Yield what of a run tells of rows: what it said of them, and the hashes of those that it learned from.

    Probes ask it of its own dataset version.
    """
    yield from (name for test, name in run.predictions.items() if test in facts)
    yield from (name for test, many in run.repeated.items() if test in facts for name in many)
    yield from (*run.probes.values(), *_rows(run)) if run.dataset in facts else ()


def _in(head: Head, fingerprint: str) -> str:
    version = head.version_of(fingerprint)
    held = [name for name, state in head.stages.items() if version is not None and state.version == version.n]
    return f" (in {' and '.join(held)})" if held else ""
