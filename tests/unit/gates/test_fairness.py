"""The fairness check: what may be declared, fairlearn's values, each outcome, small groups, and what is not named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import fairlearn.metrics as fairlearn
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression

from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import fairness_check
from mlspec.gates.fairness import FairnessCheck
from mlspec.plugins.catalog import implementation
from mlspec.stats.case import Case
from mlspec.stats.contrast import Spread, difference
from mlspec.stats.evidence import MISSING, Declared, Evidence
from mlspec.stats.grouped import estimates
from mlspec.stats.groups import groups_of
from mlspec.stats.intervals import wilson
from mlspec.stats.metrics import estimate

ADULT = Path(__file__).resolve().parents[3] / "examples" / "income" / "data" / "adult.csv"
BASE = {"check": "fairness", "metric": "selection_rate", "by": "sex", "max_difference": 0.05, "why": "A teaching case."}


def check(spec: FairnessCheck, evidence: Evidence) -> tuple[CheckVerdict, ...]:
    return fairness_check.check(spec, Case(evidence))


def declared(**fields: Any) -> FairnessCheck:
    asked = {key: value for key, value in {**BASE, **fields}.items() if value is not None}
    return FairnessCheck.model_validate_json(json.dumps(asked))


@pytest.fixture(scope="module")
def adult() -> Evidence:
    """Half of Adult, as a logistic regression on the other half sees it."""
    table = pd.read_csv(ADULT, keep_default_na=False)
    numbers = table[["age", "capital_gain", "capital_loss", "hours_per_week"]].apply(
        lambda column: column / column.std()
    )
    texts = pd.get_dummies(table[["education", "marital_status", "occupation", "relationship", "race", "sex"]])
    features, labels = np.hstack([numbers, texts]).astype(float), (table["income"] == ">50K").to_numpy().astype(int)
    train = np.arange(len(table)) % 2 == 0
    model = LogisticRegression(max_iter=2000).fit(features[train], labels[train])
    scores = model.predict_proba(features[~train])
    columns = {name: table[name][~train].to_numpy() for name in ("sex", "race", "age", "workclass")}
    return Evidence("classification", 1, (0, 1), labels[~train], scores.argmax(axis=1), scores, columns=columns)


FAIRLEARN = {
    "selection_rate": fairlearn.selection_rate,
    "true_positive_rate": fairlearn.true_positive_rate,
    "false_positive_rate": fairlearn.false_positive_rate,
    "true_negative_rate": fairlearn.true_negative_rate,
    "false_negative_rate": fairlearn.false_negative_rate,
    "accuracy": sklearn.metrics.accuracy_score,
    "precision": sklearn.metrics.precision_score,
}


@pytest.mark.parametrize("metric", FAIRLEARN)
@pytest.mark.parametrize("by", [["sex"], ["sex", "race"]], ids="-".join)
@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
def test_values_are_fairlearns(metric: str, by: list[str], weighted: bool, adult: Evidence) -> None:
    weights = np.random.default_rng(0).uniform(0.5, 2, len(adult)) if weighted else None
    sample = Evidence(
        "classification", 1, (0, 1), adult.labels, adult.predicted, weights=weights, columns=dict(adult.columns)
    )
    frame = fairlearn.MetricFrame(
        metrics=FAIRLEARN[metric],
        y_true=adult.labels,
        y_pred=adult.predicted,
        sensitive_features=pd.DataFrame({name: adult.columns[name] for name in by}),
        sample_params={"sample_weight": weights} if weighted else None,
    )
    # a metric of rates with weights takes a bootstrap of each group: a few draws say the same of the value
    spec = declared(metric=metric, by=by, max_difference=1, min_ratio=0.001, min_group=10)
    gap, ratio = check(spec, sample)
    groups = groups_of(spec.keys(), sample)
    sizes = dict(zip(groups.names, groups.sizes, strict=True))
    named = {
        " and ".join(f"{c} is {v}" for c, v in zip(by, key if isinstance(key, tuple) else (key,), strict=True)): value
        for key, value in frame.by_group.items()
    }
    large = {name: value for name, value in named.items() if sizes.get(name, 0) >= 10 and not np.isnan(value)}
    there = {fact.group: fact.value for fact in gap.groups if fact.value is not None}
    assert there == pytest.approx({name: large[name] for name in there}, abs=1e-9)
    assert gap.estimate is not None and ratio.estimate is not None
    values = list(there.values())
    assert gap.estimate.value == pytest.approx(max(values) - min(values), abs=1e-9)
    assert ratio.estimate.value == pytest.approx(min(values) / max(values), abs=1e-9)
    if by == ["sex"]:
        assert gap.estimate.value == pytest.approx(frame.difference(), abs=1e-9)
        assert ratio.estimate.value == pytest.approx(frame.ratio(), abs=1e-9)


def test_criteria_are_fairlearns(adult: Evidence) -> None:
    kept = {"y_true": adult.labels, "y_pred": adult.predicted, "sensitive_features": adult.columns["sex"]}
    parity = check(declared(metric="demographic_parity"), adult)
    assert parity[0].estimate is not None
    assert parity[0].estimate.value == pytest.approx(fairlearn.demographic_parity_difference(**kept), abs=1e-9)
    odds = [one.estimate.value for one in check(declared(metric="equalized_odds"), adult) if one.estimate]
    assert max(value or 0 for value in odds) == pytest.approx(fairlearn.equalized_odds_difference(**kept), abs=1e-9)
    (chance,) = check(declared(metric="equal_opportunity"), adult)
    assert chance.estimate is not None
    assert chance.estimate.value == pytest.approx(fairlearn.equal_opportunity_difference(**kept), abs=1e-9)


def test_adult_fails_four_fifths_and_its_errors_are_undecided(adult: Evidence) -> None:
    """The known picture: men are selected over three times as often; true positives differ, not clearly too much."""
    (impact,) = check(declared(metric="disparate_impact", max_difference=None, min_ratio=0.8), adult)
    assert impact.outcome is Outcome.FAIL and impact.estimate is not None
    assert impact.estimate.value == pytest.approx(0.30, abs=0.03)
    assert impact.between == ("sex is Female", "sex is Male")
    (parity,) = check(declared(), adult)
    assert parity.outcome is Outcome.FAIL and parity.estimate is not None
    assert parity.estimate.value == pytest.approx(0.176, abs=0.02)
    (chance,) = check(declared(metric="equal_opportunity", max_difference=0.1), adult)
    assert chance.outcome is Outcome.INCONCLUSIVE and "rows would decide" in chance.reason


def test_the_interval_of_two_groups_is_newcombes(adult: Evidence) -> None:
    (found,) = check(declared(), adult)
    rates = []
    for name in ("Male", "Female"):
        mask = adult.columns["sex"] == name
        called = int(adult.predicted[mask].sum())
        rates.append(Spread(called / mask.sum(), *wilson(called, int(mask.sum()), 0.95)))
    expected = difference(*rates)
    assert found.estimate is not None and found.family == 1
    assert (found.estimate.low, found.estimate.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def people(*groups: tuple[str, int, int, int], **columns: Any) -> Evidence:
    """Return rows in groups of (name, rows, of them positive, of these called so); negatives are called right."""
    labels, said, names = [], [], []
    for name, rows, positive, called in groups:
        labels += [1] * positive + [0] * (rows - positive)
        said += [1] * called + [0] * (rows - called)
        names += [name] * rows
    own = {"sex": np.array(names, dtype=object), **columns}
    return Evidence("classification", 1, (0, 1), np.array(labels), np.array(said), columns=own)


ALIKE = (("F", 2000, 1000, 800), ("M", 2000, 1000, 800))
OUTCOMES = {
    "pass": (
        {"metric": "true_positive_rate"},
        people(*ALIKE),
        Outcome.PASS,
        "difference of true_positive_rate by sex 0.000 [0.000, 0.03507] <= 0.05 on 4,000 rows between sex is F and "
        "sex is M",
    ),
    "fail": (
        {"metric": "true_positive_rate"},
        people(("F", 2000, 1000, 600), ("M", 2000, 1000, 800)),
        Outcome.FAIL,
        "difference of true_positive_rate by sex 0.2000 [0.1604, 0.2387] > 0.05 on 4,000 rows between sex is F and "
        "sex is M",
    ),
    "inconclusive": (
        {"metric": "true_positive_rate"},
        people(("F", 200, 100, 74), ("M", 200, 100, 80)),
        Outcome.INCONCLUSIVE,
        "difference of true_positive_rate by sex 0.06000 [0.000, 0.1750] straddles 0.05",
    ),
    "a ratio fails": (
        {"max_difference": None, "min_ratio": 0.8},
        people(("F", 2000, 1000, 400), ("M", 2000, 1000, 800)),
        Outcome.FAIL,
        "ratio of selection_rate by sex 0.5000 [0.4511, 0.5540] < 0.8 on 4,000 rows",
    ),
    "a ratio passes": (
        {"max_difference": None, "min_ratio": 0.8},
        people(*ALIKE),
        Outcome.PASS,
        "ratio of selection_rate by sex 1.000 [0.9269, 1.000] >= 0.8 on 4,000 rows",
    ),
    "a small group": (
        {},
        people(*ALIKE, ("X", 37, 20, 16)),
        Outcome.INSUFFICIENT,
        "; sex is X: only 37 rows; 100 are needed",
    ),
    "a group of one": (
        {},
        people(*ALIKE, ("Zoe", 1, 1, 1)),
        Outcome.INSUFFICIENT,
        "; 1 group of under 10 rows: too few to compare, or to name",
    ),
    "a declared group without a test row": (
        {},
        replace(people(*ALIKE), declared={"sex": Declared(("F", "M", "X"))}),
        Outcome.INSUFFICIENT,
        "; sex is X: no test row",
    ),
    "too many groups": (
        {},
        people(*((f"g{n}", 10, 5, 5) for n in range(51))),
        Outcome.INSUFFICIENT,
        "sex makes 51 groups of the test rows, and 50 are the most",
    ),
    "a small group and a failure": (
        {},
        people(("F", 2000, 1000, 400), ("M", 2000, 1000, 800), ("X", 37, 20, 16)),
        Outcome.FAIL,
        "> 0.05",
    ),
    "one group": (
        {},
        people(("F", 2000, 1000, 800)),
        Outcome.INSUFFICIENT,
        "difference of selection_rate by sex has no value: 1 of 1 groups can be compared",
    ),
    "no positive in a group": (
        {"metric": "true_positive_rate"},
        people(("F", 2000, 0, 0), ("M", 2000, 1000, 800)),
        Outcome.INSUFFICIENT,
        "sex is F: no row is of the positive class",
    ),
    "nobody called in a group": (
        {"metric": "precision"},
        people(("F", 2000, 100, 0), ("M", 2000, 1000, 800)),
        Outcome.FAIL,
        "difference of precision by sex has no value: sex is F: no row is predicted positive",
    ),
    "nobody called at all, by ratio": (
        {"max_difference": None, "min_ratio": 0.8},
        people(("F", 2000, 100, 0), ("M", 2000, 1000, 0)),
        Outcome.INSUFFICIENT,
        "it is 0 in every group, so no ratio is defined",
    ),
    "a reference that is not there": (
        {"reference": "Male"},
        people(*ALIKE),
        Outcome.INSUFFICIENT,
        "the reference group, sex is Male: no test row is of it",
    ),
    "three groups": (
        {},
        people(*ALIKE, ("X", 2000, 1000, 800)),
        Outcome.PASS,
        "on 4,000 rows between sex is F and sex is M; interval adjusted for 3 comparisons",
    ),
    "three groups, one the reference": (
        {"reference": "X"},
        people(("F", 2000, 1000, 400), ("M", 2000, 1000, 800), ("X", 2000, 1000, 790)),
        Outcome.FAIL,
        "between sex is F and sex is X; interval adjusted for 2 comparisons",
    ),
}


@pytest.mark.parametrize(("fields", "sample", "outcome", "reason"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcomes(fields: dict[str, Any], sample: Evidence, outcome: Outcome, reason: str) -> None:
    (verdict,) = check(declared(**fields), sample)
    assert verdict.outcome is outcome, verdict.reason
    assert reason in verdict.reason
    assert (verdict.check, verdict.by, verdict.why) == ("fairness", "sex", "A teaching case.")


def test_a_small_group_is_listed_and_a_tiny_one_is_not_named() -> None:
    (verdict,) = check(declared(), people(*ALIKE, ("Few", 37, 20, 16), ("Zoe", 1, 1, 1), ("Yan", 2, 1, 1)))
    assert [(fact.group, fact.n, fact.base_rate) for fact in verdict.groups] == [
        ("sex is F", 2000, 0.5),
        ("sex is Few", 37, None),
        ("sex is M", 2000, 0.5),
        ("2 groups of under 10 rows", 3, None),
    ]
    assert "Zoe" not in verdict.model_dump_json() and "Yan" not in verdict.model_dump_json()


def test_rows_without_a_value_are_in_no_group_and_counted() -> None:
    sample = people(*ALIKE)
    sample.columns["sex"][:12] = None
    (verdict,) = check(declared(), sample)
    assert verdict.reason.endswith("; 12 rows have no sex")
    assert [fact.n for fact in verdict.groups] == [1988, 2000]


def test_a_missing_prediction_fails() -> None:
    sample = people(*ALIKE)
    sample.predicted[3] = MISSING
    (verdict,) = check(declared(), sample)
    assert verdict.outcome is Outcome.FAIL and "1 of 2,000 predictions are missing" in verdict.reason


def test_ranges_and_intersections(adult: Evidence) -> None:
    (verdict,) = check(declared(by=["sex", {"age": [25, 65]}], min_group=20, max_difference=0.9), adult)
    assert [fact.group for fact in verdict.groups] == [
        f"sex is {sex} and age {years}"
        for sex in ("Female", "Male")
        for years in ("under 25", "from 25 to under 65", "from 65")
    ]
    assert verdict.by == "sex and age" and verdict.family == 15
    ages = np.asarray(adult.columns["age"])
    women = adult.columns["sex"] == "Female"
    assert verdict.groups[1].n == int(np.sum(women & (ages >= 25) & (ages < 65)))


def test_numbers_may_be_compared_too() -> None:
    random = np.random.default_rng(1)
    truth, sex = random.normal(10, 2, 4000), np.repeat(np.array(["F", "M"], dtype=object), 2000)
    said = truth + random.normal(0, np.where(sex == "F", 1.0, 1.5))
    sample = Evidence("regression", None, (), truth, said, columns={"sex": sex})
    (verdict,) = check(declared(metric="mean_absolute_error", max_difference=0.3), sample)
    errors = [np.abs(truth - said)[sex == name].mean() for name in ("F", "M")]
    assert verdict.estimate is not None and verdict.outcome is Outcome.FAIL
    assert verdict.estimate.value == pytest.approx(abs(errors[0] - errors[1]), abs=1e-9)
    assert all(fact.base_rate is None for fact in verdict.groups)


@pytest.mark.parametrize("metric", ["selection_rate", "true_positive_rate", "false_positive_rate"])
def test_groups_counted_at_once_are_as_each_alone(metric: str, adult: Evidence) -> None:
    groups = groups_of([("race", ()), ("sex", ())], adult)
    alone = [estimate(metric, adult.subset(groups.rows(code)), 0.9) for code in range(len(groups.names))]
    assert estimates(metric, adult, groups, 0.9) == alone


def test_equal_input_gives_equal_bytes(adult: Evidence) -> None:
    spec = declared(metric="accuracy", by=["race", "sex"])
    once, again = (tuple(one.model_dump_json() for one in check(spec, adult)) for _ in range(2))
    assert once == again
    assert implementation(FairnessCheck.implementation) is fairness_check.check
    assert all(CheckVerdict.model_validate_json(one).model_dump_json() == one for one in once)


def test_without_a_difference_it_errs_no_more_often_than_it_says() -> None:
    """Of two equal groups the whole interval lies above no difference at all in at most one of forty samples."""
    random = np.random.default_rng(3)
    spec, wrong = declared(max_difference=0.0), 0
    for _ in range(400):
        called = random.binomial(300, 0.3, 3)
        groups = people(("F", 300, 300, called[0]), ("M", 300, 300, called[1]), ("X", 300, 300, called[2]))
        wrong += check(spec, groups)[0].outcome is Outcome.FAIL
    assert wrong <= 0.05 * 400


INVALID = {
    "no bound": ({"max_difference": None}, "without a bound there is nothing to judge"),
    "no why": ({"why": None}, "Field required"),
    "an empty why": ({"why": ""}, "at least 1 character"),
    "a ratio above 1": ({"min_ratio": 1.2}, "less than or equal to 1"),
    "impact without a ratio": ({"metric": "disparate_impact"}, "give `min_ratio`"),
    "a ratio of what may be negative": ({"metric": "r2", "min_ratio": 0.8}, "may be negative"),
    "a reference of the wrong width": ({"by": ["sex", "race"], "reference": "M"}, "one value for each column"),
    "a reference among ranges": ({"by": {"age": [30]}, "reference": 3}, "has ranges"),
    "falling edges": ({"by": {"age": [30, 20]}}, "must rise"),
    "no edges": ({"by": {"age": []}}, "the numbers between them"),
    "a column twice": ({"by": ["sex", {"sex": [1]}]}, "twice"),
    "no column": ({"by": []}, "must be a column"),
    "a number as column": ({"by": 3}, "must be a column"),
    "a group of few": ({"min_group": 3}, "greater than or equal to 10"),
    "a field that is not there": ({"threshold": 1}, "Extra inputs"),
}


@pytest.mark.parametrize(("fields", "message"), INVALID.values(), ids=INVALID)
def test_what_may_not_be_declared(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        declared(**fields)
