"""Heads: the current recorded state of one address; a plan reads nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

from mlspec.core import digest
from mlspec.core.record import Failure, Override, Value, Waiver
from mlspec.core.reproduction import Outcome as Repeated
from mlspec.core.verdict import Estimate, Outcome, Spread

FORMAT: Final = "mlspec.head/1"


class Snapshot(Value):
    """A version of a dataset: its bytes in the store, and what its fingerprint was made of."""

    record: str
    content: str
    size: int
    ref: str
    at: str
    fields: dict[str, Any]
    packs: tuple[str, ...] = ()
    """Of a source of many files, whose content is a manifest: the objects that hold them, in order."""
    expired: str | None = None
    """Since when its bytes are no longer kept."""
    erased: bool = False
    """Its bytes must not come back: they were removed for what they say of people."""


class Contract(Value):
    """What the checks of one dataset version said."""

    fingerprint: str
    outcome: Literal["passed", "rejected"]
    record: str
    at: str
    rows: int
    summary: str = ""
    profile: str | None = None
    fields: dict[str, Any] = {}


class Reproduced(Value):
    """What came of training a run once more, the last time that somebody did; the whole verdict is in the record."""

    outcome: Repeated
    record: str
    at: str


class Run(Value):
    """A finished training, by fingerprint."""

    record: str
    artifact: str
    manifest: str
    dataset: str
    ref: str
    at: str
    fields: dict[str, Any]
    predictions: dict[str, str] = {}
    probes: dict[str, str] = {}
    """What else the model was asked, for checks that must run it: objects by `core.probe.probe_key`."""
    metrics: dict[str, Estimate] = {}
    expired: str | None = None
    """Since when its model is no longer kept; what was measured of it stays known."""
    rows: str | None = None
    """The keyed hashes of the rows it was trained on."""
    repeats: tuple[str, ...] = ()
    """The models of the same training with the seeds that follow."""
    repeated: dict[str, tuple[str, ...]] = {}
    """What those said of test rows, by dataset version."""
    spread: dict[str, Spread] = {}
    in_force: dict[str, str] | None = None
    """The gates, with digests, that were in force on the deployed branch when it was trained."""
    reproduced: Reproduced | None = None

    @property
    def objects(self) -> tuple[str, ...]:
        """Return what the store keeps for it."""
        said = (*self.predictions.values(), *(name for many in self.repeated.values() for name in many))
        hashes = (self.rows,) if self.rows else ()
        return (self.artifact, self.manifest, *self.repeats, *said, *self.probes.values(), *hashes)


class Version(Value):
    """A registered run: its number and fingerprint."""

    n: int
    fingerprint: str
    record: str
    at: str


class StageState(Value):
    """What holds a stage; `held` are the versions that did before, newest last."""

    version: int | None
    since: str
    by: str
    commit: str
    record: str
    conforming: bool = True
    held: tuple[int, ...] = ()
    override: Override | None = None
    champions: dict[str, int] = {}
    """What the version was set beside when it entered: by stage on the way, the version there."""
    faced: dict[str, int] = {}
    """By version that ever held the stage, the one that it first replaced."""
    waivers: tuple[Waiver, ...] = ()
    """What was waived for it to conform."""


class VerdictFact(Value):
    """The outcome of a gate for a run on a test set; the whole verdict is in the record."""

    run: str
    gate: str
    gate_digest: str
    test: str
    outcome: Outcome
    record: str
    reason: str
    champion: str | None = None
    """The run it was compared with."""
    failing: tuple[int, ...] = ()
    """The positions in the gate's spec of the blocking checks that do not pass."""

    @property
    def tells(self) -> bool:
        """Say whether it tells what failed; a negative one of an older release does not."""
        return self.outcome is Outcome.PASS or bool(self.failing)


class Failed(Value):
    """A step that failed and is not tried again until an input changes; by effect digest."""

    verb: str
    record: str
    failure: Failure


class Head(Value):
    """The state of one address. Rebuilt byte for byte by folding its records in order."""

    format: Literal["mlspec.head/1"] = FORMAT
    address: str
    generation: int = 0
    record: str | None = None
    facts: dict[str, Any] = {}
    retired: bool = False
    current: str | None = None
    snapshots: dict[str, Snapshot] = {}
    contracts: dict[str, Contract] = {}
    runs: dict[str, Run] = {}
    versions: tuple[Version, ...] = ()
    stages: dict[str, StageState] = {}
    verdicts: dict[str, VerdictFact] = {}
    failed: dict[str, Failed] = {}
    seconds: dict[str, float] = {}
    """The wall time of the last step of each verb, for estimates."""

    @property
    def protect(self) -> bool:
        """Say whether the recorded facts protect this resource from disappearing."""
        return bool(self.facts.get("protect", False))

    def version(self, n: int) -> Version | None:
        """Return version `n`, or None."""
        return next((version for version in self.versions if version.n == n), None)

    def version_of(self, fingerprint: str | None) -> Version | None:
        """Return the version registered for a run, or None."""
        return next((version for version in self.versions if version.fingerprint == fingerprint), None)

    def trained(self, fingerprint: str | None) -> bool:
        """Say whether a run is recorded, and its model kept."""
        run = self.runs.get(fingerprint or "")
        return run is not None and run.expired is None

    def taken(self, fingerprint: str | None) -> bool:
        """Say whether a snapshot is recorded, and its bytes kept."""
        snapshot = self.snapshots.get(fingerprint or "")
        return snapshot is not None and snapshot.expired is None


_Dated = TypeVar("_Dated", Snapshot, Contract, Run)


def newest(facts: Mapping[str, _Dated]) -> _Dated | None:
    """Return the fact recorded last, or None; the order of a mapping does not survive being written."""
    return max(facts.values(), key=lambda fact: (fact.at, fact.record), default=None)


def evaluated(head: Head, test: str) -> set[str]:
    """Return the runs of a model that were evaluated on the test rows of a dataset version."""
    measured = {key for key, run in head.runs.items() if run.dataset == test and run.metrics}
    return measured | {fact.run for fact in head.verdicts.values() if fact.test == test}


@lru_cache(maxsize=256)  # a plan asks for the same ones over and over
def verdict_key(run: str, gate: str, test: str, champion: str | None = None) -> str:
    """Return the key of a verdict: of the run, the gate's digest, the test set, and what it was compared with."""
    return digest.of([run, gate, test, champion])


def contract_key(fingerprint: str, contract: str) -> str:
    """Return the key of a contract's outcome: of the dataset version and the contract's digest."""
    return digest.of([fingerprint, contract])
