"""Quantiles and their intervals against scipy's own test of quantiles, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import lognorm, quantile_test

from mlspec.stats.quantiles import quantile, ratio_of_quantiles

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 7, 80, 501])
def test_bounds_are_scipys(n: int, share: float, confidence: float) -> None:
    values = RANDOM.lognormal(size=n)
    found = quantile(values, share, confidence)
    expected = quantile_test(values, p=share).confidence_interval(confidence)
    for ours, theirs in ((found.low, expected.low), (found.high, expected.high)):
        assert ours == theirs if ours is not None else np.isnan(theirs)
    assert found.value == np.quantile(values, share, method="inverted_cdf")
    bounded = found.low is not None and found.high is not None
    assert found.method == ("order-statistics/1" if bounded else "none: they are too few to bound it")


@pytest.mark.parametrize(("share", "n"), [(0.5, 40), (0.95, 200), (0.99, 400)])
def test_an_interval_holds_the_quantile_as_often_as_it_says(share: float, n: int) -> None:
    truth, held = lognorm.ppf(share, 1), 0
    for _ in range(400):
        found = quantile(RANDOM.lognormal(size=n), share, 0.95)
        assert found.low is not None and found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 0.93 * 400


def test_the_interval_of_a_ratio_holds_it() -> None:
    held = 0
    for _ in range(300):
        ours, theirs = 1.3 * RANDOM.lognormal(sigma=0.3, size=300), RANDOM.lognormal(sigma=0.3, size=300)
        found = ratio_of_quantiles(ours, theirs, 0.95, 0.95)
        assert found.low is not None and found.high is not None and found.low <= (found.value or 0) <= found.high
        held += found.low <= 1.3 <= found.high
    assert held >= 0.93 * 300


def test_too_few_have_no_interval_of_a_ratio_either() -> None:
    found = ratio_of_quantiles(np.array([2.0]), np.array([1.0, 1.0]), 0.5, 0.95)
    assert (found.value, found.low, found.high, found.n) == (2.0, None, None, 1)
    assert found.method.startswith("none: ")
