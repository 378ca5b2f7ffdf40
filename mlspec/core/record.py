"""Records: one immutable fact of one apply, chained to the record before it of the same address."""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from mlspec.core import digest
from mlspec.core.reproduction import Reproduction
from mlspec.core.verdict import Estimate, GateVerdict, Spread, Violation

FORMAT: Final = "mlspec.record/1"
MAX_BYTES = 16 * 1024

Verb = Literal[
    "snapshot",
    "check",
    "train",
    "evaluate",
    "register",
    "promote",
    "rollback",
    "demote",
    "move",
    "retire",
    "update",
    "accept",
    "expire",
    "reproduce",
]
Status = Literal["done", "rejected", "failed"]


class Value(BaseModel):
    """A frozen value that is written as JSON and refuses fields it does not know.

    NaN and infinities stay what they are, so that writing them is an error: by default they would become null.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Actor(Value):
    """Who applied, as git knows them."""

    name: str
    email: str


class Object(Value):
    """An object of the store: what it is, its digest, and its size in bytes."""

    name: str
    digest: str
    size: int


class Cost(Value):
    """What a step cost: seconds and bytes."""

    wall_s: float
    cpu_s: float
    peak_memory_bytes: int


class Failure(Value):
    """Why a step failed; `log` is the digest of its log, where there is one."""

    code: str
    message: str
    log: str | None = None


class Environment(Value):
    """Where a model was trained; `packages` is the digest of the list of installed versions."""

    python: str
    platform: str
    packages: str


class Origin(Value):
    """The commit that was applied, and what it was allowed to do."""

    commit: str
    branch: str | None
    dirty: bool
    deploys: bool


class Override(Value):
    """A stage held by hand: no apply moves it while its entry still asks for what it asked for then (`declared`)."""

    until: str
    reason: str
    declared: str
    """What the spec's entry of the stage asked for: `latest`, or the number of a version."""


class Waiver(Value):
    """A check of a gate that need not pass for a time, who answers for that, and why; `expires` is its last day."""

    gate: str
    check: str
    metric: str | None = None
    reason: str
    owner: str
    expires: str


class Expiry(Value):
    """What is no longer kept of an address: snapshots or runs by fingerprint, and the objects removed with them."""

    facts: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    reason: str
    erases: bool = False
    """It was removed for what it says of people: it must not be taken again."""


class Record(Value):
    """One fact. `digest` covers every other field; `previous` is the digest of the address's record before it."""

    format: Literal["mlspec.record/1"] = FORMAT
    address: str
    verb: Verb
    status: Status = "done"
    apply: str
    n: int
    generation: int
    previous: str | None = None
    started: str
    finished: str
    actor: Actor
    approvals: tuple[str, ...] = ()
    origin: Origin
    blobs: dict[str, str] = {}
    """Spec files and their git blob ids: they identify the spec even when commits are rewritten."""
    effect: str | None = None
    fingerprint: str | None = None
    fields: dict[str, Any] = {}
    """What the fingerprint or the verdict depends on, flattened: `train.params.max_iter: 200`."""
    inputs: dict[str, str] = {}
    """Addresses and the digests of them that were used."""
    outputs: tuple[Object, ...] = ()
    moved_from: str | None = None
    stage: str | None = None
    version: int | None = None
    replaces: int | None = None
    """The version that held the stage before."""
    override: Override | None = None
    """Why this rollback holds the stage against the spec, and until when."""
    released: dict[str, str] = {}
    """The stages whose override is over, each with the time until when it was to hold."""
    rows: int | None = None
    metrics: dict[str, Estimate] = {}
    spread: dict[str, Spread] = {}
    """Of a run with repeats: each metric, seed by seed."""
    verdicts: tuple[GateVerdict, ...] = ()
    evaluations: int = 0
    """How many runs were judged on these test rows by then, this one among them."""
    probes: dict[str, str] = {}
    """What a model was asked for checks: the digest of the output `probe` that says it, by `core.probe.probe_key`."""
    gates: dict[str, str] = {}
    """The gates in force and their digests."""
    in_force: dict[str, str] | None = None
    """Of a training: the gates and digests in force on the deployed branch at that time."""
    set_after: tuple[str, ...] = ()
    """Of a promotion: the gates that were set, or set anew, after the version had been trained."""
    champions: dict[str, int] = {}
    """Of a promotion: by stage on the way, the version that it was set beside."""
    waivers: dict[str, tuple[Waiver, ...]] = {}
    """By stage, what is waived for its version to conform."""
    conforming: dict[str, bool] = {}
    violations: tuple[Violation, ...] = ()
    remarks: tuple[str, ...] = ()
    """What is odd about data that keeps its contract: it stops nothing."""
    environment: Environment | None = None
    reproduction: Reproduction | None = None
    """What came of training a run once more."""
    failure: Failure | None = None
    expiry: Expiry | None = None
    cost: Cost | None = None
    mlspec: str
    digest: str = ""

    def output(self, name: str) -> Object | None:
        """Return the output of this name, or None."""
        return next((output for output in self.outputs if output.name == name), None)

    def named(self, name: str) -> tuple[str, ...]:
        """Return the digests of all outputs of this name, in order."""
        return tuple(output.digest for output in self.outputs if output.name == name)

    @property
    def path(self) -> str:
        """Return where the record lies on the lineage branch."""
        year, month = self.started[:4], self.started[5:7]
        return f"log/{year}/{month}/{self.apply}/{self.n:04d}-{self.verb}-{self.address.replace('/', '.', 1)}.json"


def to_json(value: BaseModel) -> dict[str, Any]:
    """Return a value as JSON data, without what is empty, so that a new optional field changes no bytes."""
    dumped = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if "format" in type(value).model_fields:
        dumped["format"] = getattr(value, "format")  # noqa: B009 -- pydantic's field, absent from BaseModel's type
    return dumped


def to_bytes(value: BaseModel) -> bytes:
    """Return the one form of a value on the lineage branch: sorted keys, two spaces, a last newline."""
    text = json.dumps(to_json(value), sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode("utf-8") + b"\n"


def sealed(record: Record) -> Record:
    """Return the record with its digest filled in."""
    return record.model_copy(update={"digest": digest_of(record)})


def digest_of(record: Record) -> str:
    """Return the digest that a record must carry: of everything but the digest itself."""
    content = to_json(record)
    content.pop("digest", None)
    return digest.of(content)
