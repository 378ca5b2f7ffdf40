"""How far two models lie apart on the same rows: what both get right or wrong cancels out.

Accuracy without weights: the rows that only one of them gets right, by Tango's interval and McNemar's exact test. The
area under the ROC curve of two classes without weights: DeLong's covariance. All else, and everything with weights or
clusters: a bootstrap, both models on the same draws; at confidences beyond what its replicates tell, at least as wide
as the normal interval of their deviation. Of predicted classes the rows that differ are what varies, and they may be
few: without weights or clusters a little is added to each kind of row, with them ten must differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import stdtrit
from scipy.stats import binomtest

from mlspec.core.metrics import CALIBRATION_ERROR
from mlspec.core.verdict import Estimate
from mlspec.stats import confusion
from mlspec.stats.evidence import Codes, Evidence, Floats, Mask
from mlspec.stats.gaps import gap_of, metric_for
from mlspec.stats.intervals import REPLICATES, Interval, percentiles, placements, quantile
from mlspec.stats.metrics import value_of
from mlspec.stats.resample import drawn, statistic

_EQUAL = 1e-12
_HALVINGS = 60
_FEWEST_DIFFERENT = 10
_FEWEST_BEYOND = 5
"""Where fewer replicates lie beyond a bound, such as of many intervals that hold together, they do not tell how far."""


def difference(name: str, ours: Evidence, theirs: Evidence, confidence: float) -> Estimate:
    """Return a metric of one model less that of another, on the same rows in the same order.

    An undefined difference has no value, and a method that says why.

    Raises:
        MlspecError: the metric does not fit the evidence of one of them, as `gaps.metric_for` says.
        ValueError: the rows are not the same.
    """
    if not np.array_equal(_truth(ours), _truth(theirs)):
        raise ValueError("both must be judged on the same rows")
    metric = metric_for(name, ours)
    for evidence in (ours, theirs):
        gap = gap_of(metric_for(name, evidence), evidence)
        if gap is not None:
            return Estimate(value=None, confidence=confidence, n=len(ours), method=f"undefined: {gap.reason}")
    sign = -1 if metric.negated else 1
    try:
        value = sign * (value_of(metric, ours) - value_of(metric, theirs))
    except ValueError as error:  # how scikit-learn refuses values that a metric is not defined for
        return Estimate(value=None, confidence=confidence, n=len(ours), method=f"undefined: {error}")
    if not math.isfinite(value):
        return Estimate(value=None, confidence=confidence, n=len(ours), method="undefined: the value is not finite")
    interval, method = _interval(name, ours, theirs, value, confidence)
    low, high = interval if interval is not None else (None, None)
    return Estimate(value=value + 0.0, low=low, high=high, confidence=confidence, n=len(ours), method=method)


def _interval(
    name: str, ours: Evidence, theirs: Evidence, value: float, confidence: float
) -> tuple[Interval | None, str]:
    if name == CALIBRATION_ERROR:
        return None, "none: near 0 the difference of two calibration errors has no interval that holds"
    plain = ours.is_plain and theirs.is_plain
    if plain and name == "accuracy":
        return of_accuracies(_right(ours), _right(theirs), confidence), "tango-mcnemar/1"
    if plain and name == "roc_auc":
        found = _of_areas(ours, theirs, value, confidence)
        if found is not None:
            return found, "delong-paired/1"
    of_classes = confusion.known(name)
    few = _few_different(ours, theirs) if of_classes and not plain else None
    if few is not None:
        return None, f"none: {few}"
    replicates = _replicates(name, ours, theirs)
    if np.nanmax(replicates) - np.nanmin(replicates) < _EQUAL and abs(value) > _EQUAL:
        return None, "none: every sample of the bootstrap says the same"
    interval = percentiles(replicates, value, confidence)
    if interval is None:
        return None, "none: most samples of the bootstrap leave it undefined"
    kind = "bootstrap-paired" if ours.clusters is None else "bootstrap-paired-grouped"
    method = f"{kind}/{2 if of_classes and plain else 1} {REPLICATES} seed {ours.seed}"
    if REPLICATES * (1 - confidence) / 2 >= _FEWEST_BEYOND:
        return interval, method
    half = quantile(confidence) * float(np.nanstd(replicates))
    return (min(interval[0], value - half), max(interval[1], value + half)), f"{method} normal tails"


def _few_different(ours: Evidence, theirs: Evidence) -> str | None:
    """Return in words that too few rows are predicted differently, or too few clusters have such rows; else None."""
    rows = _called(ours) != _called(theirs)
    count = int(np.sum(rows)) if ours.clusters is None else len(np.unique(ours.clusters[rows]))
    unit = "row" if ours.clusters is None else "group"
    words = f"{count} {unit}{'' if count == 1 else 's'} in which the two predict differently"
    return f"{words} cannot show how such differences vary" if count < _FEWEST_DIFFERENT else None


def _replicates(name: str, ours: Evidence, theirs: Evidence) -> Floats:
    """Return bootstrap replicates of the difference, both models on the same draws of the rows."""
    stem, sign = name.removeprefix("neg_"), -1 if name.startswith("neg_") else 1
    if confusion.known(stem) and ours.is_plain and theirs.is_plain:
        one, other = (confusion.count_metric(stem, evidence.positive_code) for evidence in (ours, theirs))
        return confusion.paired_replicates((one, other), ours, theirs, REPLICATES)
    of_ours, of_theirs = (
        statistic(stem, evidence, partial(value_of, metric_for(name, evidence))) for evidence in (ours, theirs)
    )
    return drawn(lambda rows: sign * (of_ours(rows) - of_theirs(rows)), ours)


def mcnemar(only_ours: int, only_theirs: int) -> float:
    """Return the two-sided p-value of McNemar's (1947) exact test: whether those that only one gets right are even."""
    return float(binomtest(only_ours, only_ours + only_theirs).pvalue) if only_ours + only_theirs else 1.0


def of_accuracies(ours: Mask, theirs: Mask, confidence: float) -> Interval:
    """Return the interval of the difference of two accuracies, from which rows each gets right, of shape (n,).

    Tango's, widened to hold 0 where McNemar's exact test does not reject.
    """
    only_ours, only_theirs = int(np.sum(ours & ~theirs)), int(np.sum(theirs & ~ours))
    low, high = tango(only_ours, only_theirs, len(ours), confidence)
    if mcnemar(only_ours, only_theirs) > 1 - confidence:
        return min(low, 0.0), max(high, 0.0)
    return low, high


def tango(only_ours: int, only_theirs: int, n: int, confidence: float) -> Interval:
    """Return the score interval of the difference of two rates over the same n rows.

    Tango (1998), Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design, Statistics in Medicine 17: the differences that his score test would not reject.
    """
    value, z = (only_ours - only_theirs) / n, quantile(confidence)
    low = _root(lambda delta: _tango(only_ours, only_theirs, n, delta) - z, -1.0, value)
    high = _root(lambda delta: _tango(only_ours, only_theirs, n, delta) + z, value, 1.0)
    return low, high


def _tango(b: int, c: int, n: int, delta: float) -> float:
    """Return Tango's score at a difference: how many deviations it lies below what was seen."""
    middle = (2 * n - b + c) * delta - b - c
    least = (math.sqrt(max(middle**2 + 8 * n * c * delta * (1 - delta), 0.0)) - middle) / (4 * n)
    variance = n * (2 * least + delta * (1 - delta))
    above = b - c - n * delta
    if variance <= 0:
        return 0.0 if above == 0 else math.copysign(math.inf, above)
    return above / math.sqrt(variance)


def _root(score: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling score crosses 0, or the end that it does not reach it before."""
    at_low, at_high = score(low), score(high)
    if at_low <= 0:
        return low
    if at_high >= 0:
        return high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if score(middle) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _of_areas(ours: Evidence, theirs: Evidence, value: float, confidence: float) -> Interval | None:
    """Return the interval of the difference of two areas; None where the variance says nothing.

    DeLong, DeLong and Clarke-Pearson (1988): the variance of the mean of the differences of placements, with
    Student's quantile at Satterthwaite's degrees of freedom, as for one area.
    """
    one, other = ours.ranks, theirs.ranks
    if len(ours.classes) > 2 or one is None or other is None:
        return None
    positive = ours.labels == ours.positive_code
    of_ours, of_theirs = (placements(ranks[positive], ranks[~positive]) for ranks in (one, other))
    parts = [(one - other) for one, other in zip(of_ours, of_theirs, strict=True)]
    if min(len(part) for part in parts) < 2:
        return None
    spreads = [float(np.var(part, ddof=1)) / len(part) for part in parts]
    variance = sum(spreads)
    if variance <= 0:
        return None
    freedom = variance**2 / sum(spread**2 / (len(part) - 1) for spread, part in zip(spreads, parts, strict=True))
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(variance)
    return value - half, value + half


def _right(evidence: Evidence) -> Mask:
    return np.asarray(evidence.labels == evidence.predicted, dtype=np.bool_)


def _truth(evidence: Evidence) -> Codes:
    return evidence.labels if evidence.task == "regression" else _names(evidence)[evidence.labels]


def _called(evidence: Evidence) -> Codes:
    return _names(evidence)[evidence.predicted]


def _names(evidence: Evidence) -> Codes:
    return np.array([str(name) for name in evidence.classes], dtype=object)
