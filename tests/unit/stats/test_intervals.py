"""Intervals against published numbers, other implementations, and their own laws."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from statsmodels.stats.proportion import proportion_confint

from mlspec.stats.intervals import (
    auc_interval,
    bootstrap,
    corrected_percentiles,
    delong,
    mean_of_rates,
    percentiles,
    placements,
    quantile,
    wilson,
)

# DeLong, DeLong and Clarke-Pearson (1988), 43 patients; the SAS/STAT guide prints area and standard error of both.
PATIENTS = """
5.8 10 0  6.3 5 1  6.8 3 1  4.8 6 0  5.8 3 1  4.0 5 0  5.7 8 0  5.6 5 1  5.7 5 1  6.7 6 1  5.4 4 1  6.6 6 1
6.6 5 1  5.7 5 1  7.0 4 1  6.7 4 0  4.4 6 1  7.6 4 0  6.6 6 0  5.8 6 1  6.8 7 1  4.7 8 0  7.4 5 1  7.4 5 1
6.6 6 1  8.2 6 1  7.0 5 1  6.5 4 1  5.1 5 1  4.7 6 1  6.8 6 0  4.0 7 0  6.1 5 1  6.3 7 1  7.7 6 1  6.2 5 1
5.7 9 0  4.8 7 1  6.2 8 0  7.0 7 1  5.7 6 1  6.9 5 1  6.6 5 1
"""
scores = st.lists(st.integers(0, 12).map(float), min_size=2, max_size=40).map(np.array)
confidences = st.floats(0.5, 0.999)


def delong_naive(positives: np.ndarray, negatives: np.ndarray) -> tuple[float, float]:
    """Compare every positive with every negative, as the definition has it."""
    wins = (positives[:, None] > negatives[None, :]) + 0.5 * (positives[:, None] == negatives[None, :])
    m, n = wins.shape
    variance = np.var(wins.mean(axis=1), ddof=1) / m + np.var(wins.mean(axis=0), ddof=1) / n
    return float(wins.mean()), float(variance)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.99, 0.9999])
def test_the_normal_quantile_is_scipys(confidence: float) -> None:
    assert quantile(confidence) == pytest.approx(ndtri((1 + confidence) / 2), rel=1e-12)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize(
    ("successes", "trials"), [(0, 1), (1, 1), (0, 50), (1, 3), (7, 50), (50, 50), (81_432, 100_000)]
)
def test_wilson_is_statsmodels(successes: int, trials: int, confidence: float) -> None:
    expected = proportion_confint(successes, trials, alpha=1 - confidence, method="wilson")
    assert wilson(successes, trials, confidence) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), confidences, confidences)
def test_wilson_holds_the_rate_and_widens_with_confidence(counts: tuple[int, int], some: float, other: float) -> None:
    narrow, wide = (wilson(*counts, confidence) for confidence in sorted((some, other)))
    rate = counts[0] / counts[1]
    assert 0 <= wide[0] <= narrow[0] <= rate <= narrow[1] <= wide[1] <= 1


def test_the_mean_of_one_rate_is_that_rate() -> None:
    assert mean_of_rates([(7, 50)], 0.95) == pytest.approx(wilson(7, 50, 0.95), abs=1e-12)


def test_the_mean_of_rates_matches_a_hand_computation() -> None:
    (low1, high1), (low2, high2) = wilson(45, 50, 0.95), wilson(6, 20, 0.95)
    low = 0.6 - ((0.9 - low1) ** 2 + (0.3 - low2) ** 2) ** 0.5 / 2
    high = 0.6 + ((high1 - 0.9) ** 2 + (high2 - 0.3) ** 2) ** 0.5 / 2
    assert mean_of_rates([(45, 50), (6, 20)], 0.95) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(
    ("column", "sign", "area", "error", "low", "high"),
    [(1, -1, 0.7258, 0.1028, 0.5243, 0.9273), (0, 1, 0.6478, 0.1000, 0.4518, 0.8439)],
    ids=["K-G score", "total protein"],
)
def test_delong_gives_the_published_numbers(
    column: int, sign: int, area: float, error: float, low: float, high: float
) -> None:
    table = np.array(PATIENTS.split(), dtype=float).reshape(-1, 3)
    ill = table[:, 2] == 1
    found, variance = delong(sign * table[ill, column], sign * table[~ill, column])
    assert (round(found, 4), round(variance**0.5, 4)) == (area, error)
    half = quantile(0.95) * variance**0.5
    assert (round(found - half, 4), round(found + half, 4)) == (low, high)


@given(scores, scores)
def test_delong_is_its_definition(positives: np.ndarray, negatives: np.ndarray) -> None:
    assert delong(positives, negatives) == pytest.approx(delong_naive(positives, negatives), abs=1e-9)


@given(scores, scores)
def test_placements_average_to_the_area(positives: np.ndarray, negatives: np.ndarray) -> None:
    above, below = placements(positives, negatives)
    assert np.mean(above) == pytest.approx(np.mean(below), abs=1e-9)


@given(scores, scores, confidences, confidences)
def test_the_auc_interval_holds_the_area_and_widens_with_confidence(
    positives: np.ndarray, negatives: np.ndarray, some: float, other: float
) -> None:
    area, _ = delong(positives, negatives)
    narrow, wide = (auc_interval(positives, negatives, confidence)[:2] for confidence in sorted((some, other)))
    slack = 1e-12
    assert 0 <= wide[0] <= narrow[0] + slack <= area + 2 * slack
    assert area - 2 * slack <= narrow[1] - slack <= wide[1] <= 1


def test_classes_wholly_apart_are_no_proof_of_a_perfect_ranking() -> None:
    low, high, method = auc_interval(np.arange(10.0) + 100, np.arange(30.0), 0.95)
    assert (low, high) == wilson(10, 10, 0.95)
    assert method == "auc-bound/1"


def test_one_positive_says_little() -> None:
    low, high, _ = auc_interval(np.array([5.5]), np.arange(100.0), 0.95)
    assert high - low > 0.7


def test_delong_agrees_with_the_bootstrap() -> None:
    random = np.random.default_rng(3)
    positives, negatives = random.normal(1.2, 1, 300), random.normal(0, 1, 500)
    both = np.concatenate([positives, negatives])

    def area(rows: np.ndarray) -> float:
        above, _ = placements(both[rows[rows < 300]], both[rows[rows >= 300]])
        return float(np.mean(above))

    _, variance = delong(positives, negatives)
    assert np.std(bootstrap(area, 800, seed=1, replicates=1000)) == pytest.approx(variance**0.5, rel=0.08)


def test_the_bootstrap_repeats_itself_and_its_stream_never_changes() -> None:
    values = np.arange(10.0)
    first, again = (bootstrap(lambda rows: float(values[rows].mean()), 10, seed=0, replicates=5) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert first.tolist() == [4.1, 5.9, 4.6, 3.1, 4.3]


@settings(max_examples=30)
@given(st.lists(st.floats(-1e6, 1e6), min_size=20, max_size=60), confidences, confidences)
def test_percentiles_hold_the_value_and_widen_with_confidence(values: list[float], some: float, other: float) -> None:
    array = np.array(values)
    found = bootstrap(lambda rows: float(array[rows].mean()), len(array), seed=0, replicates=200)
    value = float(array.mean())
    narrow, wide = (percentiles(found, value, confidence) for confidence in sorted((some, other)))
    assert narrow is not None and wide is not None
    assert wide[0] <= narrow[0] <= value <= narrow[1] <= wide[1]


def test_percentiles_are_numpys_and_skip_what_is_undefined() -> None:
    replicates = np.array([*np.arange(100.0), *[np.nan] * 50])
    assert percentiles(replicates, 50, 0.9) == pytest.approx((4.95, 94.05))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_corrected_interval_is_scipys_bca(confidence: float) -> None:
    losses = np.random.default_rng(4).exponential(1.0, 40)
    theirs = scipy.stats.bootstrap(
        (losses,), np.mean, n_resamples=999, confidence_level=confidence, method="BCa", rng=np.random.default_rng(0)
    )
    ours = corrected_percentiles(
        theirs.bootstrap_distribution, float(np.mean(losses)), confidence, losses - np.mean(losses)
    )
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=1e-9)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1e6), min_size=20, max_size=60), confidences, confidences)
def test_corrected_intervals_hold_the_value_and_widen(values: list[float], some: float, other: float) -> None:
    losses = np.array(values)
    found = bootstrap(lambda rows: float(losses[rows].mean()), len(losses), seed=0, replicates=200)
    value, pull = float(losses.mean()), losses - losses.mean()
    narrow, wide = (corrected_percentiles(found, value, each, pull) for each in sorted((some, other)))
    assert narrow is not None and wide is not None
    assert wide[0] <= narrow[0] <= value <= narrow[1] <= wide[1]


def test_mostly_undefined_replicates_give_no_interval() -> None:
    assert percentiles(np.array([1.0, 2.0, np.nan, np.nan, np.nan]), 1.5, 0.95) is None


def test_a_bootstrap_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(8)
    samples = random.exponential(1.0, size=(400, 120))
    covered = 0
    for sample in samples:
        found = bootstrap(lambda rows, sample=sample: float(sample[rows].mean()), 120, seed=0, replicates=300)  # type: ignore[misc]
        low, high = percentiles(found, float(sample.mean()), 0.9) or (2.0, 2.0)
        covered += low <= 1.0 <= high
    assert 0.86 <= covered / 400 <= 0.94


def test_the_auc_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(9)
    truth, covered = 0.9213503964748575, 0  # Phi(2 / sqrt 2)
    for _ in range(1000):
        low, high, _ = auc_interval(random.normal(2, 1, 25), random.normal(0, 1, 75), 0.95)
        covered += low <= truth <= high
    assert 0.93 <= covered / 1000 <= 0.97
