"""One feature alone, held against pandas, scikit-learn and scipy; how often intervals of a rank correlation hold."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from mlspec.stats.alone import area, feature_of, rank_correlation, scores

N = 600
TEST = np.arange(N) % 3 == 0


def binary(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2, N).astype(np.float64)


def test_levels_are_scored_by_the_mean_target_of_training_rows() -> None:
    y, random = binary(), np.random.default_rng(1)
    values = pd.Series(random.choice(np.array(["a", "b", "c", None], dtype=object), N))
    values[TEST & (np.arange(N) < 9)] = "new"
    found = scores(feature_of(values, TEST, ordered=False), y)
    means = pd.Series(y[~TEST]).groupby(values[~TEST].fillna("missing").to_numpy()).mean()
    expected = values[TEST].fillna("missing").map(means).fillna(y[~TEST].mean())
    assert found == pytest.approx(expected.to_numpy(), abs=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_area_is_that_of_scikit_learn(sign: int) -> None:
    y = binary()
    x = sign * (y + np.random.default_rng(2).normal(size=N))
    x[::10] = math.nan
    said = scores(feature_of(pd.Series(x), TEST, ordered=True), y)
    gone = np.isnan(x)
    high = y[~TEST][gone[~TEST]].mean() > y[~TEST].mean()
    expected = roc_auc_score(y[TEST], np.where(gone, math.copysign(100, high - 0.5), sign * x)[TEST])
    found = area(said, y[TEST] == 1, None, 0.95)
    assert found.value == pytest.approx(expected, abs=1e-9) and found.value > 0.6
    assert found.low is not None and found.high is not None and found.low < found.value < found.high


def test_a_rank_correlation_is_that_of_scipy() -> None:
    random = np.random.default_rng(3)
    x, y = random.integers(0, 9, N).astype(float), random.normal(size=N)
    found = rank_correlation(x, x + y, np.arange(N), 0.95)
    assert found.value == pytest.approx(spearmanr(x, x + y).statistic, abs=1e-9)
    exact = rank_correlation(y, np.exp(y), np.arange(N), 0.95)
    assert exact.value == exact.low == exact.high == pytest.approx(1, abs=1e-9)
    constant = rank_correlation(np.ones(N), y, np.arange(N), 0.95)
    assert (constant.value, constant.low, constant.high) == (0.0, 0.0, 0.0)


def test_the_error_of_a_rank_correlation_is_that_of_the_jackknife() -> None:
    random = np.random.default_rng(5)
    x = random.integers(0, 20, 500).astype(float)
    y = x + random.normal(0, 8, 500).round()
    found = rank_correlation(x, y, np.arange(500), 0.95)
    left_out = [spearmanr(np.delete(x, row), np.delete(y, row)).statistic for row in range(500)]
    half = 1.959963984540054 * math.sqrt(499**2 / 500 * np.var(left_out, ddof=1)) / (1 - found.value**2)
    expected = np.tanh(np.arctanh(found.value) + np.array([-half, half]))
    assert (found.low, found.high) == pytest.approx(expected, abs=2e-3)
    pairs = rank_correlation(np.repeat(x, 2), np.repeat(y, 2), np.repeat(np.arange(500), 2), 0.95)
    assert (pairs.low, pairs.high) == pytest.approx((found.low, found.high), abs=1e-9)


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.99])
def test_intervals_of_a_rank_correlation_hold(rho: float) -> None:
    truth = 6 / math.pi * math.asin(rho / 2)  # Pearson 1907, of a normal pair
    random, hits, trials = np.random.default_rng(4), 0, 400
    for _ in range(trials):
        x, noise = random.normal(size=(2, 300))
        found = rank_correlation(x, rho * x + math.sqrt(1 - rho**2) * noise, np.arange(300), 0.95)
        hits += found.low <= truth <= found.high
    assert 0.93 <= hits / trials <= 0.975


def test_what_is_ordered_and_what_is_constant() -> None:
    numbers = pd.Series(np.arange(N) % 31)
    assert feature_of(numbers, TEST, ordered=True).ordered
    assert not feature_of(numbers % 20, TEST, ordered=True).ordered
    assert feature_of(pd.Series(np.full(N, math.nan)), TEST, ordered=True).is_constant
    half = pd.Series(np.where(np.arange(N) % 2 == 0, 1.0, math.nan))
    assert not feature_of(half, TEST, ordered=True).is_constant
