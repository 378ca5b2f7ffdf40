"""The judgement of an estimate against a bar: on the bound of its interval, never on the value alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mlspec.core.verdict import Estimate, Outcome

NO_ROWS = "there are no test rows to ask the model about"
_DIGITS = 4
_MOST_DIGITS = 17
_PLAIN_BELOW = 1e15
_MOST_ROWS = 1e12


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
    def margin(self) -> float | None:
        return None if self.near is None else self.sign * (self.near - self.threshold)

    @property
    def passes(self) -> bool:
        return self.near is not None and self.sign * self.near >= self.sign * self.threshold

    def text(self, *, kept: bool) -> str:
        symbols = (">=", "<") if self.sign > 0 else ("<=", ">")
        return f"{symbols[0] if kept else symbols[1]} {self.threshold:.15g}"


@dataclass(frozen=True, slots=True)
class Bar:
    """What a value must reach, what it must not exceed, or both."""

    minimum: float | None = None
    maximum: float | None = None


def judge(what: str, estimate: Estimate, bar: Bar, where: str = "", unit: str = "rows") -> tuple[Outcome, str]:
    """Return the outcome of an estimate of something, and why, in words.

    `unit` is what it is over, and `where` is added to that. Of a difference, `what` ends with ` by`.

    An interval that lies wholly on the right side of a threshold passes it, wholly on the wrong side fails it, and
    where it straddles is inconclusive. A value that does not exist fails; without an interval nothing passes.
    """
    place = f"on {estimate.n:,} {unit}{where}"
    if estimate.value is None or not math.isfinite(estimate.value):
        why = estimate.method.removeprefix("undefined: ")
        return Outcome.FAIL, f"{what.removesuffix(' by')} has no value {place}: {why}"
    sides = _sides(bar, estimate)
    shown = f"{what} {estimate_text(estimate, [side.threshold for side in sides])}"
    broken = [side.text(kept=False) for side in sides if side.fails]
    if broken:
        return Outcome.FAIL, f"{shown} {broken[0]} {place}"
    if any(side.near is None for side in sides):
        return Outcome.INSUFFICIENT, f"{shown} has no interval {place}: {estimate.method.removeprefix('none: ')}"
    open_sides = [side for side in sides if not side.passes]
    if open_sides:
        straddled = " and ".join(f"{side.threshold:.15g}" for side in open_sides)
        return Outcome.INCONCLUSIVE, f"{shown} straddles {straddled} {place}; {_needed(estimate, open_sides, unit)}"
    return Outcome.PASS, f"{shown} {' and '.join(side.text(kept=True) for side in sides)} {place}"


def _sides(bar: Bar, estimate: Estimate) -> list[_Side]:
    sides = []
    if bar.minimum is not None:
        sides.append(_Side(bar.minimum, estimate.low, estimate.high, 1))
    if bar.maximum is not None:
        sides.append(_Side(bar.maximum, estimate.high, estimate.low, -1))
    return sides


def margin_of(estimate: Estimate | None, bar: Bar) -> float | None:
    """Return by how much an estimate's interval clears a bar, by the bound that must; negative where it does not.

    Of two thresholds it is the smaller one; None where there is no value, no interval, or a bound is infinite.
    """
    if estimate is None or estimate.value is None:
        return None
    margins = [side.margin for side in _sides(bar, estimate)]
    known = [margin for margin in margins if margin is not None and math.isfinite(margin)]
    return min(known) + 0.0 if known and len(known) == len(margins) else None


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


def _needed(estimate: Estimate, sides: list[_Side], unit: str) -> str:
    needed = [rows_to_decide(estimate, side.threshold) for side in sides]
    if any(rows is None for rows in needed):
        return f"the value lies on the threshold, so no number of {unit} would decide"
    return f"about {max(rows for rows in needed if rows is not None):,} {unit} would decide"


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
