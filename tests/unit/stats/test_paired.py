"""Differences of two models on the same rows: published tables, statsmodels, definitions, coverage, and their laws."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm
from statsmodels.stats.contingency_tables import mcnemar as oracle

from mlspec.core.metrics import METRICS
from mlspec.core.problem import MlspecError
from mlspec.stats import confusion
from mlspec.stats.evidence import MISSING, Evidence
from mlspec.stats.metrics import estimate, value_of
from mlspec.stats.paired import difference, mcnemar, of_accuracies, tango

# Fagerland, Lydersen and Laake (2014), BMC Medical Research Methodology 14, table 2: 21 children, before and after.
AIRWAYS = (1, 7, 21)


def test_tangos_interval_is_the_published_one() -> None:
    assert tango(*AIRWAYS, 0.95) == pytest.approx((-0.517, -0.026), abs=5e-4)


def score_by_search(b: int, c: int, n: int, delta: float) -> float:
    """Tango's score with the nuisance rate found by searching the likelihood, not by his formula."""

    def loss(rate: float) -> float:
        first, rest = rate + delta, 1 - 2 * rate - delta
        terms = [(b, first), (c, rate), (n - b - c, rest)]
        return math.inf if any(p < 0 for _, p in terms) else -sum(k * math.log(max(p, 1e-300)) for k, p in terms if k)

    found = minimize_scalar(loss, bounds=(max(0, -delta), (1 - delta) / 2), method="bounded", options={"xatol": 1e-13})
    return (b - c - n * delta) / math.sqrt(n * (2 * found.x + delta * (1 - delta)))


@pytest.mark.parametrize(("b", "c", "n"), [(1, 7, 21), (150, 86, 1600), (9, 2, 44), (30, 30, 100), (5, 0, 60)])
def test_tangos_interval_is_where_his_score_rejects(b: int, c: int, n: int) -> None:
    low, high = tango(b, c, n, 0.95)
    value, z = (b - c) / n, 1.959963984540054
    assert low == pytest.approx(brentq(lambda d: score_by_search(b, c, n, d) - z, -0.9, value - 1e-9), abs=1e-6)
    assert high == pytest.approx(brentq(lambda d: score_by_search(b, c, n, d) + z, value + 1e-9, 0.9), abs=1e-6)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 100))
def test_the_interval_holds_no_difference_where_the_exact_test_does_not_reject(b: int, c: int, both: int) -> None:
    table = [[both, b], [c, 0]]
    assert mcnemar(b, c) == pytest.approx(oracle(table, exact=True).pvalue, abs=1e-12)
    right = np.repeat([True, True, False], [both, b, c]), np.repeat([True, False, True], [both, b, c])
    low, high = of_accuracies(*right, 0.95)
    assert low <= (b - c) / (both + b + c) <= high and low >= -1 and high <= 1
    if mcnemar(b, c) > 0.05:
        assert low <= 0 <= high
    back = of_accuracies(right[1], right[0], 0.95)
    assert (-back[1], -back[0]) == pytest.approx((low, high), abs=1e-9)


def two(n: int = 400, *, gap: float = 0.4, seed: int = 0, **fields: Any) -> tuple[Evidence, Evidence]:
    """Two rankings of the same rows, the first the better one, their errors alike."""
    random = np.random.default_rng(seed)
    labels = (random.random(n) < 0.4).astype(np.int64)
    shared, found = random.normal(0, 1, n), []
    for strength in (1.0 + gap, 1.0):
        logit = strength * (labels - 0.5) * 2 + shared + random.normal(0, 0.7, n)
        high = 1 / (1 + np.exp(-logit))
        scores = np.column_stack([1 - high, high])
        found.append(Evidence("classification", 1, (0, 1), labels, scores.argmax(axis=1), scores, **fields))
    return found[0], found[1]


def test_areas_have_delongs_covariance() -> None:
    """From every pair of a positive and a negative, as the definition has it."""
    ours, theirs = two(160)
    positive = ours.labels == 1
    wins = []
    for one in (ours, theirs):
        high = one.scores[:, 1]
        wins.append((high[positive][:, None] > high[~positive]) + 0.5 * (high[positive][:, None] == high[~positive]))
    rows = np.cov([each.mean(axis=1) for each in wins]) / positive.sum()
    columns = np.cov([each.mean(axis=0) for each in wins]) / (~positive).sum()
    variance = sum(part[0, 0] + part[1, 1] - 2 * part[0, 1] for part in (rows, columns))
    found = difference("roc_auc", ours, theirs, 0.95)
    value = wins[0].mean() - wins[1].mean()
    assert found.method == "delong-paired/1" and found.value == pytest.approx(value, abs=1e-12)
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * math.sqrt(variance), rel=0.02)
    assert (found.high + found.low) / 2 == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("name", ["average_precision", "neg_log_loss"])
def test_all_else_is_drawn_by_rows_for_both_at_once(name: str) -> None:
    ours, theirs = two(200)
    found = difference(name, ours, theirs, 0.9)
    draws = np.random.RandomState(0)
    values = []
    for _ in range(1000):
        rows = draws.randint(0, 200, size=200, dtype=np.int64)
        pair = [value_of(METRICS[name], one.subset(rows)) for one in (ours, theirs)]
        values.append(-(pair[0] - pair[1]) if name.startswith("neg_") else pair[0] - pair[1])
    each = [estimate(name, one, 0.95).value for one in (ours, theirs)]
    assert found.value == pytest.approx(each[0] - each[1], abs=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, (0.05, 0.95))), abs=1e-9)
    assert found.method == "bootstrap-paired/1 1000 seed 0"


@pytest.mark.parametrize("name", ["f1", "f1_macro", "balanced_accuracy", "matthews_corrcoef", "true_positive_rate"])
def test_metrics_of_labels_are_drawn_by_cells_as_rows_would_be(name: str) -> None:
    ours, theirs = two(300)
    metric = confusion.count_metric(name, 1)
    draws, values = np.random.RandomState(1), []
    for _ in range(1000):
        rows = draws.randint(0, 300, size=300)
        one, other = (float(metric(confusion.of_rows(evidence, rows))[0]) for evidence in (ours, theirs))
        values.append(one - other)
    found = difference(name, ours, theirs, 0.9)
    each = [value_of(METRICS[name], evidence) for evidence in (ours, theirs)]
    assert found.value == pytest.approx(each[0] - each[1], abs=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, (0.05, 0.95))), abs=0.012)


def test_cells_of_two_models_with_other_classes_are_told_apart() -> None:
    """By the definition, from the rows that each count of cells stands for."""
    labels, wide = np.array([0, 1, 0, 1, 1, 0]), np.array([0, 2, 0, 2, 2, 0])
    ours = Evidence("classification", 1, (0, 1), labels, np.array([0, 1, 1, 0, 1, 0]))
    theirs = Evidence("classification", 1, (0, "other", 1), wide, np.array([1, 2, 0, 2, 0, 0]))
    metrics = confusion.count_metric("f1_macro", 1), confusion.count_metric("f1_macro", 2)
    random = np.random.RandomState(0)
    found = confusion.paired_replicates(metrics, ours, theirs, 20)
    added = [(0, 0, 0, 0.5), (0, 0, 1, 0.25), (0, 0, 2, 0.25), (0, 1, 0, 0.5), (0, 1, 1, 0.25), (0, 1, 2, 0.25)]
    added += [(1, 1, 2, 0.5), (1, 1, 0, 0.25), (1, 1, 1, 0.25), (1, 0, 2, 0.5), (1, 0, 0, 0.25), (1, 0, 1, 0.25)]
    rows = [(*row, 1.0) for row in zip(labels, ours.predicted, theirs.predicted, strict=True)] + added
    truth, one_calls, other_calls, size = (np.array(column) for column in zip(*rows, strict=True))
    codes = (truth * 2 + one_calls) * 9 + 2 * truth * 3 + other_calls
    _, first, place = np.unique(codes, return_index=True, return_inverse=True)
    sizes = np.bincount(place, weights=size)
    every = (
        Evidence("classification", 1, (0, 1), truth, one_calls),
        Evidence("classification", 1, (0, "other", 1), 2 * truth, other_calls),
    )
    for replicate, drawn in zip(found, random.multinomial(6, sizes / sizes.sum(), size=20), strict=True):
        one, other = (confusion.of_rows(evidence, np.repeat(first, drawn)) for evidence in every)
        assert replicate == pytest.approx(float(metrics[0](one)[0] - metrics[1](other)[0]), abs=1e-12)


def broken(random: np.random.Generator, n: int, share: float) -> tuple[Evidence, Evidence]:
    """A challenger that is the champion, but for a share of all rows that it gets wrong and the champion right."""
    labels = (random.random(n) < 0.3).astype(np.int64)
    right, worse = random.random(n) < 0.85, random.random(n) < share / 0.85
    champion = np.where(right, labels, 1 - labels)
    challenger = np.where(right & worse, 1 - labels, champion)
    one, other = (Evidence("classification", 1, (0, 1), labels, said) for said in (challenger, champion))
    return one, other


@pytest.mark.parametrize("n", [50, 100, 200])
@pytest.mark.parametrize("name", ["f1_macro", "balanced_accuracy", "recall"])
def test_a_model_that_seldom_differs_is_not_shown_to_be_as_good(name: str, n: int) -> None:
    """It is worse by 1.25 times the margin, and 2.5 % of the intervals may say otherwise."""
    truth = difference(name, *broken(np.random.default_rng(99), 200_000, 0.02), 0.95).value or 0
    random = np.random.default_rng(0)
    found = [difference(name, *broken(random, n, 0.02), 0.95) for _ in range(150)]
    assert np.mean([one.low is None or one.low >= truth / 1.25 for one in found]) <= 0.03


def test_two_that_say_the_same_may_still_differ_as_two_rates_may() -> None:
    ours, _ = two(200)
    rates, cells = difference("accuracy", ours, ours, 0.95), difference("f1_micro", ours, ours, 0.95)
    assert cells.method == "bootstrap-paired/2 1000 seed 0" and cells.value == 0
    assert cells.high - cells.low == pytest.approx(rates.high - rates.low, rel=0.3)
    usual, other = difference("accuracy", *two(200), 0.95), difference("f1_micro", *two(200), 0.95)
    assert (other.low, other.high) == pytest.approx((usual.low, usual.high), abs=0.012)


@pytest.mark.parametrize("fields", [{"weights": np.full(400, 2.0)}, {"clusters": np.arange(400) // 2}])
def test_with_weights_or_clusters_too_few_different_rows_have_no_interval(fields: dict[str, Any]) -> None:
    ours, theirs = two(**fields)
    assert difference("f1", ours, theirs, 0.95).low is not None
    few = np.flatnonzero(ours.predicted != theirs.predicted)[:9]
    same = ours.predicted.copy()
    same[few] = theirs.predicted[few]
    found = difference("f1", ours, replace(ours, predicted=same), 0.95)
    assert found.low is None and "in which the two predict differently" in found.method
    assert difference("log_loss", ours, replace(theirs, predicted=ours.predicted), 0.95).low is not None


@pytest.mark.parametrize("name", ["f1", "log_loss"])
def test_beyond_what_replicates_tell_an_interval_is_at_least_a_normal_one(name: str) -> None:
    ours, theirs = two(200)
    usual, far = (difference(name, ours, theirs, confidence) for confidence in (0.95, 1 - 0.05 / 200))
    assert far.method == f"{usual.method} normal tails"
    half = (usual.high - usual.low) / 2 / 1.96 * norm.ppf(1 - 0.05 / 400)
    assert far.value - far.low >= 0.9 * half and far.high - far.value >= 0.9 * half
    assert far.low <= usual.low and usual.high <= far.high


def test_a_pair_is_surer_than_two_alone() -> None:
    ours, theirs = two()
    for name in ("accuracy", "roc_auc", "log_loss"):
        found = difference(name, ours, theirs, 0.95)
        alone = [estimate(name, one, 0.95) for one in (ours, theirs)]
        apart = math.hypot(*((one.high - one.low) / 2 for one in alone))
        assert (found.high - found.low) / 2 < 0.95 * apart


def test_a_model_beside_itself_differs_by_nothing() -> None:
    ours, _ = two()
    for name in ("accuracy", "roc_auc", "log_loss", "f1"):
        found = difference(name, ours, ours, 0.95)
        assert found.value == 0 and found.low <= 0 <= found.high if found.low is not None else found.value == 0


def test_numbers_and_weights_have_a_bootstrap() -> None:
    random = np.random.default_rng(1)
    truth = random.normal(0, 1, 300)
    weights = random.uniform(0.5, 2, 300)
    ours, theirs = (
        Evidence("regression", None, (), truth, truth + random.normal(0, spread, 300), weights=weights)
        for spread in (0.5, 1.0)
    )
    found = difference("mean_absolute_error", ours, theirs, 0.95)
    assert found.high is not None and found.high < 0
    better, worse = two(weights=np.full(400, 2.0))
    assert difference("accuracy", better, worse, 0.95).method.startswith("bootstrap-paired")


def test_what_cannot_be_compared() -> None:
    ours, theirs = two()
    with pytest.raises(ValueError, match="same rows"):
        difference("accuracy", ours, theirs.subset(np.arange(10, 400)), 0.95)
    with pytest.raises(MlspecError):
        difference("r2", ours, theirs, 0.95)
    theirs.predicted[0] = MISSING
    found = difference("accuracy", ours, theirs, 0.95)
    assert found.value is None and "1 of 400 predictions are missing" in found.method


@pytest.mark.parametrize(("ours", "theirs"), [(0.1, 0.1), (0.08, 0.05), (0.25, 0.05), (0.03, 0.02)])
def test_differences_of_accuracy_cover_as_often_as_they_say(ours: float, theirs: float) -> None:
    random = np.random.default_rng(0)
    covered = wrong = 0
    for _ in range(2000):
        draws = random.random(500)
        only_ours, only_theirs = draws < ours, (draws >= ours) & (draws < ours + theirs)
        low, high = of_accuracies(only_ours | (draws > 0.5), only_theirs | (draws > 0.5), 0.95)
        covered += low <= ours - theirs <= high
        wrong += ours == theirs and low > 0
    assert 0.93 <= covered / 2000 <= 0.97
    assert wrong / 2000 <= 0.03


@pytest.mark.parametrize("times", [400, pytest.param(2000, marks=pytest.mark.torture)])
def test_differences_of_areas_cover_as_often_as_they_say(times: int) -> None:
    truth = difference("roc_auc", *two(200_000, seed=99), 0.95).value or 0
    found = [difference("roc_auc", *two(250, seed=seed), 0.95) for seed in range(times)]
    assert 0.93 <= np.mean([(one.low or 0) <= truth <= (one.high or 0) for one in found]) <= 0.97
