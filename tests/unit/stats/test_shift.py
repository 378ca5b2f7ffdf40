"""Distances of two samples, held against scipy and brute force; how often their bounds hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.spatial.distance import cityblock
from scipy.stats import norm

from mlspec.stats.shift import _KOLMOGOROV, Sizes, effective_size, kolmogorov, total_variation


def test_distances_are_those_of_brute_force_and_scipy() -> None:
    random = np.random.default_rng(0)
    first, second = random.integers(0, 30, 200) / 7, random.integers(5, 40, 150) / 7
    places = np.concatenate([first, second])
    expected = max(abs(np.mean(first <= x) - np.mean(second <= x)) for x in places)
    assert kolmogorov(first, second, Sizes(200, 150), 0.95).value == pytest.approx(expected, abs=1e-12)
    counts = random.integers(0, 50, (2, 8)).astype(float)
    expected = cityblock(counts[0] / counts[0].sum(), counts[1] / counts[1].sum()) / 2
    assert total_variation(*counts, Sizes(*counts.sum(axis=1)), 0.95).value == pytest.approx(expected, abs=1e-12)


def test_bounds_are_as_written() -> None:
    integral, _ = quad(lambda e: min(1, 2 * math.exp(-2 * e * e)), 0, 20)
    assert pytest.approx(integral, abs=1e-7) == _KOLMOGOROV
    first, second = np.arange(1000.0), np.arange(1000.0) + 400
    half = math.sqrt(math.log(40) / 2 * (1 / 1000 + 1 / 1000))
    found = kolmogorov(first, second, Sizes(1000, 1000), 0.95)
    assert found == pytest.approx((0.4, 0.4 - half - 2 * integral / math.sqrt(1000), 0.4 + half), abs=1e-7)
    found = total_variation(np.array([300.0, 700]), np.array([700.0, 300]), Sizes(1000, 1000), 0.95)
    assert found == pytest.approx((0.4, 0.4 - half - math.sqrt(1 / 500) / 2, 0.4 + half), abs=1e-12)
    assert (effective_size(np.arange(9)), effective_size(np.arange(0))) == (9.0, 0.0)
    assert effective_size(np.array([1, 1, 1, 2, 3])) == pytest.approx(25 / 11)


@pytest.mark.parametrize(("n", "m", "apart"), [(300, 300, 0.0), (300, 300, 0.5), (2000, 200, 0.2)])
def test_bounds_of_numbers_hold(n: int, m: int, apart: float) -> None:
    truth = 2 * norm.cdf(apart / 2) - 1
    random, missed = np.random.default_rng(1), 0
    for _ in range(200):
        found = kolmogorov(random.normal(size=n), random.normal(apart, size=m), Sizes(n, m), 0.9)
        missed += not found.low <= truth <= found.high
    assert missed <= 0.05 * 200


@pytest.mark.parametrize("levels", [2, 40])
def test_bounds_of_levels_hold_for_rows_in_groups_as_well(levels: int) -> None:
    random, missed = np.random.default_rng(2), 0
    shares = random.dirichlet(np.ones(levels), 2)
    truth = np.abs(shares[0] - shares[1]).sum() / 2
    for _ in range(300):
        counts = [5.0 * random.multinomial(80, share) for share in shares]  # five equal rows a group
        sizes = Sizes(*(effective_size(np.repeat(np.arange(80), 5)) for _ in shares))
        found = total_variation(*counts, sizes, 0.9)
        missed += not found.low <= truth <= found.high
    assert missed <= 0.1 * 300
