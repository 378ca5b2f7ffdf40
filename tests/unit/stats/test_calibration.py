"""The line of recalibration: statsmodels' logistic regression, its interval's coverage, and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm

from mlspec.stats.calibration import line
from mlspec.stats.evidence import Evidence
from mlspec.stats.metrics import estimate


def sample(n: int, slope: float = 1.0, intercept: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return truths and the probabilities said of them, whose log odds the truth follows with this line."""
    random = np.random.default_rng(seed)
    odds = random.normal(-0.5, 1.2, n)
    truth = random.random(n) < 1 / (1 + np.exp(-(intercept + slope * odds)))
    return truth, 1 / (1 + np.exp(-odds))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_line_is_statsmodels(weighted: bool) -> None:
    truth, said = sample(800, 0.7, 0.2)
    weights = np.random.default_rng(1).uniform(0.5, 2, 800) if weighted else None
    design = sm.add_constant(np.log(said / (1 - said)))
    binomial = sm.GLM(truth.astype(float), design, family=sm.families.Binomial(), freq_weights=weights).fit(tol=1e-14)
    found = line(truth, said, weights)
    assert (found.intercept, found.slope) == pytest.approx(tuple(binomial.params), abs=1e-9)
    assert found.slope_error == pytest.approx(binomial.bse[1], abs=1e-9)


def evidence(truth: np.ndarray, said: np.ndarray) -> Evidence:
    scores = np.column_stack([1 - said, said])
    return Evidence("classification", 1, (0, 1), truth.astype(np.int64), scores.argmax(axis=1), scores)


@pytest.mark.parametrize("slope", [1.0, 0.6])
def test_the_interval_covers_as_often_as_it_says(slope: float) -> None:
    found = [estimate("calibration_slope", evidence(*sample(400, slope, seed=seed)), 0.95) for seed in range(2000)]
    assert 0.93 <= np.mean([(one.low or 0) <= slope <= (one.high or 0) for one in found]) <= 0.97
    assert {one.method for one in found} == {"wald-logistic/1"}


def test_overconfidence_has_a_slope_below_one() -> None:
    truth, said = sample(4000)
    odds = np.log(said / (1 - said))
    assert line(truth, 1 / (1 + np.exp(-2 * odds))).slope == pytest.approx(line(truth, said).slope / 2, abs=1e-9)
    certain = np.where(said > 0.5, 1.0, 0.0)
    assert 0 < line(truth, certain).slope < 0.2


def test_where_there_is_no_line() -> None:
    truth, said = sample(200)
    for broken in (line(truth, np.full(200, 0.3)), line(said > 0.5, said), line(np.ones(200, dtype=bool), said)):
        assert math.isnan(broken.slope)
    found = estimate("calibration_slope", evidence(said > 0.5, said), 0.95)
    assert found.value is None and found.method == "undefined: the value is not finite"
