"""The table of metrics against scikit-learn's own scorers."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from sklearn.metrics import get_scorer, get_scorer_names

from mlspec.core.metrics import CALIBRATION, CALIBRATION_ERROR, METRICS, RATES, Metric

CLUSTERING = {
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "completeness_score",
    "fowlkes_mallows_score",
    "homogeneity_score",
    "mutual_info_score",
    "normalized_mutual_info_score",
    "rand_score",
    "v_measure_score",
}
MULTILABEL = {"f1_samples", "jaccard_samples", "precision_samples", "recall_samples"}
LEFT_OUT = {
    "d2_brier_score",  # newer than the oldest scikit-learn we run on
    "top_k_accuracy",  # k is a parameter, which a metric's name cannot carry
    "positive_likelihood_ratio",  # no public function returns it alone
    "neg_negative_likelihood_ratio",
}


def function_of(metric: Metric) -> object:
    module, _, name = metric.function.partition(":")
    return getattr(importlib.import_module(module), name)


def test_every_supervised_scorer_is_in_the_table_and_nothing_unknown_is() -> None:
    ours = {name for name, metric in METRICS.items() if metric.greater_is_better} - {*RATES, *CALIBRATION}
    assert ours == set(get_scorer_names()) - CLUSTERING - MULTILABEL - LEFT_OUT


@pytest.mark.parametrize("name", sorted(set(METRICS) & set(get_scorer_names())))
def test_a_metric_is_computed_as_the_scorer_of_its_name_does(name: str) -> None:
    metric, scorer = METRICS[name], get_scorer(name)
    defaults = {"multi_class", "average"}
    assert function_of(metric) is scorer._score_func
    assert metric.negated is (scorer._sign == -1)
    assert dict(metric.kwargs) == {key: value for key, value in scorer._kwargs.items() if key in defaults} or (
        metric.binary and not metric.kwargs and scorer._kwargs.get("average") == "binary"
    )
    wants_scores = "predict_proba" in str(scorer._response_method)
    assert (metric.needs == "scores") is wants_scores


@pytest.mark.parametrize(
    "name",
    sorted({name for name, metric in METRICS.items() if not metric.greater_is_better} - {*RATES, CALIBRATION_ERROR}),
)
def test_an_error_by_its_positive_name_mirrors_the_negated_scorer(name: str) -> None:
    mirrored = METRICS[f"neg_{name}"]
    assert mirrored.negated and mirrored.greater_is_better and not METRICS[name].negated
    assert (mirrored.function, mirrored.task, mirrored.needs, mirrored.binary) == (
        METRICS[name].function,
        METRICS[name].task,
        METRICS[name].needs,
        METRICS[name].binary,
    )


@pytest.mark.parametrize("metric", [m for m in METRICS.values() if m.task == "classification" and not m.binary])
def test_a_metric_not_marked_binary_takes_three_classes(metric: Metric) -> None:
    truth = np.array([0, 1, 2, 0, 1, 2])
    scores = np.eye(3)[truth] * 0.7 + 0.1
    value = function_of(metric)(truth, scores if metric.needs == "scores" else truth, **metric.kwargs)  # type: ignore[operator]
    assert np.isfinite(value)
