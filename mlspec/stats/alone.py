"""How well one feature predicts the target by itself: it is fitted on training rows and measured on test rows.

Values of a category, a text, or a number of few values are scored by the mean target of the training rows that have
them (target encoding, Micci-Barreca 2001, SIGKDD Explorations 3), other numbers and times by their order. That a value
is missing is a value as well: what was never filled in before the outcome was known gives it away.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from mlspec.core.verdict import Estimate
from mlspec.stats.evidence import Codes, Evidence, Floats, Mask
from mlspec.stats.intervals import Interval, auc_interval, quantile
from mlspec.stats.metrics import estimate

_FEW_VALUES = 20
"""A number of so few values may be a code for something."""
_NEAR_ONE = 1 - 1e-12


class Feature(NamedTuple):
    """One column: `levels` of shape (n,) number its values, missing as well; in their order where `ordered`.

    `missing`, of shape (n,), says where it has no value, and `test` which rows are for testing.
    """

    levels: Codes
    missing: Mask
    test: Mask
    ordered: bool

    @property
    def is_constant(self) -> bool:
        """Say whether all training rows have the same value."""
        trained = self.levels[~self.test]
        return bool(np.all(trained == trained[:1]))


def feature_of(values: pd.Series, test: Mask, *, ordered: bool) -> Feature:
    """Return a column of shape (n,) as levels; what is `ordered` is a number or a time."""
    missing = values.isna().to_numpy(dtype=bool)
    codes, found = pd.factorize(values, sort=ordered)
    levels = np.where(missing, len(found), codes).astype(np.int64)
    return Feature(levels, missing, test, ordered and len(np.unique(levels[~test])) > _FEW_VALUES)


def scores(feature: Feature, target: Floats) -> Floats:
    """Return a score of each test row that rises with the target, as the training rows tell; `target` is (n,)."""
    train, test = ~feature.test, feature.test
    seen, truth = feature.levels[train], target[train]
    mean = float(np.mean(truth))
    if not feature.ordered:
        size = int(np.max(feature.levels)) + 1
        counts, sums = np.bincount(seen, minlength=size), np.bincount(seen, truth, minlength=size)
        means = np.divide(sums, counts, out=np.full(size, mean), where=counts > 0)
        return np.asarray(means[feature.levels[test]], dtype=np.float64)
    there = ~feature.missing[train]
    rises = correlation(rankdata(seen[there]), rankdata(truth[there])) >= 0
    found = (feature.levels if rises else -feature.levels).astype(np.float64)
    gone = truth[~there]
    found[feature.missing] = math.inf if len(gone) and np.mean(gone) > mean else -math.inf
    return found[test]


def correlation(x: Floats, y: Floats) -> float:
    """Return Pearson's correlation of two arrays of shape (n,), 0 where either does not vary."""
    a, b = x - np.mean(x), y - np.mean(y)
    scale = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / scale if scale > 0 else 0.0


def area(said: Floats, positive: Mask, clusters: Codes | None, confidence: float) -> Estimate:
    """Return the area under the ROC curve of scores, with its interval; all of shape (n,), of both classes."""
    ranks = rankdata(said)  # an infinite score is a rank like any other
    if clusters is None:
        high, low = ranks[positive], ranks[~positive]
        value = (float(np.sum(high)) / len(high) - (len(high) + 1) / 2) / len(low)
        bounds = auc_interval(high, low, confidence)
        return _estimate(value, bounds[:2], confidence, len(said), bounds[2])
    labels, nothing = positive.astype(np.int64), np.zeros(len(said), dtype=np.int64)
    evidence = Evidence("classification", 1, (0, 1), labels, nothing, decision=ranks, clusters=clusters)
    return estimate("roc_auc", evidence, confidence)


def rank_correlation(said: Floats, truth: Floats, clusters: Codes, confidence: float) -> Estimate:
    """Return Spearman's rank correlation of scores with the truth, with its interval; all of shape (n,).

    Hoeffding (1948), A class of statistics with asymptotically normal distribution, Annals of Mathematical Statistics
    19: the variance is that of what each row adds, here summed over the rows of a cluster; the interval is on Fisher's
    scale, which stays within -1 and 1. A score that is the same in every row correlates with nothing.
    """
    x, y = _placed(said), _placed(truth)
    value = correlation(x, y)
    if value == 0 or abs(value) >= _NEAR_ONE:
        return _estimate(value, (value, value), confidence, len(x), "no variation/1")
    spread = np.mean(x * x), np.mean(y * y)
    scale = math.sqrt(float(spread[0] * spread[1]))
    together = (x * y + _above(said, y) + _above(truth, x)) / scale
    alone = sum((z * z + 2 * _above(of, z)) / s for z, of, s in zip((x, y), (said, truth), spread, strict=True))
    pull = together - value / 2 * alone
    sums = np.bincount(np.unique(clusters, return_inverse=True)[1], pull - np.mean(pull))
    error = math.sqrt(float(sums @ sums) * len(sums) / (len(sums) - 1)) / len(x) if len(sums) > 1 else math.inf
    centre, half = math.atanh(value), quantile(confidence) * error / (1 - value**2)
    bounds = math.tanh(centre - half), math.tanh(centre + half)
    return _estimate(value, bounds, confidence, len(x), "hoeffding-fisher/1")


def _estimate(value: float, bounds: Interval, confidence: float, n: int, method: str) -> Estimate:
    """Return an estimate whose interval holds the value, whatever was rounded."""
    low, high = min(bounds[0], value), max(bounds[1], value)
    return Estimate(value=value, low=low, high=high, confidence=confidence, n=n, method=method)


def _placed(values: Floats) -> Floats:
    """Return midranks over n, less their mean."""
    ranks = rankdata(values) / len(values)
    return np.asarray(ranks - np.mean(ranks), dtype=np.float64)


def _above(values: Floats, weights: Floats) -> Floats:
    """Return, for each row, the sum of the weights of rows with a larger value over n; of equal ones half counts."""
    levels = np.unique(values, return_inverse=True)[1]
    sums = np.bincount(levels, weights)
    return np.asarray((np.sum(sums) - np.cumsum(sums) + sums / 2)[levels] / len(values), dtype=np.float64)
