"""What came of training a version once more: whether the same came out, and where not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

FORMAT: Final = "mlspec.reproduce/1"
MOST = 10
"""So many names of what differs are listed; the rest is counted."""

Outcome = Literal["identical", "equal", "different"]
Sameness = Literal["equal", "close", "different", "unknown", "none"]
"""`close` is within the tolerance; `unknown`: what was recorded is not in the store any more; `none`: nothing was."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Difference(_Frozen):
    """Something that is not as it was; None where it is not there."""

    before: Any = None
    after: Any = None


class Artifact(_Frozen):
    """The model that was trained now, beside the recorded one.

    `equal` are its bytes, `close` the contents of its members, whatever the file around them is.
    """

    digest: str
    same: Sameness
    members: tuple[str, ...] = ()
    """The first of the members whose contents differ."""
    members_differ: int = 0


class Predicted(_Frozen):
    """What it says of the test rows, beside what the recorded one said.

    `rows_differ` counts the rows with another label, or with a number that is further off than the tolerance;
    `largest` is the largest absolute difference of two numbers (scores; of a regression, predictions).
    """

    same: Sameness
    rows: int
    rows_differ: int = 0
    labels_differ: int = 0
    largest: float | None = None


class Reproduction(_Frozen):
    """The verdict on a training that was repeated; within `tolerance`, an absolute difference, numbers are equal."""

    outcome: Outcome
    tolerance: float
    source: Literal["commit", "store"]
    """Where its spec and code came from: the recorded commit, or what was kept with the run."""
    artifact: Artifact
    predictions: Predicted
    metrics: dict[str, Difference] = {}
    """The metrics that differ at all."""
    metrics_same: Sameness = "equal"
    environment: dict[str, Difference] = {}
    """Of Python, the platform and the packages, the first that differ."""
    environment_differ: int = 0


class Retrained(_Frozen):
    """One version that was trained again."""

    address: str
    version: int
    run: str
    commit: str
    found: Reproduction
    restored: tuple[str, ...] = ()
    """What was put back into the store."""
    lost: tuple[str, ...] = ()
    """What the store lacks and did not come out with the recorded digest."""
    remarks: tuple[str, ...] = ()


class Reproductions(_Frozen):
    """All versions that were trained again by one command, and the lineage that records it."""

    format: Literal["mlspec.reproduce/1"] = FORMAT
    project: str
    lineage: str | None
    versions: tuple[Retrained, ...]


def judged(artifact: Artifact, predictions: Predicted, metrics: Sameness) -> Outcome:
    """Say what it comes to.

    Identical is what has equal contents and says exactly the same; equal is what says the same within the tolerance.
    What nothing is left to compare with is different: nobody can say that it is not.
    """
    said = {predictions.same, metrics}
    contents = artifact.same in ("equal", "close")
    if "different" in said:
        return "different"
    if contents and said <= {"equal", "none"}:
        return "identical"
    compared = contents or predictions.same in ("equal", "close") or metrics in ("equal", "close")
    return "equal" if compared else "different"


def first(differ: Mapping[str, Difference]) -> dict[str, Difference]:
    """Return the first of what differs, as many as are listed."""
    return dict(list(differ.items())[:MOST])
