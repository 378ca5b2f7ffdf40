"""The overview that `show` gives: resources, what holds their stages, and how their versions did."""

from __future__ import annotations

from typing import Literal

from mlspec.core.head import Reproduced
from mlspec.core.record import Override, Value, Waiver
from mlspec.core.verdict import Estimate, Spread


class VersionView(Value):
    """A version: when and where it was trained, on what, and how it did."""

    n: int
    fingerprint: str
    at: str
    ref: str
    dataset: str
    format: str | None = None
    """How the model is kept, where the spec said it."""
    metrics: dict[str, Estimate] = {}
    spread: dict[str, Spread] = {}
    """Of a version that was trained with several seeds: each metric, seed by seed."""
    verdicts: dict[str, str] = {}
    provisional: bool = False
    """Not at the remote yet, where its number may become another."""
    expired: str | None = None
    """Since when its model is no longer kept."""
    reproduced: Reproduced | None = None
    """What came of training it once more."""


class StageView(Value):
    """What holds a stage, since when, put there by whom."""

    stage: str
    version: int | None
    since: str
    by: str
    commit: str
    conforming: bool
    override: Override | None = None
    waivers: tuple[Waiver, ...] = ()


class ResourceView(Value):
    """One recorded resource."""

    address: str
    owner: str | None = None
    description: str | None = None
    retired: bool = False
    stages: tuple[StageView, ...] = ()
    versions: tuple[VersionView, ...] = ()
    failed: tuple[str, ...] = ()
    current: str | None = None
    rows: int | None = None
    size: int | None = None
    rejected: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    evaluations: int = 0
    """Of a dataset: how many versions were judged on the test rows of its current version."""


class Overview(Value):
    """Everything recorded, or one resource of it."""

    format: Literal["mlspec.show/1"] = "mlspec.show/1"
    project: str
    at: str | None = None
    """The moment that was asked about; None for now."""
    lineage: str | None
    deployed: str | None
    resources: tuple[ResourceView, ...]
