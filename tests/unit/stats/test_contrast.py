"""Differences and ratios of two estimates: statsmodels, published examples, a root finder, and their own laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from statsmodels.stats.proportion import confint_proportions_2indep

from mlspec.stats.contrast import Spread, alike, apart, difference, ratio
from mlspec.stats.intervals import wilson

# Newcombe (1998), table II: his method 10 for rates of a/m and b/n.
PUBLISHED = {
    (56, 70, 48, 80): (0.0524, 0.3339),
    (9, 10, 3, 10): (0.1705, 0.8090),
    (5, 56, 0, 29): (-0.0381, 0.1926),
    (0, 10, 0, 20): (-0.1611, 0.2775),
    (10, 10, 0, 10): (0.6075, 1.0000),
}
counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def rate(successes: int, trials: int, confidence: float = 0.95) -> Spread:
    return Spread(successes / trials, *wilson(successes, trials, confidence))


@pytest.mark.parametrize(("table", "interval"), PUBLISHED.items(), ids=str)
def test_a_difference_of_rates_is_newcombes(table: tuple[int, int, int, int], interval: tuple[float, float]) -> None:
    a, m, b, n = table
    found = difference(rate(a, m), rate(b, n))
    assert (found.low, found.high) == pytest.approx(interval, abs=5e-5)


@given(counts, counts, st.sampled_from([0.8, 0.95, 0.999]))
def test_a_difference_of_rates_is_statsmodels(one: tuple[int, int], other: tuple[int, int], confidence: float) -> None:
    found = difference(rate(*one, confidence), rate(*other, confidence))
    low, high = confint_proportions_2indep(*one, *other, method="newcomb", compare="diff", alpha=1 - confidence)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


@given(counts.filter(lambda c: c[0] > 0), counts.filter(lambda c: c[0] > 0))
def test_a_ratio_ends_where_the_difference_begins_to_hold_zero(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = rate(*one), rate(*other)

    def edge(r: float, side: str) -> float:
        scaled = Spread(r * second.value, r * second.low, r * second.high)
        return getattr(difference(first, scaled), side)

    found = ratio(first, second)
    assert found.low == pytest.approx(brentq(edge, 0, found.value, args=("low",), xtol=1e-13), rel=1e-6, abs=1e-9)
    beyond = 2 * found.high
    assert found.high == pytest.approx(brentq(edge, found.value, beyond, args=("high",), xtol=1e-13), rel=1e-6)


@given(counts.filter(lambda c: c[0] > 0), counts.filter(lambda c: c[0] > 0))
def test_a_ratio_turned_over_is_the_other_ratio(one: tuple[int, int], other: tuple[int, int]) -> None:
    there, back = ratio(rate(*one), rate(*other)), ratio(rate(*other), rate(*one))
    assert (1 / back.high, 1 / back.low) == pytest.approx((there.low, there.high), rel=1e-9)


def test_a_ratio_of_many_rows_is_near_the_normal_approximation_of_its_logarithm() -> None:
    found = ratio(rate(30_000, 100_000), rate(40_000, 100_000))
    low, high = confint_proportions_2indep(30_000, 100_000, 40_000, 100_000, method="log", compare="ratio")
    assert (found.low, found.high) == pytest.approx((low, high), rel=2e-5)


def test_a_ratio_where_nobody_was_called_is_open() -> None:
    nobody, some = rate(0, 50), rate(10, 50)
    assert ratio(nobody, some).low == ratio(nobody, some).value == 0
    assert 0 < ratio(nobody, some).high < 1
    assert ratio(some, nobody).value == ratio(some, nobody).high == math.inf and ratio(some, nobody).low > 1
    undefined = ratio(nobody, rate(0, 9))
    assert math.isnan(undefined.value) and (undefined.low, undefined.high) == (0, math.inf)


@given(counts, counts)
def test_how_far_apart_does_not_depend_on_the_order(one: tuple[int, int], other: tuple[int, int]) -> None:
    first, second = rate(*one), rate(*other)
    there, back = apart(difference(first, second)), apart(difference(second, first))
    assert tuple(there) == pytest.approx(tuple(back), abs=1e-12)
    assert 0 <= there.low <= there.value <= there.high
    if one[0] and other[0]:
        near, far = alike(ratio(first, second)), alike(ratio(second, first))
        assert tuple(near) == pytest.approx(tuple(far), rel=1e-9)
        assert 0 <= near.low <= near.value <= near.high <= 1


@pytest.mark.parametrize("rates", [(0.3, 0.3), (0.2, 0.35), (0.9, 0.8)])
def test_differences_and_ratios_cover_as_often_as_they_say(rates: tuple[float, float]) -> None:
    random = np.random.default_rng(0)
    first, second = (random.binomial(300, share, 2000) for share in rates)
    pairs = [(rate(int(a), 300), rate(int(b), 300)) for a, b in zip(first, second, strict=True)]
    gaps, ratios = [difference(*pair) for pair in pairs], [ratio(*pair) for pair in pairs]
    assert 0.93 <= np.mean([gap.low <= rates[0] - rates[1] <= gap.high for gap in gaps]) <= 0.97
    assert 0.93 <= np.mean([one.low <= rates[0] / rates[1] <= one.high for one in ratios]) <= 0.97
