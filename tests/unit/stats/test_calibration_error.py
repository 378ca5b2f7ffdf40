"""The calibration error: an independent loop, cases known in advance, and how often its interval holds the truth."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import foldnorm

from mlspec.stats.calibration_error import expected_calibration_error
from mlspec.stats.evidence import Evidence
from mlspec.stats.metrics import estimate
from mlspec.stats.paired import difference

NAME = "expected_calibration_error"


def evidence(truth: np.ndarray, said: np.ndarray, **more: np.ndarray) -> Evidence:
    scores = np.column_stack([1 - said, said])
    return Evidence("classification", 1, (0, 1), truth.astype(np.int64), scores.argmax(axis=1), scores, **more)


def sample(n: int, shift: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return truths, and probabilities between 0.1 and 0.9 that are all too low by `shift`."""
    random = np.random.default_rng(seed)
    said = random.uniform(0.1, 0.9, n)
    return random.random(n) < said + shift, said


def by_hand(truth: list[float], said: list[float], weights: list[float], bins: list[list[int]]) -> float:
    """Compute the debiased error one row at a time, with scipy's folded normal; `bins` hold row numbers."""
    whole, error = sum(weights), 0.0
    for rows in bins:
        total = sum(weights[row] for row in rows)
        gap = sum(weights[row] * (truth[row] - said[row]) for row in rows) / total
        right = sum(weights[row] * said[row] * (1 - said[row]) for row in rows) / total
        shifted = right + sum(weights[row] * gap * (1 - 2 * said[row]) for row in rows) / total - gap**2
        deviation = math.sqrt(max(shifted, right / 4) * sum(weights[row] ** 2 for row in rows)) / total
        again = foldnorm(abs(gap) / deviation, scale=deviation).mean()
        error += total / whole * (2 * abs(gap) - again)
    return max(0.0, error)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("n", "shift"), [(60, 0.0), (900, 0.05), (901, 0.0)])
def test_it_is_what_a_loop_over_the_rows_finds(n: int, shift: float, weighted: bool) -> None:
    truth, said = sample(n, shift)
    weights = np.random.default_rng(1).uniform(0.5, 2, n) if weighted else np.ones(n)
    k = min(15, n // 25)
    order = sorted(range(n), key=lambda row: said[row])
    edges = [float(np.quantile(said, i / k)) for i in range(1, k)]
    bins = [[row for row in order if sum(said[row] >= edge for edge in edges) == i] for i in range(k)]
    wanted = by_hand([float(one) for one in truth], said.tolist(), weights.tolist(), bins)
    found = expected_calibration_error(truth, said, weights if weighted else None)
    assert found == pytest.approx(wanted, abs=1e-9)


def test_of_one_probability_it_is_how_far_the_share_lies_from_it() -> None:
    truth = np.arange(1_000_000) % 10 < 6
    assert expected_calibration_error(truth, np.full(1_000_000, 0.7)) == pytest.approx(0.1, abs=1e-9)
    assert expected_calibration_error(truth, np.full(1_000_000, 0.6)) == 0.0


def test_it_does_not_matter_which_class_is_positive() -> None:
    truth, said = sample(2000, 0.05)
    one, other = evidence(truth, said), evidence(~truth, 1 - said)
    found = [estimate(NAME, each, 0.95) for each in (one, other)]
    assert found[0].value == pytest.approx(found[1].value, abs=1e-9)


def test_of_several_classes_it_is_of_the_likeliest() -> None:
    random = np.random.default_rng(4)
    scores = random.dirichlet([1, 1, 1], 3000)
    labels = np.array([random.choice(3, p=row) for row in scores])
    several = Evidence("classification", None, ("a", "b", "c"), labels, scores.argmax(axis=1), scores)
    right, top = scores.argmax(axis=1) == labels, scores.max(axis=1)
    found = estimate(NAME, several, 0.95)
    assert found.value == expected_calibration_error(right, top)
    assert found.low == 0.0 and found.high is not None and found.high < 0.05


def test_debiasing_takes_off_what_chance_adds() -> None:
    plain, debiased = [], []
    for seed in range(200):
        truth, said = sample(750, 0.05, seed)
        bins = np.searchsorted(np.quantile(said, np.arange(1, 15) / 15), said, side="right")
        plain.append(sum(abs(np.sum((truth - said)[bins == one])) for one in range(15)) / 750)
        debiased.append(expected_calibration_error(truth, said))
    assert np.mean(plain) > 0.06
    assert abs(np.mean(debiased) - 0.05) < 0.005


@pytest.mark.parametrize(("n", "shift"), [(1500, 0.0), (1500, 0.08), (400, 0.1)])
def test_the_interval_covers_as_often_as_it_says(n: int, shift: float) -> None:
    found = [estimate(NAME, evidence(*sample(n, shift, seed)), 0.95) for seed in range(250)]
    assert 0.92 <= np.mean([(one.low or 0) <= shift <= (one.high or 0) for one in found]) <= 0.99
    assert {one.method for one in found} == {"calibration-test/1 2000 seed 0"}


def test_the_interval_of_alike_rows_is_as_wide_as_that_of_their_clusters() -> None:
    truth, said = sample(600, 0.1)
    clusters = np.repeat(np.arange(600), 4)
    alone = estimate(NAME, evidence(truth, said), 0.95)
    four = evidence(np.repeat(truth, 4), np.repeat(said, 4), clusters=clusters)
    found = estimate(NAME, four, 0.95)
    assert found.low == pytest.approx(alone.low, abs=0.01) and found.high == pytest.approx(alone.high, abs=0.01)
    bare = estimate(NAME, replace(four, clusters=None), 0.95)
    assert bare.high - bare.low < 0.7 * (found.high - found.low)
    few = estimate(NAME, evidence(truth, said, clusters=np.arange(600) % 9), 0.95)
    assert few.low is None and few.method.startswith("none: 9 groups")


def test_certainty_that_is_right_is_without_error_and_one_that_is_wrong_all_of_it() -> None:
    truth = np.arange(300) % 2 == 0
    right = estimate(NAME, evidence(truth, truth.astype(float)), 0.95)
    wrong = estimate(NAME, evidence(truth, 1.0 - truth), 0.95)
    assert (right.value, right.low) == (0.0, 0.0)
    assert wrong.value == pytest.approx(1.0) and wrong.high == 1.0


def test_two_of_them_are_not_compared() -> None:
    one = evidence(*sample(500))
    found = difference(NAME, one, one, 0.95)
    assert found.low is None and found.method.startswith("none: near 0")
