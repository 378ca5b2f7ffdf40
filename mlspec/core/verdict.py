"""Verdicts: what a check says of a model, with enough to compute it again."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Outcome(StrEnum):
    """The four outcomes of a check; only `pass` passes."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    INSUFFICIENT = "insufficient"


class Estimate(BaseModel):
    """A metric's value with its two-sided interval over `n` rows; the bounds are None where none can be given.

    `value` is None where the metric is undefined (NaN, one class only): such a metric never passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    n: int
    method: str


class Spread(BaseModel):
    """A metric of the same training with one seed after another, `seed` first; None where it is undefined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int
    values: tuple[float | None, ...]


class GroupFact(BaseModel):
    """What a check found of one group of rows; `value` is None where it found too little, and `note` says why.

    `base_rate` is the share of the rows that are truly positive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    base_rate: float | None = None
    note: str = ""


class CheckVerdict(BaseModel):
    """The verdict of one check of a gate, on one set of rows (`where` names a slice).

    Of a comparison of groups, `estimate` is of the two that lie furthest apart (`between`), and `groups` are all.
    Where several were judged at once, `family` is for how many the intervals are adjusted. `margin` is by how much the
    bound of the interval that must clear a threshold does, in the metric's own unit, negative where it does not; of two
    thresholds the smaller. `seed` is what every draw of the check began with. What the clock or the memory of a machine
    says names the `machine`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    outcome: Outcome
    metric: str | None = None
    where: str | None = None
    estimate: Estimate | None = None
    minimum: float | None = None
    maximum: float | None = None
    level: str = "block"
    reason: str
    by: str | None = None
    comparison: Literal["difference", "ratio"] | None = None
    between: tuple[str, str] | None = None
    groups: tuple[GroupFact, ...] = ()
    family: int = 1
    why: str = ""
    against: str = ""
    note: str = ""
    """What a reader should know also where it passes; it is in the reason too."""
    margin: float | None = None
    seed: int | None = None
    machine: str = ""


class GateVerdict(BaseModel):
    """The verdict of a gate: the worst of its blocking checks; `test` is the dataset version of its test rows.

    `champion` is the run that a check compared with, None where none compares or there was none. `failing` are the
    positions, in the gate's spec, of the blocking checks that do not pass.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate: str
    digest: str
    outcome: Outcome
    checks: tuple[CheckVerdict, ...]
    test: str = ""
    champion: str | None = None
    failing: tuple[int, ...] = ()


_WORST_FIRST = (Outcome.FAIL, Outcome.INSUFFICIENT, Outcome.INCONCLUSIVE, Outcome.PASS)


def severity(outcome: Outcome) -> int:
    """Return how bad an outcome is; 0 passes."""
    return len(_WORST_FIRST) - 1 - _WORST_FIRST.index(outcome)


def worst(checks: tuple[CheckVerdict, ...]) -> Outcome:
    """Return the outcome of a gate: its worst blocking check; a gate without blocking checks passes."""
    found = {check.outcome for check in checks if check.level == "block"}
    return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.PASS)


class Place(BaseModel):
    """Rows of one file among many, by their numbers in it (1 is the first row)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    rows: tuple[int, ...]


class Violation(BaseModel):
    """What a dataset's contract found: rule, column, how many rows, the first row numbers (1 is the first row).

    Never a value of a `sensitive` column. `rows` count through all files; `places` say where those rows lie when there
    are many files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    column: str | None = None
    count: int
    rows: tuple[int, ...] = ()
    places: tuple[Place, ...] = ()
    message: str
