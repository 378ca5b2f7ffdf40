"""The metric check on evidence: slices, too few rows, and each outcome."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlspec.core.problem import MlspecError
from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import metric_check
from mlspec.gates.metric import MetricCheck
from mlspec.gates.metric_check import slice_mask
from mlspec.plugins.catalog import implementation
from mlspec.stats.case import Case
from mlspec.stats.evidence import MISSING, Declared, Evidence


def check(spec: MetricCheck, evidence: Evidence) -> tuple[CheckVerdict, ...]:
    return metric_check.check(spec, Case(evidence))


def declared(**fields: Any) -> MetricCheck:
    return MetricCheck.model_validate_json(json.dumps({"check": "metric", "metric": "accuracy", **fields}))


def evidence() -> Evidence:
    """400 rows, nine of ten right; 300 are F, 60 of group 1, 20 of group 2, where all labels are 0."""
    rows = np.arange(400)
    labels = np.where(rows >= 380, 0, rows % 2)
    predicted = np.where(rows % 10 == 0, 1 - labels, labels)
    columns = {
        "sex": np.array(["F"] * 300 + ["M"] * 100, dtype=object),
        "group": np.where(rows >= 380, 2, np.where(rows >= 320, 1, 0)),
        "rate": np.where(rows % 4 == 0, np.nan, rows / 4),
        "member": np.array([None if row % 3 == 0 else row % 2 == 0 for row in range(400)], dtype=object),
    }
    scores = np.where(predicted[:, None] == np.arange(2), 0.8, 0.2)
    return Evidence("classification", 1, (0, 1), labels, predicted, scores, columns=columns)


def judged(**fields: Any) -> CheckVerdict:
    (verdict,) = check(declared(**fields), evidence())
    return verdict


OUTCOMES = {
    "pass": ({"min": 0.85}, Outcome.PASS, "accuracy 0.9000 [0.8667, 0.9257] >= 0.85 on 400 rows"),
    "fail": ({"min": 0.95}, Outcome.FAIL, "accuracy 0.9000 [0.8667, 0.9257] < 0.95 on 400 rows"),
    "inconclusive": (
        {"min": 0.88},
        Outcome.INCONCLUSIVE,
        "accuracy 0.9000 [0.8667, 0.9257] straddles 0.88 on 400 rows; about 1,110 rows would decide",
    ),
    "a slice passes": (
        {"min": 0.8, "where": {"sex": "F"}},
        Outcome.PASS,
        "accuracy 0.9000 [0.8608, 0.9291] >= 0.8 on 300 rows where sex is F",
    ),
    "an intersection": (
        {"min": 0.5, "where": {"sex": "M", "group": [1, 2]}},
        Outcome.PASS,
        "accuracy 0.9000 [0.8149, 0.9485] >= 0.5 on 80 rows where sex is M and group is 1 or 2",
    ),
    "a slice of few rows": (
        {"min": 0.5, "where": {"group": 2}},
        Outcome.INSUFFICIENT,
        "only 20 rows where group is 2; 50 are needed",
    ),
    "a slice of no rows": ({"min": 0.5, "where": {"group": 7}}, Outcome.INSUFFICIENT, "no test row where group is 7"),
    "a slice of one class": (
        {"metric": "roc_auc", "min": 0.5, "where": {"group": 2}, "min_rows": 10},
        Outcome.INSUFFICIENT,
        "roc_auc on 20 rows where group is 2: all rows are of one class",
    ),
    "too few rows in all": (
        {"min": 0.5, "min_rows": 401},
        Outcome.INSUFFICIENT,
        "only 400 rows; 401 are needed",
    ),
}


@pytest.mark.parametrize(("fields", "outcome", "reason"), OUTCOMES.values(), ids=OUTCOMES)
def test_the_four_outcomes(fields: dict[str, Any], outcome: Outcome, reason: str) -> None:
    verdict = judged(**fields)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_a_verdict_holds_what_it_was_made_from() -> None:
    verdict = judged(min=0.8, max=1, where={"sex": "F"}, level="warn", confidence=0.9)
    assert verdict.estimate is not None
    assert (verdict.check, verdict.metric, verdict.where, verdict.level) == ("metric", "accuracy", "sex is F", "warn")
    assert (verdict.minimum, verdict.maximum) == (0.8, 1.0)
    assert (verdict.estimate.n, verdict.estimate.confidence, verdict.estimate.method) == (300, 0.9, "wilson/1")


def test_missing_predictions_fail_even_where_a_class_is_missing_too() -> None:
    broken = Evidence(
        "classification", 1, (0, 1), np.zeros(60, dtype=np.int64), np.full(60, MISSING), np.full((60, 2), np.nan)
    )
    for metric in ("accuracy", "roc_auc", "recall"):
        (verdict,) = check(declared(metric=metric, min=0.0), broken)
        assert verdict.outcome is Outcome.FAIL
        assert "60 of 60 predictions are missing" in verdict.reason


def test_a_metric_without_its_scores_is_an_error_with_the_way_out() -> None:
    labels = np.arange(60) % 2
    with pytest.raises(MlspecError) as caught:
        check(declared(metric="roc_auc", min=0.5), Evidence("classification", 1, (0, 1), labels, labels))
    (problem,) = caught.value.problems
    assert problem.code == "metric/no-scores" and "predict_proba" in (problem.help or "")


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({}, 400),
        ({"sex": "M"}, 100),
        ({"sex": ["F", "M"]}, 400),
        ({"sex": 1}, 0),
        ({"group": 1}, 60),
        ({"group": 1.0}, 60),
        ({"group": True}, 0),
        ({"group": "1"}, 0),
        ({"rate": 0.25}, 1),
        ({"rate": 0}, 0),
        ({"member": True}, 133),
        ({"member": [True, False]}, 266),
        ({"member": 1}, 0),
        ({"member": "true"}, 0),
    ],
)
def test_values_are_compared_in_their_own_types(where: dict[str, Any], rows: int) -> None:
    assert int(np.sum(slice_mask(declared(min=0, where=where).where, evidence()))) == rows


def test_the_check_finds_its_implementation_by_name() -> None:
    assert implementation(MetricCheck.implementation) is metric_check.check


def test_slices_are_judged_each_with_wider_intervals() -> None:
    whole, *slices = check(declared(min=0.8, slices=["sex", {"group": [1, 2]}]), evidence())
    assert [(one.where, one.estimate.n if one.estimate else 0, one.outcome) for one in slices] == [
        ("sex is F", 300, Outcome.PASS),
        ("sex is M", 100, Outcome.PASS),
        ("group under 1", 320, Outcome.PASS),
        ("group from 1 to under 2", 60, Outcome.INCONCLUSIVE),
        ("group from 2", 20, Outcome.INSUFFICIENT),
    ]
    assert whole.where is None and whole.family == 1
    assert {one.family for one in slices if one.outcome is not Outcome.INSUFFICIENT} == {4}
    assert slices[0].reason.endswith("on 300 rows where sex is F; interval adjusted for 4 slices")
    assert slices[-1].reason == "only 20 rows where group from 2; 50 are needed"
    alone = judged(min=0.8, where={"sex": "F"}, confidence=1 - 0.05 / 4)
    assert slices[0].estimate == alone.estimate


def test_slices_lie_within_where_and_may_cross() -> None:
    whole, *slices = check(declared(min=0.8, where={"sex": "F"}, slices=[["member", {"group": [1]}]]), evidence())
    assert whole.where == "sex is F"
    assert [one.where for one in slices] == [
        "sex is F and member is false and group under 1",
        "sex is F and member is true and group under 1",
    ]
    assert [one.estimate.n for one in slices if one.estimate] == [100, 100]


def test_tiny_slices_are_counted_and_not_named() -> None:
    sample = evidence()
    names = np.array(["F"] * 392 + ["Zoe"] * 7 + ["Yan"], dtype=object)
    sample = Evidence("classification", 1, (0, 1), sample.labels, sample.predicted, columns={"who": names})
    whole, large, tiny = check(declared(min=0.5, slices=["who"], min_rows=10), sample)
    assert (whole.outcome, large.where, large.family) == (Outcome.PASS, "who is F", 1)
    assert tiny.outcome is Outcome.INSUFFICIENT and tiny.estimate is not None and tiny.estimate.n == 8
    assert tiny.reason == "2 slices of under 10 rows: too few to judge, or to name"


def test_a_declared_slice_without_a_test_row_is_missed() -> None:
    sample = replace(evidence(), declared={"sex": Declared(("F", "M", "X")), "group": Declared(low=0.0, high=2.0)})
    spec = declared(min=0.5, slices=["sex", {"group": [0, 1, 3]}, ["sex", {"group": [0, 2]}]])
    found = {one.where: (one.outcome, one.reason) for one in check(spec, sample)}
    assert found["sex is X"] == (Outcome.INSUFFICIENT, "no test row where sex is X")
    assert "group under 0" not in found and "group from 3" not in found
    assert found["sex is F and group from 0 to under 2"][0] is Outcome.PASS
    assert not any(where and "X and" in where for where in found)
    within = check(declared(min=0.5, where={"sex": "F"}, slices=["sex"]), sample)
    assert [one.where for one in within] == ["sex is F", "sex is F and sex is F"]


def test_the_worst_of_one_seed_is_not_known() -> None:
    passing, failing = (check(declared(min=bar, of="worst"), evidence())[0] for bar in (0.5, 0.999))
    assert passing.outcome is Outcome.INSUFFICIENT and "trained with one seed" in passing.reason
    assert failing.outcome is Outcome.FAIL


def test_too_many_slices_are_insufficient() -> None:
    sample = evidence()
    sample = Evidence(
        sample.task, 1, sample.classes, sample.labels, sample.predicted, columns={"rate": np.arange(400.0)}
    )
    whole, untold = check(declared(min=0.5, slices=["rate"]), sample)
    assert whole.outcome is Outcome.PASS and untold.outcome is Outcome.INSUFFICIENT
    assert untold.reason == "rate makes 400 groups of the test rows, and 50 are the most"


def test_a_family_of_slices_holds_together_as_often_as_it_says() -> None:
    """With a bar at the truth, any of eight slices fails in at most one of forty samples; unadjusted in one of six."""
    random = np.random.default_rng(7)
    city = np.repeat(np.arange(8), 200)
    wrong = 0
    for _ in range(400):
        labels = np.ones(1600, dtype=np.int64)
        predicted = (random.random(1600) < 0.8).astype(np.int64)
        sample = Evidence("classification", 1, (0, 1), labels, predicted, columns={"city": city})
        wrong += any(one.outcome is Outcome.FAIL for one in check(declared(min=0.8, slices=["city"]), sample)[1:])
    assert wrong <= 0.05 * 400


def test_calibration_is_judged_of_all_and_of_each_group() -> None:
    random = np.random.default_rng(0)
    said, sex = random.uniform(0.1, 0.9, 4000), np.repeat(np.array(["F", "M"], dtype=object), 2000)
    labels = (random.random(4000) < np.where(sex == "F", said, np.clip(said + 0.2, 0, 1))).astype(np.int64)
    scores = np.column_stack([1 - said, said])
    rows = Evidence("classification", 1, (0, 1), labels, scores.argmax(axis=1), scores, columns={"sex": sex})
    spec = declared(metric="expected_calibration_error", max=0.06, slices=["sex"])
    assert [(one.where, one.outcome) for one in check(spec, rows)] == [
        (None, Outcome.FAIL),
        ("sex is F", Outcome.PASS),
        ("sex is M", Outcome.FAIL),
    ]
