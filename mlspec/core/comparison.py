"""What `diff` gives: two versions of a model side by side, as far as they differ."""

from __future__ import annotations

from typing import Any, Literal

from mlspec.core.record import Value
from mlspec.core.verdict import Estimate


class Side(Value):
    """One of the two: a version, its run, and where both came from."""

    version: int
    run: str
    at: str
    ref: str
    dataset: str
    """The address of the dataset it was trained on."""
    data: str
    """The version of that dataset; its test rows are what the metrics are of."""
    stages: tuple[str, ...] = ()


class Change(Value):
    """A field that differs; None is the side that has none."""

    field: str
    before: Any = None
    after: Any = None


class ColumnChange(Value):
    """What the profiles say differently of a column: shares of rows, moments, quantiles, never of a person."""

    column: str
    changes: tuple[Change, ...]


class MetricPair(Value):
    """A metric of both, with intervals; None where it was not measured."""

    metric: str
    before: Estimate | None = None
    after: Estimate | None = None
    lower_is_better: bool = False


class Comparison(Value):
    """Two versions of a model. `same` names the parts that are equal, `unknown` says what could not be compared."""

    format: Literal["mlspec.diff/1"] = "mlspec.diff/1"
    model: str
    before: Side
    after: Side
    params: tuple[Change, ...] = ()
    training: tuple[Change, ...] = ()
    data: tuple[Change, ...] = ()
    columns: tuple[ColumnChange, ...] = ()
    code: tuple[Change, ...] = ()
    environment: tuple[Change, ...] = ()
    metrics: tuple[MetricPair, ...] = ()
    same_test: bool
    same: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
