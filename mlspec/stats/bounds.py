"""Which interval a metric gets: a closed form where a sound one is known, else the bootstrap; none if none is honest.

Rates and what follows from one rate: Wilson. Means of rates of separate rows: Zou and Donner. The area under the ROC
curve of two classes: DeLong. The calibration error: a test turned around. All else, and everything with weights or
clusters: percentiles of the bootstrap, of rows or of whole clusters, corrected for skewness where the metric is a mean
loss of rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlspec.core.metrics import CALIBRATION_ERROR, RATES
from mlspec.stats import calibration_error, confusion, losses, rates
from mlspec.stats.calibration import line
from mlspec.stats.evidence import Evidence, Floats
from mlspec.stats.intervals import (
    REPLICATES,
    auc_interval,
    corrected_percentiles,
    mean_of_rates,
    percentiles,
    quantile,
    wilson,
)
from mlspec.stats.resample import Whole, replicates

_OF_ALL_ROWS = ("accuracy", "precision_micro", "recall_micro", "f1_micro", "recall_weighted")
_OF_POSITIVES = ("average_precision", "f1", "jaccard", "precision", "recall")
_FEWEST = 5
_FEWEST_CLUSTERS = 10
_EQUAL = 1e-12


@dataclass(frozen=True, slots=True)
class Bounds:
    """The two bounds of an interval, None where there is none, and the method with its version."""

    low: float | None
    high: float | None
    method: str


def bounds_of(stem: str, evidence: Evidence, value: float, confidence: float, whole: Whole) -> Bounds:
    """Return the two-sided interval of a defined metric, named without `neg_`; it holds `value`.

    `whole` computes the metric of any evidence, where resampling has no faster formula.
    """
    if stem == "max_error":
        return Bounds(value, None, "none: the largest error of these rows says nothing of larger ones to come")
    if evidence.is_plain:
        closed = _closed(stem, evidence, confidence)
        if closed is not None:
            return Bounds(min(closed[0], value), max(closed[1], value), closed[2])
    fewest = _fewest(stem, evidence)
    if fewest is not None and fewest < _FEWEST:
        return Bounds(None, None, f"none: a class with {fewest} rows cannot show how such rows vary")
    clusters = _clusters(evidence)
    if clusters is not None and clusters < _FEWEST_CLUSTERS:
        return Bounds(None, None, f"none: {clusters} groups of rows cannot show how such groups vary")
    if stem == CALIBRATION_ERROR:
        return _calibration(evidence, value, confidence)
    found = replicates(stem, evidence, whole)
    influence = losses.influence(stem, evidence) if clusters is None else None
    if influence is None:
        interval, method = percentiles(found, value, confidence), f"bootstrap{'' if clusters is None else '-grouped'}/1"
    else:
        interval, method = corrected_percentiles(found, value, confidence, influence), "bootstrap-bca/1"
    if interval is None:
        return Bounds(None, None, "none: most samples of the bootstrap leave it undefined")
    if _is_bounded(stem) and np.nanmax(found) - np.nanmin(found) < _EQUAL:
        return _of_agreement(stem, evidence, value, confidence)
    return Bounds(*interval, f"{method} {REPLICATES} seed {evidence.seed}")


def _closed(stem: str, evidence: Evidence, confidence: float) -> tuple[float, float, str] | None:
    if evidence.task == "regression":
        return None
    if stem.startswith("roc_auc"):
        return _auc(evidence, evidence.ranks, confidence) if len(evidence.classes) == 2 else None
    if stem == "calibration_slope":
        return _slope(evidence, confidence)
    rate = _rate(stem, evidence)
    if rate is not None:
        low, high = (_of_rate(stem, bound) for bound in wilson(*rate, confidence))
        return low, high, "wilson/1"
    rates = _rates(stem, evidence)
    return (*mean_of_rates(rates, confidence), "zou-donner/1") if rates is not None else None


def _auc(evidence: Evidence, ranks: Floats | None, confidence: float) -> tuple[float, float, str] | None:
    if ranks is None:
        return None
    positive = evidence.labels == evidence.positive_code
    return auc_interval(ranks[positive], ranks[~positive], confidence)


def _slope(evidence: Evidence, confidence: float) -> tuple[float, float, str] | None:
    if evidence.ranks is None:
        return None
    found = line(evidence.labels == evidence.positive_code, evidence.ranks)
    half = quantile(confidence) * found.slope_error
    return found.slope - half, found.slope + half, "wald-logistic/1"


def _calibration(evidence: Evidence, value: float, confidence: float) -> Bounds:
    low, high = calibration_error.interval(evidence, confidence)
    method = f"calibration-test/1 {calibration_error.DRAWS} seed {evidence.seed}"
    return Bounds(min(low, value), max(high, value), method)


def _rate(stem: str, evidence: Evidence) -> tuple[int, int] | None:
    """Return the successes and trials of the rate that a metric is, or follows from."""
    if stem in RATES:
        hits, among = rates.of_evidence(stem, evidence)
        return int(np.sum(hits & among)), int(np.sum(among))
    hit = evidence.labels == evidence.predicted
    if stem in _OF_ALL_ROWS or stem == "jaccard_micro":
        return int(np.sum(hit)), len(evidence)
    true, called = evidence.labels == evidence.positive_code, evidence.predicted == evidence.positive_code
    trials = {"precision": called, "recall": true, "jaccard": true | called, "f1": true | called}.get(stem)
    return None if trials is None else (int(np.sum(hit & trials & true)), int(np.sum(trials)))


def _of_rate(stem: str, rate: float) -> float:
    """Return the metric that follows from a rate: F1 from the Jaccard index, the micro Jaccard index from accuracy."""
    if stem == "f1":
        return 2 * rate / (1 + rate)
    return rate / (2 - rate) if stem == "jaccard_micro" else rate


def _rates(stem: str, evidence: Evidence) -> list[tuple[float, float]] | None:
    """Return the rates of separate rows that a metric is the mean of."""
    if stem not in ("balanced_accuracy", "recall_macro", "precision_macro"):
        return None
    counts = confusion.of_rows(evidence, np.arange(len(evidence)))
    trials = (counts.calls if stem.startswith("precision") else counts.truths)[0]
    there = trials > 0 if stem == "balanced_accuracy" else (counts.truths + counts.calls)[0] > 0
    if np.any(there & (trials == 0)):
        return None  # scikit-learn counts such a class as 0, which is no rate
    return list(zip(counts.hits[0][there].tolist(), trials[there].tolist(), strict=True))


def _fewest(stem: str, evidence: Evidence) -> int | None:
    """Return the rows of the smallest class that a metric depends on by itself, None where it depends on none."""
    if evidence.task == "regression":
        return None
    sizes = evidence.class_sizes()
    if stem in _OF_POSITIVES:
        return int(sizes[evidence.positive_code])
    averaged = stem.startswith("roc_auc") or stem.endswith("_macro") or stem == "balanced_accuracy"
    return int(np.min(sizes[sizes > 0])) if averaged else None


def _is_bounded(stem: str) -> bool:
    return confusion.known(stem) or stem.startswith(("roc_auc", "average_precision"))


def _of_agreement(stem: str, evidence: Evidence, value: float, confidence: float) -> Bounds:
    """Return bounds where every sample agrees, as when nothing was predicted wrong: that is no proof of perfection.

    Taken as a rate over as many trials as the smallest class has rows (their effective number, Kish 1965, with
    weights; no more than there are clusters), which errs on the side of width.
    """
    trials = float(_fewest(stem, evidence) or len(evidence))
    if evidence.weights is not None:
        trials *= _effective(evidence.weights) / len(evidence)
    trials = min(trials, float(_clusters(evidence) or trials))
    scale, shift = (2, -1) if stem == "matthews_corrcoef" else (1, 0)
    low, high = (scale * bound + shift for bound in wilson((value - shift) / scale * trials, trials, confidence))
    return Bounds(min(low, value), max(high, value), "class-bound/1")


def _clusters(evidence: Evidence) -> int | None:
    return None if evidence.clusters is None else len(np.unique(evidence.clusters))


def _effective(weights: Floats) -> float:
    return float(np.sum(weights) ** 2 / np.sum(weights**2))
