"""Bootstrap replicates of each metric, by formulas that sort and compare once and not again for every sample.

`metrics` says what a metric is, by scikit-learn; here it is said again, fast, for samples of the rows. Tests hold the
two together. An error is positive here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from mlspec.stats import confusion, losses, ranking
from mlspec.stats.evidence import Codes, Evidence, Floats
from mlspec.stats.intervals import REPLICATES, bootstrap, grouped_bootstrap

Statistic = Callable[[Codes], float]
Whole = Callable[[Evidence], float]


def replicates(name: str, evidence: Evidence, whole: Whole, times: int = REPLICATES) -> Floats:
    """Return `times` bootstrap replicates of a metric, NaN where a sample leaves it undefined.

    `name` is without `neg_`; `whole` computes the metric of any evidence, for a metric without a faster formula.
    """
    if confusion.known(name) and evidence.is_plain:
        return confusion.replicates(confusion.count_metric(name, evidence.positive_code), evidence, times)
    own = _own(name, evidence)
    if own is None:
        return drawn(_of_whole(evidence, whole), evidence, times)
    return drawn(own, evidence, times, side_by_side=True)


def drawn(statistic: Statistic, evidence: Evidence, times: int = REPLICATES, *, side_by_side: bool = False) -> Floats:
    """Return bootstrap replicates of a statistic of row numbers: of rows, or of whole clusters where there are any.

    `side_by_side` says that the statistic may be computed in threads: scikit-learn's warnings may not.
    """
    if evidence.clusters is not None:
        return grouped_bootstrap(statistic, evidence.clusters, evidence.seed, times)
    return bootstrap(statistic, len(evidence), evidence.seed, times, side_by_side=side_by_side)


def statistic(name: str, evidence: Evidence, whole: Whole) -> Statistic:
    """Return a metric as a function of row numbers; all rows once gives the metric itself."""
    return _own(name, evidence) or _of_whole(evidence, whole)


def _own(name: str, evidence: Evidence) -> Statistic | None:
    if confusion.known(name):
        return partial(_of_labels, confusion.count_metric(name, evidence.positive_code), evidence)
    means = losses.of_evidence(name, evidence)
    if means is not None:
        return partial(_of_means, means, evidence.weights)
    counted = ranking.of_evidence(name, evidence)
    return partial(_of_counts, counted, evidence) if counted is not None else None


def _of_whole(evidence: Evidence, whole: Whole) -> Statistic:
    bare = replace(evidence, columns={})
    return lambda rows: whole(bare.subset(rows))


def _of_labels(metric: confusion.CountMetric, evidence: Evidence, rows: Codes) -> float:
    return float(metric(confusion.of_rows(evidence, rows))[0])


def _of_means(means: losses.Means, weights: Floats | None, rows: Codes) -> float:
    if weights is None:
        return means.finish([float(np.mean(column[rows])) for column in means.columns])
    drawn = weights[rows]
    total = float(np.sum(drawn))
    if total <= 0:
        return float("nan")
    return means.finish([float(np.sum(column[rows] * drawn)) / total for column in means.columns])


def _of_counts(counted: ranking.Counted, evidence: Evidence, rows: Codes) -> float:
    counts = np.bincount(rows, minlength=len(evidence))
    return counted(counts if evidence.weights is None else counts * evidence.weights)
