"""A metric of every group of rows at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlspec.core.metrics import RATES
from mlspec.core.verdict import Estimate
from mlspec.stats import rates
from mlspec.stats.evidence import MISSING, Evidence, Floats, Mask
from mlspec.stats.gaps import metric_for
from mlspec.stats.groups import Groups
from mlspec.stats.intervals import wilson
from mlspec.stats.metrics import estimate


def estimates(name: str, evidence: Evidence, groups: Groups, confidence: float) -> list[Estimate]:
    """Return a metric of each group, as `metrics.estimate` gives it for the rows of that group alone.

    Of a rate without weights or clusters the rows are counted once for all groups.

    Raises:
        MlspecError: the metric does not fit the evidence, as `gaps.metric_for` says.
    """
    metric_for(name, evidence)
    bare = replace(evidence, columns={})
    if name not in RATES or not evidence.is_plain or np.any(evidence.predicted == MISSING):
        return [estimate(name, bare.subset(groups.rows(code)), confidence) for code in range(len(groups.names))]
    hits, among = rates.of_evidence(name, evidence)
    found, trials = _counts(hits & among, groups), _counts(among, groups)
    return [
        _rate(int(found[code]), int(trials[code]), size, confidence)
        if trials[code]
        else estimate(name, bare.subset(groups.rows(code)), confidence)
        for code, size in enumerate(groups.sizes)
    ]


def base_rates(evidence: Evidence, groups: Groups) -> list[float] | None:
    """Return the share of truly positive rows of each group, weighted as the rows are; None where none is positive."""
    if evidence.task == "regression" or (evidence.positive is None and len(evidence.classes) != 2):
        return None
    positive = evidence.labels == evidence.positive_code
    above, below = (_counts(mask, groups, evidence.weights) for mask in (positive, np.ones_like(positive)))
    shares: list[float] = np.divide(above, below, out=np.zeros(len(above)), where=below > 0).tolist()
    return shares


def _rate(successes: int, trials: int, n: int, confidence: float) -> Estimate:
    low, high = wilson(successes, trials, confidence)
    return Estimate(value=successes / trials, low=low, high=high, confidence=confidence, n=n, method="wilson/1")


def _counts(mask: Mask, groups: Groups, weights: Floats | None = None) -> Floats:
    """Return how many rows of each group, or their weight, a mask has."""
    counted = mask if weights is None else mask * weights
    whole = np.bincount(groups.codes + 1, weights=counted, minlength=len(groups.names) + 1).astype(np.float64)
    return whole[1:]  # the first is of rows in no group
