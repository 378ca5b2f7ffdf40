"""The baseline check: each outcome on evidence, errors and scores alike, and what may be declared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import baseline_check
from mlspec.gates.baseline import BaselineCheck
from mlspec.plugins.catalog import implementation
from mlspec.stats.case import Case
from mlspec.stats.evidence import MISSING, Evidence


def declared(**fields: Any) -> BaselineCheck:
    return BaselineCheck.model_validate_json(json.dumps({"check": "baseline", "metric": "accuracy", **fields}))


def said(labels: np.ndarray, wrong: int) -> Evidence:
    """Return evidence of a classifier that gets the first `wrong` rows wrong."""
    predicted = np.where(np.arange(len(labels)) < wrong, 1 - labels, labels)
    scores = np.where(predicted[:, None] == np.arange(2), 0.8, 0.2)
    return Evidence("classification", 1, (0, 1), labels, predicted, scores)


LABELS = np.arange(400) % 2


def judged(wrong: int, n: int = 400, **fields: Any) -> tuple[CheckVerdict, ...]:
    labels = LABELS[:n]
    other = {"majority": said(labels, n // 2), "linear": said(labels, n // 8)}
    return baseline_check.check(declared(**fields), Case(said(labels, wrong), other.__getitem__, ("majority",)))


OUTCOMES = {
    "pass": (20, {}, Outcome.PASS, "accuracy higher than majority by 0.4500 [0.4020, 0.4990] >= 0 on 400 rows"),
    "fail": (300, {}, Outcome.FAIL, "accuracy higher than majority by -0.2500 [-0.2947, -0.2101] < 0 on 400 rows"),
    "inconclusive": (
        190,
        {"margin": 0.02},
        Outcome.INCONCLUSIVE,
        "accuracy higher than majority by 0.02500 [0.01364, 0.04540] straddles 0.02 on 400 rows",
    ),
    "as good as the baseline": (
        200,
        {},
        Outcome.INCONCLUSIVE,
        "accuracy higher than majority by 0.000 [-0.009512, 0.009512] straddles 0 on 400 rows",
    ),
    "within the margin": (20, {"margin": 0.5}, Outcome.FAIL, "< 0.5 on 400 rows"),
    "an error is lower": (20, {"metric": "brier_score"}, Outcome.PASS, "brier_score lower than majority by 0.2700 ["),
    "too few rows": (2, {"min_rows": 500}, Outcome.INSUFFICIENT, "only 400 rows; 500 are needed"),
}


@pytest.mark.parametrize(("wrong", "fields", "outcome", "reason"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcomes(wrong: int, fields: dict[str, Any], outcome: Outcome, reason: str) -> None:
    (verdict,) = judged(wrong, **fields)
    assert verdict.outcome is outcome and reason in verdict.reason, verdict.reason
    assert (verdict.check, verdict.against) == ("baseline", "baseline majority")


def test_several_are_judged_together() -> None:
    easy, hard = judged(45, beats=["majority", "linear"])
    assert (easy.outcome, hard.outcome) == (Outcome.PASS, Outcome.INCONCLUSIVE)
    assert hard.reason.endswith("; interval adjusted for 2 baselines") and hard.family == 2
    assert hard.estimate is not None and hard.estimate.confidence == pytest.approx(0.975)


def test_what_has_no_value_never_passes() -> None:
    broken = said(LABELS, 20)
    broken.predicted[7] = MISSING
    spec = declared(beats=["majority"])
    (verdict,) = baseline_check.check(spec, Case(broken, lambda _: said(LABELS, 200)))
    assert verdict.outcome is Outcome.FAIL and "1 of 400 predictions are missing" in verdict.reason
    ones = np.ones(400, dtype=np.int64)
    (verdict,) = baseline_check.check(
        declared(metric="roc_auc", beats=["majority"]), Case(said(ones, 20), lambda _: said(ones, 200))
    )
    assert verdict.outcome is Outcome.INSUFFICIENT and "all rows are of one class" in verdict.reason
    assert implementation(BaselineCheck.implementation) is baseline_check.check


def test_a_baseline_without_a_value_is_not_the_versions_fault() -> None:
    never = Evidence("classification", 1, (0, 1), LABELS, np.zeros(400, dtype=np.int64))
    spec = declared(metric="precision", beats=["majority"])
    (verdict,) = baseline_check.check(spec, Case(said(LABELS, 20), lambda _: never))
    assert verdict.outcome is Outcome.INSUFFICIENT
    assert verdict.reason == "majority has no precision: no row is predicted positive"


def test_without_a_difference_it_passes_no_more_often_than_it_says() -> None:
    random, passed = np.random.default_rng(0), 0
    for _ in range(400):
        labels = random.integers(0, 2, 300)
        pair = [Evidence("classification", 1, (0, 1), labels, random.integers(0, 2, 300)) for _ in range(2)]
        (verdict,) = baseline_check.check(declared(beats=["majority"]), Case(pair[0], lambda _, pair=pair: pair[1]))
        passed += verdict.outcome is Outcome.PASS
    assert passed <= 0.045 * 400


INVALID = {
    "the other task's": ({"beats": ["mean"]}, "for the other task"),
    "twice": ({"beats": ["linear", "linear"]}, "listed twice"),
    "an unknown one": ({"beats": ["random"]}, "Input should be"),
    "a margin below zero": ({"margin": -0.1}, "greater than or equal to 0"),
}


@pytest.mark.parametrize(("fields", "message"), INVALID.values(), ids=INVALID)
def test_what_may_not_be_declared(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        declared(**fields)
