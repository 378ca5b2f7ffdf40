"""Metrics against scikit-learn, the fast formulas against the metrics, and what has no value."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import Tags, TargetTags

from mlspec.core.metrics import METRICS
from mlspec.core.problem import MlspecError
from mlspec.stats.evidence import MISSING, Evidence
from mlspec.stats.intervals import auc_interval, wilson
from mlspec.stats.metrics import estimate, value_of
from mlspec.stats.resample import replicates, statistic


def binary(n: int = 300, *, positive: Any = "yes", weights: bool = False, seed: int = 0) -> Evidence:
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.4).astype(np.int64)
    high = 1 / (1 + np.exp(-random.normal(1.5 * labels - 0.8, 1.0)))
    scores = np.column_stack([1 - high, high]).round(3)
    weight = random.uniform(0.5, 3, n) if weights else None
    return Evidence("classification", positive, ("no", "yes"), labels, scores.argmax(axis=1), scores, weight)


def several(n: int = 300, *, weights: bool = False) -> Evidence:
    random = np.random.default_rng(1)
    labels = random.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    raw = random.random((n, 4)) + 0.5 * np.eye(4)[labels]
    scores = raw / raw.sum(axis=1, keepdims=True)
    weight = random.uniform(0.5, 3, n) if weights else None
    return Evidence("classification", None, ("a", "b", "c", "d"), labels, scores.argmax(axis=1), scores, weight)


def numbers(n: int = 300, *, weights: bool = False) -> Evidence:
    random = np.random.default_rng(2)
    labels = random.uniform(0.5, 6, n)
    predicted = np.abs(labels + random.normal(0, 0.5, n)) + 0.01
    weight = random.uniform(0.5, 3, n) if weights else None
    return Evidence("regression", None, (), labels, predicted, None, weight)


class Replay:
    """A fitted classifier that says again what the evidence holds, for scikit-learn's own scorers."""

    _estimator_type = "classifier"

    def __init__(self, evidence: Evidence) -> None:
        self.evidence, self.classes_ = evidence, np.array(evidence.classes)

    def __sklearn_tags__(self) -> Any:
        return Tags(estimator_type="classifier", target_tags=TargetTags(required=True))

    def fit(self, _x: Any, _y: Any) -> None: ...

    def predict(self, _x: Any) -> Any:
        return self.classes_[self.evidence.predicted]

    def predict_proba(self, _x: Any) -> Any:
        return self.evidence.scores


def fitting(evidence: Evidence) -> list[str]:
    return [
        name
        for name, metric in METRICS.items()
        if metric.task == evidence.task
        and not (metric.binary and len(evidence.classes) > 2)
        and not (evidence.weights is not None and "ovo" in name and len(evidence.classes) > 2)
    ]


SAMPLES = {
    "two classes": binary(),
    "several classes": several(),
    "numbers": numbers(),
    "two classes, weights": binary(weights=True),
    "several classes, weights": several(weights=True),
    "numbers, weights": numbers(weights=True),
}
CASES = [
    pytest.param(sample, name, id=f"{label}: {name}")
    for label, sample in SAMPLES.items()
    for name in fitting(sample)
    if not name.startswith("neg_")
]


@pytest.mark.parametrize("name", [name for name in fitting(SAMPLES["several classes"]) if name in get_scorer_names()])
def test_values_of_several_classes_are_the_scorers(name: str) -> None:
    sample = SAMPLES["several classes"]
    truth = np.array(sample.classes)[sample.labels]
    assert estimate(name, sample, 0.95).value == get_scorer(name)(Replay(sample), np.zeros((300, 1)), truth)


@pytest.mark.parametrize("name", [name for name in fitting(SAMPLES["two classes"]) if name in get_scorer_names()])
def test_values_of_two_classes_are_the_scorers(name: str) -> None:
    sample = binary(positive=1)
    sample = Evidence("classification", 1, (0, 1), sample.labels, sample.predicted, sample.scores)
    assert estimate(name, sample, 0.95).value == get_scorer(name)(Replay(sample), np.zeros((300, 1)), sample.labels)


@pytest.mark.parametrize("name", fitting(SAMPLES["numbers, weights"]))
def test_values_of_numbers_are_the_functions(name: str) -> None:
    sample, metric = SAMPLES["numbers, weights"], METRICS[name]
    module, _, function = metric.function.partition(":")
    weights = {} if function == "max_error" else {"sample_weight": sample.weights}
    value = getattr(importlib.import_module(module), function)(sample.labels, sample.predicted, **weights)
    assert estimate(name, sample, 0.95).value == (-value if name.startswith("neg_") else value)


@pytest.mark.parametrize(("sample", "name"), CASES)
def test_the_fast_formula_of_all_rows_is_the_metric(sample: Evidence, name: str) -> None:
    metric = METRICS[name]
    fast = statistic(name, sample, lambda rows: value_of(metric, rows))
    assert fast(np.arange(len(sample))) == pytest.approx(value_of(metric, sample), abs=1e-9)
    rows = np.random.default_rng(5).integers(0, len(sample), len(sample))
    assert fast(rows) == pytest.approx(value_of(metric, sample.subset(rows)), abs=1e-9)


@pytest.mark.parametrize(("sample", "name"), CASES)
def test_every_interval_holds_its_value_and_repeats_itself(sample: Evidence, name: str) -> None:
    found = estimate(name, sample, 0.9)
    assert found.value is not None and found.n == 300 and found.confidence == 0.9
    assert (found.low is None or found.low <= found.value) and (found.high is None or found.value <= found.high)
    assert estimate(name, sample, 0.9) == found


@pytest.mark.parametrize("name", ["log_loss", "mean_squared_error", "max_error"])
def test_a_negated_error_mirrors_the_error(name: str) -> None:
    sample = SAMPLES["two classes" if name == "log_loss" else "numbers"]
    error, mirrored = estimate(name, sample, 0.95), estimate(f"neg_{name}", sample, 0.95)
    assert error.value is not None and error.low is not None
    assert (mirrored.value, mirrored.high) == (-error.value, -error.low)
    assert mirrored.low == (None if error.high is None else -error.high)


def test_rates_have_wilsons_interval() -> None:
    sample = SAMPLES["two classes"]
    hits = int(np.sum((sample.labels == 1) & (sample.predicted == 1)))
    for name, trials in (("precision", sample.predicted == 1), ("recall", sample.labels == 1)):
        found = estimate(name, sample, 0.95)
        assert (found.low, found.high) == wilson(hits, int(np.sum(trials)), 0.95)
        assert found.method == "wilson/1"


def test_f1_follows_from_the_rate_of_the_jaccard_index() -> None:
    jaccard, f1 = (estimate(name, SAMPLES["two classes"], 0.95) for name in ("jaccard", "f1"))
    assert jaccard.low is not None and f1.low == pytest.approx(2 * jaccard.low / (1 + jaccard.low), abs=1e-12)


def test_the_area_of_two_classes_has_delongs_interval_whichever_class_is_positive() -> None:
    sample = SAMPLES["two classes"]
    assert sample.scores is not None
    high = sample.scores[:, 1]
    expected = auc_interval(high[sample.labels == 1], high[sample.labels == 0], 0.95)
    found, other = estimate("roc_auc", sample, 0.95), estimate("roc_auc", binary(positive="no"), 0.95)
    assert (found.low, found.high, found.method) == expected
    assert other.low == pytest.approx(found.low, abs=1e-9)


def test_the_counts_are_drawn_as_rows_would_be() -> None:
    sample = several()
    metric = METRICS["f1_macro"]
    counted = replicates("f1_macro", sample, lambda rows: value_of(metric, rows), times=2000)
    draw = statistic("f1_macro", sample, lambda rows: value_of(metric, rows))
    random = np.random.default_rng(0)
    drawn = [draw(random.integers(0, 300, 300)) for _ in range(2000)]
    assert np.mean(counted) == pytest.approx(np.mean(drawn), abs=0.004)
    assert np.std(counted) == pytest.approx(np.std(drawn), rel=0.08)


@pytest.mark.parametrize("name", ["f1_macro", "f1_weighted", "matthews_corrcoef", "balanced_accuracy", "roc_auc", "f1"])
def test_a_model_without_a_mistake_is_not_certain_to_make_none(name: str) -> None:
    labels = np.arange(60) % 2
    scores = np.eye(2)[labels] * 0.8 + 0.1
    found = estimate(name, Evidence("classification", 1, (0, 1), labels, labels, scores), 0.95)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low is not None and 0.75 < found.low < 0.97


def test_equal_weights_change_no_value() -> None:
    plain = SAMPLES["two classes"]
    weighted = Evidence(
        plain.task, plain.positive, plain.classes, plain.labels, plain.predicted, plain.scores, np.full(300, 2.0)
    )
    for name in ("accuracy", "roc_auc", "log_loss", "f1_macro"):
        found = estimate(name, weighted, 0.95)
        assert found.value == pytest.approx(estimate(name, plain, 0.95).value, abs=1e-12)
        assert found.method.startswith("bootstrap") and found.method.endswith("/1 1000 seed 0")


def test_a_decision_ranks_rows_without_probabilities() -> None:
    whole = SAMPLES["two classes"]
    assert whole.scores is not None
    ranked = Evidence(
        whole.task, "yes", whole.classes, whole.labels, whole.predicted, decision=np.log(whole.scores[:, 1] + 1e-9)
    )
    assert estimate("roc_auc", ranked, 0.95).value == estimate("roc_auc", whole, 0.95).value
    with pytest.raises(MlspecError) as caught:
        estimate("log_loss", ranked, 0.95)
    assert caught.value.problems[0].code == "metric/no-scores"


LABELS = np.array([0, 1, 0, 1, 1, 0])
ONE_CLASS = Evidence("classification", 1, (0, 1), np.zeros(6, dtype=np.int64), LABELS, np.full((6, 2), 0.5))
UNDEFINED = {
    "no rows": ("accuracy", binary().subset(np.zeros(300, dtype=bool)), "no rows"),
    "no rows, numbers": ("r2", numbers().subset(np.zeros(300, dtype=bool)), "no rows"),
    "one class": ("roc_auc", ONE_CLASS, "all rows are of one class"),
    "no positive": ("recall", ONE_CLASS, "no row is of the positive class"),
    "a class is not there": ("roc_auc_ovr", several().subset(several().labels > 0), "only 3 of 4 classes have rows"),
    "nothing is called positive": (
        "precision",
        Evidence("classification", 1, (0, 1), LABELS, np.zeros(6, dtype=np.int64)),
        "no row is predicted positive",
    ),
    "missing predictions": (
        "accuracy",
        Evidence("classification", 1, (0, 1), LABELS, np.where(LABELS == 1, MISSING, 0)),
        "3 of 6 predictions are missing or not finite",
    ),
    "missing scores": (
        "log_loss",
        Evidence("classification", 1, (0, 1), LABELS, LABELS, np.array([[0.5, 0.5]] * 5 + [[np.nan] * 2])),
        "1 of 6 predictions are missing or not finite",
    ),
    "infinite numbers": (
        "r2",
        Evidence("regression", None, (), np.arange(3.0), np.array([1.0, np.inf, np.nan])),
        "2 of 3 predictions are missing or not finite",
    ),
    "constant target": ("r2", Evidence("regression", None, (), np.ones(5), np.arange(5.0)), "the same target"),
    "outside its domain": (
        "mean_gamma_deviance",
        Evidence("regression", None, (), np.arange(5.0), np.arange(5.0)),
        "strictly positive",
    ),
    "too large": (
        "mean_squared_error",
        Evidence("regression", None, (), np.array([0.0, 1.0]), np.array([1e300, 1e300])),
        "not finite",
    ),
    "weights of zero": (
        "accuracy",
        Evidence("classification", 1, (0, 1), LABELS, LABELS, None, np.zeros(6)),
        "the weights are all zero",
    ),
}


@pytest.mark.parametrize(("name", "sample", "reason"), UNDEFINED.values(), ids=UNDEFINED)
def test_what_is_undefined_has_no_value_and_says_why(name: str, sample: Evidence, reason: str) -> None:
    found = estimate(name, sample, 0.95)
    assert (found.value, found.low, found.high, found.n) == (None, None, None, len(sample))
    assert found.method.startswith("undefined: ") and reason in found.method


ERRORS = {
    "metric/unknown": ("roc", binary()),
    "metric/wrong-task": ("r2", binary()),
    "metric/too-many-classes": ("f1", several()),
    "model/no-positive": ("f1", binary(positive=None)),
    "metric/no-scores": ("log_loss", Evidence("classification", 1, (0, 1), LABELS, LABELS)),
    "metric/no-weights": ("roc_auc_ovo", several(weights=True)),
}


@pytest.mark.parametrize(("code", "name", "sample"), [(code, *case) for code, case in ERRORS.items()], ids=ERRORS)
def test_a_metric_that_does_not_fit_is_an_error(code: str, name: str, sample: Evidence) -> None:
    with pytest.raises(MlspecError) as caught:
        estimate(name, sample, 0.95)
    assert caught.value.problems[0].code == code


def test_a_handful_of_rows_of_a_class_gives_a_value_and_no_interval() -> None:
    sample = several(40)
    rows = np.concatenate([np.flatnonzero(sample.labels != 3), np.flatnonzero(sample.labels == 3)[:2]])
    found = estimate("f1_macro", sample.subset(rows), 0.95)
    assert found.value is not None and found.low is None and found.high is None
    assert "a class with 2 rows" in found.method


def test_the_largest_error_bounds_from_below_only() -> None:
    found = estimate("max_error", SAMPLES["numbers"], 0.95)
    assert found.low == found.value and found.high is None


@pytest.mark.parametrize("name", ["log_loss", "brier_score", "f1_macro"])
def test_intervals_cover_the_truth_about_as_often_as_they_say(name: str) -> None:
    truth = value_of(METRICS[name], binary(400_000, seed=99))
    found = [estimate(name, binary(250, seed=seed), 0.9) for seed in range(200)]
    covered = sum((each.low or 0) <= truth <= (each.high or math.inf) for each in found)
    assert 0.84 <= covered / 200 <= 0.96


def visits(seed: int, people: int = 60, each: int = 20) -> Evidence:
    """Rows of people who are each easy or hard to predict, so that their rows are alike."""
    random = np.random.default_rng(seed)
    ease = np.repeat(random.beta(2, 1, people), each)
    labels = random.integers(0, 2, people * each)
    predicted = np.where(random.random(people * each) < ease, labels, 1 - labels)
    scores = np.where(predicted[:, None] == np.arange(2), 0.7, 0.3)
    return Evidence("classification", 1, (0, 1), labels, predicted, scores, clusters=np.repeat(np.arange(people), each))


def test_rows_that_belong_together_are_drawn_together() -> None:
    """Wilson's interval, as if all rows were by themselves, would cover the truth in about 60 of 100 samples."""
    samples = [visits(seed) for seed in range(120)]
    for name in ("accuracy", "brier_score"):
        truth = 2 / 3 if name == "accuracy" else 0.09 * 2 / 3 + 0.49 / 3
        found = [estimate(name, sample, 0.95) for sample in samples]
        assert {one.method for one in found} == {"bootstrap-grouped/1 1000 seed 0"}
        assert 0.9 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98
    alone = [wilson(int(np.sum(one.labels == one.predicted)), len(one), 0.95) for one in samples]
    assert np.mean([low <= 2 / 3 <= high for low, high in alone]) < 0.8


def test_clusters_of_one_row_are_rows() -> None:
    sample = visits(1, people=300, each=1)
    spread = [
        np.std(replicates("accuracy", one, lambda rows: value_of(METRICS["accuracy"], rows), 2000))
        for one in (
            sample,
            replace(sample, clusters=None),
        )
    ]
    assert spread[0] == pytest.approx(spread[1], rel=0.08)


def test_a_few_clusters_give_a_value_and_no_interval() -> None:
    found = estimate("accuracy", visits(2, people=9), 0.95)
    assert found.value is not None and found.low is None
    assert found.method == "none: 9 groups of rows cannot show how such groups vary"
