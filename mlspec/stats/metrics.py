"""Metrics with intervals: scikit-learn says the value; Wilson, DeLong or the bootstrap how sure it is."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from mlspec.core.metrics import Metric
from mlspec.core.verdict import Estimate
from mlspec.stats.bounds import bounds_of
from mlspec.stats.evidence import Evidence
from mlspec.stats.gaps import gap_of, metric_for

_TAKES_CLASSES = ("log_loss", "d2_log_loss_score", "roc_auc_score")


def estimate(name: str, evidence: Evidence, confidence: float) -> Estimate:
    """Return a metric's value, equal to scikit-learn's, and its two-sided interval at a confidence.

    An undefined metric has no value, and a method that says why; `bounds` says which interval a metric gets.

    Raises:
        MlspecError: the metric does not fit the evidence, as `gaps.metric_for` says.
    """
    metric = metric_for(name, evidence)
    value = _defined(metric, evidence)
    if isinstance(value, str):
        return _undefined(value, evidence, confidence)
    stem = name.removeprefix("neg_")
    with np.errstate(all="ignore"):
        bounds = bounds_of(stem, evidence, value, confidence, lambda sample: value_of(metric, sample))
    low, high = bounds.low, bounds.high
    if metric.negated:
        value, low, high = -value, _negative(high), _negative(low)
    return Estimate(value=value + 0.0, low=low, high=high, confidence=confidence, n=len(evidence), method=bounds.method)


def point(name: str, evidence: Evidence) -> float | None:
    """Return a metric's value alone; None where it is undefined.

    Raises:
        MlspecError: as `estimate`.
    """
    metric = metric_for(name, evidence)
    value = _defined(metric, evidence)
    return None if isinstance(value, str) else (-value if metric.negated else value) + 0.0


def _defined(metric: Metric, evidence: Evidence) -> float | str:
    """Return what `value_of` does, or why there is no finite value."""
    gap = gap_of(metric, evidence)
    if gap is not None:
        return gap.reason
    try:
        value = value_of(metric, evidence)
    except ValueError as error:  # how scikit-learn refuses targets that a metric is not defined for
        return str(error)
    return value if math.isfinite(value) else "the value is not finite"


def value_of(metric: Metric, evidence: Evidence) -> float:
    """Return what the metric's own function of scikit-learn returns: of a `neg_` metric, the error.

    Raises:
        ValueError: the metric is not defined for such targets or predictions.
    """
    module, _, name = metric.function.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    truth, said, keywords = _arguments(metric, name, evidence)
    if evidence.weights is not None and name != "max_error":
        keywords["sample_weight"] = evidence.weights
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what scikit-learn warns of has a gap or a documented value
        return float(function(truth, said, **keywords))


def _arguments(metric: Metric, function: str, evidence: Evidence) -> tuple[Any, Any, dict[str, Any]]:
    if metric.needs == "values":
        return evidence.labels, evidence.predicted, {}
    keywords: dict[str, Any] = dict(metric.kwargs)
    positive, two = evidence.positive_code, len(evidence.classes) <= 2
    if metric.needs == "labels":
        if metric.binary:
            return evidence.labels == positive, evidence.predicted == positive, keywords
        return evidence.labels, evidence.predicted, keywords
    if function in _TAKES_CLASSES and not (two and function == "roc_auc_score"):
        keywords["labels"] = [0, 1] if two else list(range(len(evidence.classes)))
    if two:
        keywords.pop("multi_class", None)
        return (evidence.labels == positive).astype(np.int64), evidence.ranks, keywords
    return evidence.labels, evidence.scores, keywords


def _undefined(reason: str, evidence: Evidence, confidence: float) -> Estimate:
    return Estimate(value=None, confidence=confidence, n=len(evidence), method=f"undefined: {reason}")


def _negative(bound: float | None) -> float | None:
    return None if bound is None else -bound + 0.0
