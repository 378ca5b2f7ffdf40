"""Whether a metric can be computed: mistakes of the spec are errors, shortcomings of the rows are gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mlspec.core.metrics import METRICS, Metric
from mlspec.core.problem import MlspecError, fail, suggest
from mlspec.stats.evidence import MISSING, Evidence, Floats

_NEED_TWO_CLASSES = ("balanced_accuracy", "calibration_slope", "d2_log_loss_score", "matthews_corrcoef")
_NEED_POSITIVES = ("average_precision", "f1", "false_negative_rate", "jaccard", "recall", "true_positive_rate")
_NEED_NEGATIVES = ("false_positive_rate", "true_negative_rate")
_NEED_SPREAD = ("d2_absolute_error_score", "explained_variance", "r2")
RANKED = ("average_precision", "roc_auc")
"""Metrics of two classes that need no more than an order of the rows."""
_WEIGHTLESS = ("roc_auc_ovo", "roc_auc_ovo_weighted")


@dataclass(frozen=True, slots=True)
class Gap:
    """Why a metric is undefined on some rows. `sparse`: too little evidence, not bad predictions."""

    reason: str
    sparse: bool


def metric_for(name: str, evidence: Evidence) -> Metric:
    """Return the metric of a name, where it fits the evidence.

    Raises:
        MlspecError: no such metric, another task, several classes where two are needed, no positive class, no class
            probabilities, or weights that scikit-learn cannot use with it.
    """
    metric = METRICS.get(name)
    if metric is None:
        raise fail("metric/unknown", f"unknown metric `{name}`", help=suggest(name, METRICS))
    if metric.task != evidence.task:
        raise fail("metric/wrong-task", f"`{name}` is for {metric.task}, and the task is {evidence.task}")
    if metric.needs == "scores" and _scores(metric, evidence) is None:
        message = f"`{name}` is computed from class probabilities, and the model has no `predict_proba`"
        advice = "use a metric of labels (accuracy, f1_macro), or an estimator with `predict_proba`"
        raise fail("metric/no-scores", message, help=advice)
    if metric.binary:
        _check_binary(metric, evidence)
    if evidence.weights is not None and name in _WEIGHTLESS and len(evidence.classes) > 2:
        message = f"`{name}` is not defined for rows with weights"
        raise fail("metric/no-weights", message, help=f"use {name.replace('ovo', 'ovr')}")
    return metric


def misfit(name: str, evidence: Evidence) -> str:
    """Return in words why a metric does not fit evidence, as `metric_for` would say; empty where it does."""
    try:
        metric_for(name, evidence)
    except MlspecError as error:
        return error.problems[0].message
    return ""


def _check_binary(metric: Metric, evidence: Evidence) -> None:
    k = len(evidence.classes)
    if k > 2:
        message = f"`{metric.name}` is for two classes, and there are {k}"
        raise fail(
            "metric/too-many-classes", message, help="use a metric of several classes: f1_macro, roc_auc_ovr, log_loss"
        )
    if evidence.positive is None:
        message = f"`{metric.name}` needs to know which class counts as positive"
        raise fail("model/no-positive", message, help="give `positive:` in the model's spec")


def gap_of(metric: Metric, evidence: Evidence) -> Gap | None:
    """Return why a metric is undefined on these rows, or None where it is defined."""
    if len(evidence) == 0:
        return Gap("there are no rows", sparse=True)
    missing = _missing(metric, evidence)
    if missing:
        return Gap(f"{missing:,} of {len(evidence):,} predictions are missing or not finite", sparse=False)
    if evidence.weights is not None and not np.sum(evidence.weights) > 0:
        return Gap("the weights are all zero", sparse=True)
    stem = metric.name.removeprefix("neg_")
    return _class_gap(stem, evidence) if metric.task == "classification" else _value_gap(stem, evidence)


def _missing(metric: Metric, evidence: Evidence) -> int:
    if metric.needs == "labels":
        return int(np.sum(evidence.predicted == MISSING))
    said = _scores(metric, evidence) if metric.needs == "scores" else evidence.predicted
    return 0 if said is None else int(np.sum(~np.all(np.isfinite(said.reshape(len(said), -1)), axis=1)))


def _scores(metric: Metric, evidence: Evidence) -> Floats | None:
    """Return what a metric of scores is computed from: of two classes, ranks are enough for some."""
    return evidence.ranks if metric.name in RANKED else evidence.scores


def _class_gap(stem: str, evidence: Evidence) -> Gap | None:
    sizes = _class_weights(evidence)
    there = int(np.sum(sizes > 0))
    two = stem.startswith("roc_auc") or stem in _NEED_TWO_CLASSES
    if two and there < 2:
        return Gap("all rows are of one class", sparse=True)
    if stem.startswith("roc_auc") and there < len(evidence.classes):
        return Gap(f"only {there} of {len(evidence.classes)} classes have rows", sparse=True)
    if stem in _NEED_POSITIVES and sizes[evidence.positive_code] == 0:
        return Gap("no row is of the positive class", sparse=True)
    if stem in _NEED_NEGATIVES and np.sum(sizes) == sizes[evidence.positive_code]:
        return Gap("no row is of the negative class", sparse=True)
    if stem == "precision" and not np.any(evidence.predicted == evidence.positive_code):
        return Gap("no row is predicted positive", sparse=False)
    return None


def _class_weights(evidence: Evidence) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.bincount(evidence.labels, weights=evidence.weights, minlength=len(evidence.classes)).astype(np.float64)


def _value_gap(stem: str, evidence: Evidence) -> Gap | None:
    if stem in _NEED_SPREAD and np.ptp(evidence.labels) == 0:
        return Gap("all rows have the same target", sparse=True)
    return None
