"""The robustness check: each outcome on answers to changed rows, the worst column named, and what it asks."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mlspec.core.probe import METHODS, Probe, probe_key
from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import robustness_check
from mlspec.gates.robustness import RobustnessCheck
from mlspec.plugins.catalog import implementation
from mlspec.stats.asked import Changed, Perturbed
from mlspec.stats.case import Case
from mlspec.stats.evidence import MISSING, Evidence

N = 400
LABELS = np.arange(N) % 2


def declared(**fields: Any) -> RobustnessCheck:
    given = {"check": "robustness", "metric": "accuracy", "max_loss": 0.1, "noise": 0.05, **fields}
    return RobustnessCheck.model_validate_json(json.dumps(given))


def said(wrong: int, n: int = N) -> Evidence:
    """Return evidence of a classifier that gets the first `wrong` rows wrong."""
    predicted = np.where(np.arange(n) < wrong, 1 - LABELS[:n], LABELS[:n])
    return Evidence(
        "classification", 1, (0, 1), LABELS[:n], predicted, np.where(predicted[:, None] == [0, 1], 0.8, 0.2)
    )


def judged(
    changed: dict[str, int | str], n: int = N, rows: Evidence | None = None, **fields: Any
) -> tuple[CheckVerdict, ...]:
    """Judge what was said of changes, `noise age` by how many were wrong (20 of the rows as they are), or in words."""
    answers = [
        Changed(*name.split(), None if isinstance(one, str) else said(one, n), one if isinstance(one, str) else "")
        for name, one in changed.items()
    ]
    perturbed = Perturbed(said(20, n) if rows is None else rows, tuple(answers))
    return robustness_check.check(declared(**fields), Case(said(20, n), perturbed=lambda _: perturbed))


OUTCOMES: dict[str, tuple[dict[str, int | str], dict[str, Any], Outcome, str]] = {
    "pass": (
        {"noise age": 22},
        {},
        Outcome.PASS,
        "accuracy lost with `age` noise of 0.05 deviations 0.005000 [-0.004560, 0.01804] <= 0.1 on 400 rows",
    ),
    "fail": (
        {"noise age": 22, "noise pay": 120},
        {},
        Outcome.FAIL,
        "accuracy lost with `pay` noise of 0.05 deviations 0.2500 [0.2048, 0.3014] > 0.1 on 400 rows; "
        "the worst of 2 columns; interval adjusted for 2 changes",
    ),
    "inconclusive": (
        {"noise age": 55, "noise pay": 22},
        {},
        Outcome.INCONCLUSIVE,
        "accuracy lost with `age` noise of 0.05 deviations 0.08750 [0.06073, 0.1245] straddles 0.1 on 400 rows; "
        "about 3,505 rows would decide; the worst of 2 columns; interval adjusted for 2 changes",
    ),
    "better": ({"noise age": 0}, {"max_loss": 0}, Outcome.PASS, "-0.05000 [-0.07"),
    "the same": ({"noise age": 20}, {"max_loss": 0.02}, Outcome.PASS, "0.000 [0.000, 0.000]"),
    "an error grows": (
        {"noise age": 120},
        {"metric": "brier_score"},
        Outcome.FAIL,
        "brier_score lost with `age` noise",
    ),
    "it raises": (
        {"noise age": "the model raised ValueError", "noise pay": 380},
        {},
        Outcome.FAIL,
        "accuracy lost with `age` noise of 0.05 deviations: the model raised ValueError; the worst of 2 columns",
    ),
    "too few rows": ({"noise age": 22}, {"min_rows": 500}, Outcome.INSUFFICIENT, "only 400 rows; 500 are needed"),
    "nothing to change": ({}, {}, Outcome.INSUFFICIENT, "noise: no column of the 400 test rows holds anything that it"),
}


@pytest.mark.parametrize(("changed", "fields", "outcome", "reason"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcomes(changed: dict[str, int | str], fields: dict[str, Any], outcome: Outcome, reason: str) -> None:
    (verdict,) = judged(changed, **fields)
    assert verdict.outcome is outcome and reason in verdict.reason, verdict.reason
    assert [fact.group for fact in verdict.groups] == [name.split()[1] for name in changed]
    assert implementation(RobustnessCheck.implementation) is robustness_check.check


def test_each_perturbation_has_a_verdict_and_all_intervals_hold_together() -> None:
    verdicts = judged({"noise age": 22, "noise pay": 25, "swap sex": 30, "drop age": 200}, swap=0.1, drop=True)
    assert {verdict.by: verdict.outcome.value for verdict in verdicts} == {
        "noise": "pass",
        "drop": "fail",
        "swap": "pass",
    }
    assert all(verdict.family == 4 for verdict in verdicts)
    assert all(verdict.estimate and verdict.estimate.confidence == pytest.approx(1 - 0.05 / 4) for verdict in verdicts)
    assert "`age` all missing" in verdicts[1].reason and "`sex` 10 % swapped" in verdicts[2].reason
    assert [fact.value for fact in verdicts[0].groups] == pytest.approx([0.005, 0.0125])


def test_a_prediction_that_is_lost_fails_and_one_class_is_too_little() -> None:
    lost = said(22)
    lost.predicted[3] = MISSING
    case = Case(said(20), perturbed=lambda _: Perturbed(said(20), (Changed("noise", "age", lost),)))
    (verdict,) = robustness_check.check(declared(), case)
    assert verdict.outcome is Outcome.FAIL and "1 of 400 predictions are missing" in verdict.reason
    assert verdict.groups[0].value is None and "1 of 400" in verdict.groups[0].note
    ones = Evidence("classification", 1, (0, 1), np.ones(N, dtype=np.int64), said(20).predicted, said(20).scores)
    case = Case(ones, perturbed=lambda _: Perturbed(ones, (Changed("noise", "age", ones),)))
    (verdict,) = robustness_check.check(declared(metric="roc_auc"), case)
    assert verdict.outcome is Outcome.INSUFFICIENT and verdict.reason.endswith("all rows are of one class")


def test_a_regression_loses_by_its_error() -> None:
    truth = np.linspace(1, 5, N)
    rows, off = (Evidence("regression", None, (), truth, truth + np.sin(np.arange(N)) * by) for by in (0.1, 0.3))
    below = Evidence("regression", None, (), truth, truth - 6)
    for metric, changed, outcome, reason in (
        ("mean_absolute_error", off, Outcome.FAIL, "0.127"),
        ("neg_mean_absolute_error", off, Outcome.FAIL, "0.127"),
        ("mean_squared_log_error", below, Outcome.FAIL, "has no value on 400 rows"),
    ):
        perturbed = Perturbed(rows, (Changed("noise", "age", changed),))
        (verdict,) = robustness_check.check(declared(metric=metric), Case(rows, perturbed=lambda _, p=perturbed: p))
        assert verdict.outcome is outcome and reason in verdict.reason, verdict.reason


def test_no_loss_passes_and_none_is_failed_more_often_than_it_says() -> None:
    random, failed = np.random.default_rng(0), 0
    for _ in range(200):
        labels = random.integers(0, 2, 300)
        pair = [Evidence("classification", 1, (0, 1), labels, random.integers(0, 2, 300)) for _ in range(2)]
        perturbed = Perturbed(pair[0], (Changed("noise", "age", pair[1]),))
        (verdict,) = robustness_check.check(declared(max_loss=0), Case(pair[0], perturbed=lambda _, p=perturbed: p))
        failed += verdict.outcome is Outcome.FAIL
    assert failed <= 0.045 * 200


def test_without_test_rows_nobody_is_asked() -> None:
    verdicts = robustness_check.check(declared(drop=True), Case(said(0, 0)))
    assert {(one.by, one.outcome.value, one.groups) for one in verdicts} == {
        ("noise", "insufficient", ()),
        ("drop", "insufficient", ()),
    }


def test_what_is_asked_knows_no_threshold() -> None:
    one = declared()
    (probe,) = one.probes()
    assert probe == declared(max_loss=0.5, metric="roc_auc", confidence=0.9, min_rows=10, level="warn").probe()
    others = [declared(noise=0.1), declared(drop=True), declared(rows=100), declared(columns=["age"])]
    keys = {probe_key(check.probe(), "test") for check in (one, *others)}
    assert len(keys) == 5 and probe_key(probe, "other test") not in keys
    assert probe_key(probe, "test", "rival") not in keys


def test_another_method_is_another_question(monkeypatch: pytest.MonkeyPatch) -> None:
    probe = Probe("perturb", {"rows": 10})
    before = probe_key(probe, "test")
    monkeypatch.setitem(METHODS, "perturb", "perturb/2")
    assert probe_key(probe, "test") != before


def test_what_may_not_be_declared() -> None:
    with pytest.raises(ValidationError, match="without one there is nothing to judge"):
        declared(noise=None)
