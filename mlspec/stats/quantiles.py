"""Quantiles of a sample of any distribution, with intervals from its order statistics."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import binom

from mlspec.core.verdict import Estimate
from mlspec.stats.contrast import Spread, ratio
from mlspec.stats.evidence import Floats

_METHOD = "order-statistics/1"
_TOO_FEW = "none: they are too few to bound it"


def quantile(values: Floats, share: float, confidence: float) -> Estimate:
    """Return the quantile of a sample of shape (n,) and its distribution-free interval; n is at least 1.

    David and Nagaraja (2003), Order statistics, section 7.1: how many of n independent values lie below the quantile
    is binomial, so that neither does the l-th smallest value lie above it, nor the u-th below, with more than half of
    what the confidence leaves. A bound that would need more values than there are is None.
    """
    value, low, high = _bounds(values, share, confidence)
    method = _METHOD if low is not None and high is not None else _TOO_FEW
    return Estimate(value=value, low=low, high=high, confidence=confidence, n=len(values), method=method)


def ratio_of_quantiles(ours: Floats, theirs: Floats, share: float, confidence: float) -> Estimate:
    """Return a quantile of one sample over that of another, of values above 0.

    The bounds come from those of each (`contrast.ratio`), as if the samples were independent: taken in turn on one
    machine they rise and fall together, which makes the interval too wide rather than too narrow.
    """
    (one, *own), (other, *its) = (_bounds(values, share, confidence) for values in (ours, theirs))
    n, bounds = min(len(ours), len(theirs)), [bound for bound in (*own, *its) if bound is not None]
    if len(bounds) < 4:
        return Estimate(value=one / other, confidence=confidence, n=n, method=_TOO_FEW)
    found = ratio(Spread(one, *bounds[:2]), Spread(other, *bounds[2:]))
    return Estimate(
        value=found.value, low=found.low, high=found.high, confidence=confidence, n=n, method=f"mover-{_METHOD}"
    )


def _bounds(values: Floats, share: float, confidence: float) -> tuple[float, float | None, float | None]:
    n, ordered, tail = len(values), np.sort(values), (1 - confidence) / 2
    low, high = int(binom.ppf(tail, n, share)), int(binom.ppf(1 - tail, n, share)) + 1
    value = float(ordered[max(math.ceil(n * share), 1) - 1])
    return value, float(ordered[low - 1]) if low >= 1 else None, float(ordered[high - 1]) if high <= n else None
