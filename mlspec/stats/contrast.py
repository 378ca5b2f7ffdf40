"""How far two independent estimates lie apart, as a difference and as a ratio, from the interval of each alone.

The method of variance estimates recovery (MOVER): the distances from each value to its own bounds add up as variances
do. Of two rates with Wilson's bounds the difference is Newcombe's hybrid score interval, his method 10 (Newcombe 1998,
Interval estimation for the difference between independent proportions, Statistics in Medicine 17).
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Spread(NamedTuple):
    """A value between its two bounds."""

    value: float
    low: float
    high: float


def difference(first: Spread, second: Spread) -> Spread:
    """Return `first` less `second`.

    Zou and Donner (2008), Construction of confidence limits about effect measures, Statistics in Medicine 27.
    """
    value = first.value - second.value
    below = math.hypot(first.value - first.low, second.high - second.value)
    above = math.hypot(first.high - first.value, second.value - second.low)
    return Spread(value, value - below, value + above)


def ratio(first: Spread, second: Spread) -> Spread:
    """Return `first` over `second`, of values that are at least 0; infinite where `second` may be 0, NaN if both are.

    Donner and Zou (2012), Closed-form confidence intervals for functions of the normal mean and standard deviation,
    Statistical Methods in Medical Research 21: the bounds are the ratios r at which the interval of
    `first - r * second` begins to hold 0, as Fieller's (1954) are.
    """
    if first.value == 0 and second.value == 0:
        return Spread(math.nan, 0.0, math.inf)
    value = first.value / second.value if second.value > 0 else math.inf
    low = _edge(first.value, first.low, second.value, second.high, -1)
    high = _edge(first.value, first.high, second.value, second.low, 1)
    return Spread(value, min(max(low, 0.0), value), max(high, value))


def _edge(above: float, its_bound: float, below: float, other_bound: float, sign: int) -> float:
    """Solve (above - r below)^2 = (above - its_bound)^2 + r^2 (below - other_bound)^2 for the root on one side."""
    a = other_bound * (2 * below - other_bound)
    c = its_bound * (2 * above - its_bound)
    root = math.sqrt(max((above * below) ** 2 - a * c, 0.0))
    if sign > 0:
        return (above * below + root) / a if a > 0 else math.inf
    lower = above * below + root  # the smaller root as c over the larger one's numerator: nothing cancels
    return c / lower if lower > 0 else 0.0


def apart(spread: Spread) -> Spread:
    """Return how large a difference is, whichever way it goes."""
    value, low, high = spread
    if low <= 0 <= high:
        return Spread(abs(value), 0.0, max(-low, high))
    return spread if low > 0 else Spread(-value, -high, -low)


def alike(spread: Spread) -> Spread:
    """Return how alike two are by their ratio, 1 at most, whichever is the larger."""
    value, low, high = spread
    turned = Spread(_turned(value), _turned(high), _turned(low))
    if low <= 1 <= high:
        return Spread(min(value, turned.value), min(low, turned.low), 1.0)
    return spread if high < 1 else turned


def _turned(ratio: float) -> float:
    return 1 / ratio if ratio > 0 else math.inf
