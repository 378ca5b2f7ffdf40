"""The `metric` check as a user declares it, and the judgement of an estimate; computing one is `metric_check`'s."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from mlspec.core.verdict import Estimate, Outcome
from mlspec.specs.base import Change
from mlspec.specs.gate import CheckSpec

_DIGITS = 4
_MOST_DIGITS = 17
_PLAIN_BELOW = 1e15
_MOST_ROWS = 1e12

Finite = Annotated[float, Field(allow_inf_nan=False)]
_SCALAR_TYPES = (bool, int, float, str)
_SCALAR_SCHEMA = {"type": ["string", "number", "boolean"]}


def _wanted(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError("must name at least one value")
    for item in values:
        if not isinstance(item, _SCALAR_TYPES) or (isinstance(item, float) and not math.isfinite(item)):
            raise ValueError("must be text, a number, true or false, or a list of these")
    return tuple(values) if isinstance(value, list | tuple) else value


Wanted = Annotated[
    Any,
    BeforeValidator(_wanted),
    Field(json_schema_extra={"anyOf": [_SCALAR_SCHEMA, {"type": "array", "items": _SCALAR_SCHEMA, "minItems": 1}]}),
]


class MetricCheck(CheckSpec):
    """A metric's whole interval must lie on the right side of its bounds."""

    implementation: ClassVar[str] = "mlspec.gates.metric_check:check"
    """Where the function is that judges it; imported when it is needed, since it brings numpy along."""

    check: Annotated[Literal["metric"], Change.EVALUATE]
    """Which check: `metric`."""
    metric: Annotated[str, Change.EVALUATE]
    """The metric, by scikit-learn's scorer name."""
    min: Annotated[Finite | None, Change.EVALUATE] = None
    """The interval must not reach below this."""
    max: Annotated[Finite | None, Change.EVALUATE] = None
    """The interval must not reach above this."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence of the two-sided interval."""
    where: Annotated[dict[str, Wanted], Change.EVALUATE] = {}
    """Judge only rows in which each of these columns has the value, or one of the values."""
    min_rows: Annotated[Annotated[int, Field(ge=1)], Change.EVALUATE] = 50
    """With fewer rows the verdict is `insufficient`."""

    @model_validator(mode="after")
    def _consistent(self) -> MetricCheck:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both: without a bound there is nothing to judge")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    def metric_names(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def column_names(self) -> tuple[str, ...]:
        """Return the columns of the slice."""
        return tuple(self.where)


@dataclass(frozen=True, slots=True)
class _Side:
    """One threshold, the bound that must clear it, and the bound that fails when it is beyond."""

    threshold: float
    near: float | None
    far: float | None
    sign: int

    @property
    def fails(self) -> bool:
        return self.far is not None and self.sign * self.far < self.sign * self.threshold

    @property
    def passes(self) -> bool:
        return self.near is not None and self.sign * self.near >= self.sign * self.threshold

    def text(self, *, kept: bool) -> str:
        symbols = (">=", "<") if self.sign > 0 else ("<=", ">")
        return f"{symbols[0] if kept else symbols[1]} {self.threshold:.15g}"


def judge(spec: MetricCheck, estimate: Estimate) -> tuple[Outcome, str]:
    """Return the outcome of an estimate, and why, in words.

    An interval that lies wholly on the right side of a threshold passes it, wholly on the wrong side fails it, and
    where it straddles is inconclusive. A value that does not exist fails; without an interval nothing passes.
    """
    place = f"on {estimate.n:,} rows{where_text(spec.where)}"
    if estimate.value is None or not math.isfinite(estimate.value):
        return Outcome.FAIL, f"{spec.metric} has no value {place}: {estimate.method.removeprefix('undefined: ')}"
    sides = _sides(spec, estimate)
    shown = f"{spec.metric} {estimate_text(estimate, [side.threshold for side in sides])}"
    broken = [side.text(kept=False) for side in sides if side.fails]
    if broken:
        return Outcome.FAIL, f"{shown} {broken[0]} {place}"
    if any(side.near is None for side in sides):
        return Outcome.INSUFFICIENT, f"{shown} has no interval {place}: {estimate.method.removeprefix('none: ')}"
    open_sides = [side for side in sides if not side.passes]
    if open_sides:
        straddled = " and ".join(f"{side.threshold:.15g}" for side in open_sides)
        return Outcome.INCONCLUSIVE, f"{shown} straddles {straddled} {place}; {_needed(estimate, open_sides)}"
    return Outcome.PASS, f"{shown} {' and '.join(side.text(kept=True) for side in sides)} {place}"


def _sides(spec: MetricCheck, estimate: Estimate) -> list[_Side]:
    sides = []
    if spec.min is not None:
        sides.append(_Side(spec.min, estimate.low, estimate.high, 1))
    if spec.max is not None:
        sides.append(_Side(spec.max, estimate.high, estimate.low, -1))
    return sides


def rows_to_decide(estimate: Estimate, threshold: float) -> int | None:
    """Return about how many rows would decide on which side of a threshold a metric is; None where no number would.

    An interval narrows with the square root of the rows: n (half-width / gap)^2, rounded up, the half-width taken
    towards the threshold.
    """
    if estimate.value is None or estimate.value == threshold:
        return None
    bound = estimate.high if estimate.value < threshold else estimate.low
    if bound is None:
        return None
    ratio = (bound - estimate.value) / (threshold - estimate.value)
    needed = estimate.n * ratio * ratio
    return math.ceil(needed) if needed < _MOST_ROWS else None


def _needed(estimate: Estimate, sides: list[_Side]) -> str:
    needed = [rows_to_decide(estimate, side.threshold) for side in sides]
    if any(rows is None for rows in needed):
        return "the value lies on the threshold, so no number of rows would decide"
    return f"about {max(rows for rows in needed if rows is not None):,} rows would decide"


def estimate_text(estimate: Estimate, thresholds: Sequence[float] = ()) -> str:
    """Return a value and its interval to four digits, or as many as set them apart from the thresholds."""
    value = "undefined" if estimate.value is None else number_text(estimate.value, thresholds)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{number_text(estimate.low, thresholds)}, {number_text(estimate.high, thresholds)}]"


def number_text(number: float, thresholds: Sequence[float] = ()) -> str:
    """Return a number to four significant digits, or as many as leave it on its side of the thresholds."""
    for digits in range(_DIGITS, _MOST_DIGITS):
        text = f"{number:#.{digits}g}".removesuffix(".")
        rounded = float(text)
        if all((rounded < mark, rounded > mark) == (number < mark, number > mark) for mark in thresholds):
            break
    return f"{rounded:,.0f}" if "e+" in text and abs(rounded) < _PLAIN_BELOW else text


def where_text(where: Mapping[str, Any]) -> str:
    """Return a slice in words, with a space in front; empty for all rows."""
    if not where:
        return ""
    return " where " + " and ".join(f"{column} is {_either(wanted)}" for column, wanted in where.items())


def _either(wanted: Any) -> str:
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
