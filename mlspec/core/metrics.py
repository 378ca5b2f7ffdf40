"""The metrics a spec may name: a light table that says what each needs; `stats.metrics` computes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Task = Literal["classification", "regression"]
Needs = Literal["labels", "scores", "values"]
_NEGATED = "neg_"
_REGRESSION_ERRORS = (
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_gamma_deviance",
    "mean_poisson_deviance",
    "mean_squared_error",
    "mean_squared_log_error",
    "median_absolute_error",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
)


RATES = (
    "false_negative_rate",
    "false_positive_rate",
    "selection_rate",
    "true_negative_rate",
    "true_positive_rate",
)
"""Rates of two classes beside scikit-learn's scorers: of all rows, of the positive or of the negative ones."""
CALIBRATION = ("calibration_slope",)
"""How far the probabilities of two classes mean what they say; 1 is best, so a gate gives `min` and `max`."""
CALIBRATION_ERROR = "expected_calibration_error"
"""How far probabilities lie from what happens, on average: of the positive class, of several of the likeliest one."""
_ERROR_RATES = ("false_negative_rate", "false_positive_rate")
_NOT_COMPARABLE: Mapping[str, str] = {
    "calibration_slope": "1 is best, so neither more nor less of it is better",
    "selection_rate": "neither more nor less of it is better",
    CALIBRATION_ERROR: "near 0 the difference of two has no interval that holds",
}
_NO_INTERVAL: Mapping[str, str] = {"max_error": "the largest error of some rows says nothing of larger ones to come"}
_AT_MOST_1 = ("d2_", "explained_variance", "r2")
_ANY = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: what it is for, what it is computed from, and which scikit-learn function computes it.

    `needs`: `labels` (predicted classes), `scores` (predicted class probabilities) or `values` (predicted numbers).
    `binary`: it is defined for two classes, one of them positive. `function` is `module:name`, called with the truth,
    the prediction and `kwargs`; where `negated`, what it returns is an error and the metric is its negative.
    `range` is the smallest and largest value it can have, infinite where there is none. `incomparable` says why of two
    values neither is better, and `unbounded` why it has no interval; both are empty for most.
    """

    name: str
    task: Task
    needs: Needs
    binary: bool
    greater_is_better: bool
    function: str
    kwargs: Mapping[str, str] = field(default_factory=dict)
    range: tuple[float, float] = _ANY
    incomparable: str = ""
    unbounded: str = ""

    @property
    def negated(self) -> bool:
        """Say whether the metric is the negative of what its function returns, as in `neg_log_loss`."""
        return self.name.startswith(_NEGATED)


def _classes(name: str, function: str, *, binary: bool = False, **kwargs: str) -> Metric:
    return Metric(name, "classification", "labels", binary, True, f"sklearn.metrics:{function}", kwargs)


def _ranks(name: str, function: str, *, binary: bool = False, **kwargs: str) -> Metric:
    return Metric(name, "classification", "scores", binary, True, f"sklearn.metrics:{function}", kwargs)


def _values(name: str, function: str) -> Metric:
    return Metric(name, "regression", "values", False, True, f"sklearn.metrics:{function}")


def _averaged(name: str) -> Iterable[Metric]:
    yield _classes(name, f"{name}_score", binary=True)
    for average in ("macro", "micro", "weighted"):
        yield _classes(f"{name}_{average}", f"{name}_score", average=average)


def _error(metric: Metric) -> Iterable[Metric]:
    """Give an error its two names: the positive one, lower being better, and scikit-learn's negated one."""
    yield replace(metric, greater_is_better=False)
    yield replace(metric, name=_NEGATED + metric.name)


def _all() -> Iterable[Metric]:
    for name in ("f1", "precision", "recall", "jaccard"):
        yield from _averaged(name)
    yield _classes("accuracy", "accuracy_score")
    yield _classes("balanced_accuracy", "balanced_accuracy_score")
    yield _classes("matthews_corrcoef", "matthews_corrcoef")
    yield _ranks("roc_auc", "roc_auc_score", binary=True)
    for way in ("ovo", "ovr"):
        yield _ranks(f"roc_auc_{way}", "roc_auc_score", multi_class=way)
        yield _ranks(f"roc_auc_{way}_weighted", "roc_auc_score", multi_class=way, average="weighted")
    yield _ranks("average_precision", "average_precision_score", binary=True)
    yield _ranks("d2_log_loss_score", "d2_log_loss_score")
    yield from _error(_ranks("brier_score", "brier_score_loss", binary=True))
    yield from _error(_ranks("log_loss", "log_loss"))
    yield _values("r2", "r2_score")
    yield _values("explained_variance", "explained_variance_score")
    yield _values("d2_absolute_error_score", "d2_absolute_error_score")
    for name in _REGRESSION_ERRORS:
        yield from _error(_values(name, name))
    for name in CALIBRATION:
        yield Metric(name, "classification", "scores", True, True, f"mlspec.stats.calibration:{name}")
    function = f"mlspec.stats.calibration_error:{CALIBRATION_ERROR}"
    yield Metric(CALIBRATION_ERROR, "classification", "scores", False, False, function)
    for name in RATES:
        better = name not in _ERROR_RATES
        yield Metric(name, "classification", "labels", True, better, f"mlspec.stats.rates:{name}")


def _described(metric: Metric) -> Metric:
    stem = metric.name.removeprefix(_NEGATED)
    return replace(
        metric,
        range=_range(metric),
        incomparable=_NOT_COMPARABLE.get(stem, ""),
        unbounded=_NO_INTERVAL.get(stem, ""),
    )


def _range(metric: Metric) -> tuple[float, float]:
    if metric.name == "matthews_corrcoef":
        return -1.0, 1.0
    if metric.name == "neg_brier_score":
        return -1.0, 0.0
    if metric.name.startswith(_AT_MOST_1):
        return -math.inf, 1.0
    others = metric.task == "regression" or metric.name in CALIBRATION or metric.name.endswith("log_loss")
    return _ANY if others else (0.0, 1.0)


METRICS: Mapping[str, Metric] = {
    metric.name: _described(metric) for metric in sorted(_all(), key=lambda metric: metric.name)
}
"""Every metric by name: scikit-learn's scorer names, each error by its positive name too, rates, calibration."""
