"""The champion check: each outcome, both claims, who cannot be compared, how often it errs where nothing differs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binom

from mlspec.core.problem import MlspecError
from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import champion_check
from mlspec.gates.champion import ChampionCheck
from mlspec.plugins.catalog import implementation
from mlspec.stats.case import Case, Duel, NoDuel
from mlspec.stats.evidence import MISSING, Evidence

LABELS = np.arange(800) % 2


def declared(**fields: Any) -> ChampionCheck:
    said = {"check": "champion", "metric": "accuracy", "margin": 0.02, **fields}
    return ChampionCheck.model_validate_json(json.dumps(said))


def said(wrong: int, n: int = 800) -> Evidence:
    """Return evidence of a classifier that gets the first `wrong` rows wrong."""
    labels = LABELS[:n]
    predicted = np.where(np.arange(n) < wrong, 1 - labels, labels)
    scores = np.where(predicted[:, None] == np.arange(2), 0.8, 0.2)
    return Evidence("classification", 1, (0, 1), labels, predicted, scores)


def judged(ours: Evidence, theirs: Evidence, left_out: int = 0, **fields: Any) -> CheckVerdict:
    (verdict,) = champion_check.check(declared(**fields), Case(ours, duel=lambda: Duel("v3", ours, theirs, left_out)))
    return verdict


OUTCOMES = {
    "as good": (100, 100, {}, Outcome.PASS, "accuracy higher than v3 by 0.000 ["),
    "a little worse": (102, 100, {}, Outcome.PASS, ">= -0.02 on 800 rows"),
    "too much worse": (140, 100, {}, Outcome.FAIL, "accuracy higher than v3 by -0.05000 ["),
    "may be too much worse": (112, 100, {}, Outcome.INCONCLUSIVE, "straddles -0.02"),
    "better": (60, 100, {"claim": "superior", "margin": 0}, Outcome.PASS, "accuracy higher than v3 by 0.05000 ["),
    "not better": (100, 100, {"claim": "superior", "margin": 0}, Outcome.INCONCLUSIVE, "straddles 0"),
    "worse": (140, 100, {"claim": "superior", "margin": 0}, Outcome.FAIL, "< 0 on 800 rows"),
    "better, by too little": (60, 100, {"claim": "superior", "margin": 0.2}, Outcome.FAIL, "< 0.2"),
    "an error is lower": (60, 100, {"metric": "brier_score", "claim": "superior"}, Outcome.PASS, "lower than v3 by"),
    "too few rows": (60, 100, {"min_rows": 801}, Outcome.INSUFFICIENT, "only 800 rows; 801 are needed"),
}


def test_a_champion_without_probabilities_is_too_little_evidence_and_no_error() -> None:
    verdict = judged(said(60), replace(said(100), scores=None), metric="log_loss")
    words = "v3 has no log_loss: `log_loss` is computed from class probabilities, and the model has no `predict_proba`"
    assert (verdict.outcome, verdict.reason, verdict.against) == (Outcome.INSUFFICIENT, words, "champion v3")
    with pytest.raises(MlspecError):
        judged(replace(said(60), scores=None), said(100), metric="log_loss")


@pytest.mark.parametrize(("ours", "theirs", "fields", "outcome", "reason"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcomes(ours: int, theirs: int, fields: dict[str, Any], outcome: Outcome, reason: str) -> None:
    verdict = judged(said(ours), said(theirs), **fields)
    assert verdict.outcome is outcome and reason in verdict.reason, verdict.reason
    assert (verdict.check, verdict.against) == ("champion", "champion v3")


def test_without_a_champion_it_passes_and_says_so() -> None:
    (verdict,) = champion_check.check(declared(), Case(said(400)))
    assert verdict.outcome is Outcome.PASS
    assert (verdict.reason, verdict.against) == ("there is no champion to compare with", "")


def test_a_champion_that_cannot_be_asked_is_too_little_evidence() -> None:
    (verdict,) = champion_check.check(declared(), Case(said(10), duel=lambda: NoDuel("v3", "its model is gone")))
    assert verdict.outcome is Outcome.INSUFFICIENT
    assert verdict.reason == "no comparison with v3: its model is gone"


def test_rows_that_were_left_out_are_told() -> None:
    assert judged(said(10), said(10), left_out=1200).reason.endswith(
        "; 1,200 test rows that v3 was trained on are left out"
    )


def test_what_has_no_value_never_passes_and_what_the_champion_lacks_is_not_its_fault() -> None:
    broken = said(20)
    broken.predicted[7] = MISSING
    assert judged(broken, said(20)).outcome is Outcome.FAIL
    assert judged(said(20), broken).outcome is Outcome.INSUFFICIENT
    one_class = said(20, 60).subset(LABELS[:60] == 1)
    verdict = judged(one_class, one_class, metric="roc_auc", min_rows=10)
    assert verdict.outcome is Outcome.INSUFFICIENT and "roc_auc on 30 rows" in verdict.reason


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_where_nothing_differs_it_errs_at_most_at_its_stated_rate(metric: str) -> None:
    draws, wins = np.random.default_rng(5), 0
    times, n = 400, 300
    for _ in range(times):
        labels = (draws.random(n) < 0.4).astype(np.int64)
        common = draws.normal(size=n) + labels
        ours, theirs = (_scored(labels, common + draws.normal(size=n)) for _ in range(2))
        spec = declared(metric=metric, claim="superior", margin=0)
        (verdict,) = champion_check.check(spec, Case(ours, duel=lambda: Duel("v1", ours, theirs)))  # noqa: B023 -- asked at once
        wins += verdict.outcome is Outcome.PASS
    assert wins <= binom.ppf(0.999, times, 0.025), "a two-sided interval of 95 % lets 2.5 % through by chance"


def _scored(labels: np.ndarray, ranks: np.ndarray) -> Evidence:
    chance = 1 / (1 + np.exp(-ranks))
    scores = np.column_stack([1 - chance, chance])
    return Evidence("classification", 1, (0, 1), labels, (chance > 0.5).astype(np.int64), scores)


@pytest.mark.parametrize(
    "fields",
    [{"margin": 0}, {"margin": -0.1}, {"claim": "equal"}, {"confidence": 1}, {"min_rows": 0}, {"against": "v2"}],
)
def test_what_may_not_be_declared(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declared(**fields)


def test_it_compares_and_the_catalog_knows_it() -> None:
    assert declared().compares() and declared().metric_names() == ("accuracy",)
    assert implementation(ChampionCheck.implementation) is champion_check.check
