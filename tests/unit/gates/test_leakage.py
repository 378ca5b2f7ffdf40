"""The leakage check: each part in each outcome, what is counted and what is tried, and what may be declared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import leakage_check
from mlspec.gates.leakage import LeakageCheck
from mlspec.plugins.catalog import implementation
from mlspec.stats.case import Data
from tests.frames import case_of, made

OFF: dict[str, Any] = {"rows": False, "entities": [], "max_predictive": 1}
SCHEMA = {"id": "integer:id", "x": "number", "kind": "string", "y": "string:target"}


def declared(**fields: Any) -> LeakageCheck:
    return LeakageCheck.model_validate_json(json.dumps({"check": "leakage", **fields}))


def judged(data: Data, task: str = "classification", **fields: Any) -> tuple[CheckVerdict, ...]:
    return leakage_check.check(declared(**fields), case_of(data, task))


def plain(n: int = 800, tests: int = 200, seed: int = 0, **more: Any) -> Data:
    """Return rows whose features say a little of the target."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 2, n)
    rows = {
        "id": np.arange(n),
        "x": random.normal(y, 1.5),
        "kind": random.choice(["a", "b", "c"], n),
        "y": np.where(y == 1, "yes", "no"),
    }
    types = dict.fromkeys(more, "number") | SCHEMA
    types |= {name: "string" for name, values in more.items() if np.asarray(values).dtype.kind in "OU"}
    return made(types, rows | more, tests)


def part(verdicts: tuple[CheckVerdict, ...], metric: str, by: str | None) -> CheckVerdict:
    (found,) = (one for one in verdicts if (one.metric, one.by) == (metric, by))
    return found


def test_data_without_a_leak_passes_part_by_part() -> None:
    verdicts = judged(plain(), max_duplicates=0.01)
    assert [one.outcome for one in verdicts] == [Outcome.PASS] * 5
    assert [(one.metric, one.by, one.where) for one in verdicts] == [
        ("overlap", "rows", None),
        ("duplicates", None, "training rows"),
        ("duplicates", None, "test rows"),
        ("overlap", "id", None),
        ("roc_auc", "x", None),
    ]
    assert implementation(LeakageCheck.implementation) is leakage_check.check


def test_rows_on_both_sides_are_counted_and_those_of_another_target_told() -> None:
    data = plain()
    frame = data.frame.copy()
    frame.loc[790:794, ["x", "kind", "y"]] = frame.loc[10:14, ["x", "kind", "y"]].to_numpy()
    frame.loc[795:796, ["x", "kind"]] = frame.loc[20:21, ["x", "kind"]].to_numpy()
    frame.loc[795:796, "y"] = np.where(frame.loc[20:21, "y"] == "yes", "no", "yes")
    leaky = Data("now", data.dataset, frame, data.test)
    found = part(judged(leaky, entities=[], max_predictive=1), "overlap", "rows")
    assert found.outcome is Outcome.FAIL
    assert found.reason == (
        "5 of 200 test rows equal a training row in all features and the target (0.02500 > 0); "
        "7 equal one in the features alone"
    )
    assert found.estimate is not None and (found.estimate.value, found.estimate.low) == (0.025, None)
    (loose,) = judged(leaky, entities=[], max_predictive=1, max_overlap=0.025)
    assert loose.outcome is Outcome.PASS and "(0.02500 <= 0.025)" in loose.reason


def test_equal_rows_are_those_that_pandas_finds() -> None:
    random = np.random.default_rng(3)
    n = 500
    rows = {
        "a": random.choice([1.5, -0.0, 0.0, np.nan], n),
        "b": random.choice(np.array(["u", "v", None], dtype=object), n),
        "c": random.choice(np.array([True, False, None], dtype=object), n),
        "d": random.choice(pd.to_datetime(["2026-01-01", "2026-01-02"]).to_numpy(), n),
        "e": random.choice(["low", "high"], n),
        "y": random.integers(0, 3, n),
    }
    types = {"a": "number", "b": "string", "c": "boolean", "d": "date", "e": "category", "y": "integer:target"}
    data = made(types, rows, 200)
    rows_, train, test = judged(data, max_duplicates=0, max_predictive=1)
    trained = set(_texts(data.trained))
    assert rows_.reason.startswith(f"{sum(row in trained for row in _texts(data.tested))} of 200 test rows")
    for verdict, side in ((train, data.trained), (test, data.tested)):
        count = int(side.duplicated().sum())
        assert verdict.reason.startswith(f"{count} of {len(side)} ") and verdict.outcome is Outcome.FAIL


def _texts(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    return [tuple("0.0" if str(cell) == "-0.0" else str(cell) for cell in row) for row in frame.itertuples(index=False)]


def test_entities_on_both_sides() -> None:
    data = plain(person=np.repeat([f"p{n}" for n in range(200)], 4).astype(object))
    assert part(judged(data, entities=["person"]), "overlap", "person").outcome is Outcome.PASS
    frame = data.frame.copy()
    frame.loc[797:798, "person"] = "p3"
    frame.loc[[5, 799], "person"] = np.nan  # nobody on both sides is no entity
    found = part(judged(Data("now", data.dataset, frame, data.test), entities=["person"]), "overlap", "person")
    assert found.outcome is Outcome.FAIL
    assert found.reason == "2 of 199 test rows have the `person` of a training row (0.01005 > 0); without one: 1"
    assert "p3" not in found.model_dump_json()
    frame["person"] = np.where(data.test, None, frame["person"])
    lacking = part(judged(Data("now", data.dataset, frame, data.test), entities=["person"]), "overlap", "person")
    assert lacking.outcome is Outcome.INSUFFICIENT and lacking.reason == "no test row has a `person`"


def timed(times: np.ndarray, **fields: Any) -> Data:
    data = plain(at=times)
    types = {"id": "integer:id", "x": "number", "kind": "string", "y": "string:target", "at": "number:time"}
    return made(types, data.frame, 200, **fields)


def test_time_is_judged_where_the_split_is_by_it_or_it_is_named() -> None:
    times = np.arange(800.0)
    assert len(judged(timed(times), **OFF | {"max_duplicates": 1})) == 2
    (found,) = judged(timed(times, split={"by": "time"}), **OFF | {"rows": False, "max_duplicates": None}, time="at")
    assert (found.outcome, found.by) == (Outcome.PASS, "at")
    by_default = judged(timed(times, split={"by": "time"}), max_predictive=1, entities=[])
    assert [one.by for one in by_default] == ["rows", "at"]
    assert [one.by for one in judged(timed(times, split={"by": "time"}), max_predictive=1, time=False)] == [
        "rows",
        "id",
    ]
    (late,) = judged(timed(np.where(times == 700, 599, times)), **OFF, time="at")
    assert late.outcome is Outcome.FAIL
    assert late.reason == "1 of 200 test rows are not later by `at` than the last training row (0.005000 > 0)"
    (unknown,) = judged(timed(np.where(times == 700, np.nan, times)), **OFF, time="at")
    assert unknown.outcome is Outcome.INSUFFICIENT
    assert unknown.reason == "rows without `at`, whose order is not known: 0 training rows and 1 test rows"


LEAKS = {
    "a copy of the target": lambda y, r: np.where(y == 1, 7.0, 3.0),
    "a text for the target": lambda y, r: np.where(y == 1, "paid", "open"),
    "many texts": lambda y, r: np.char.add(np.where(y == 1, "p", "o"), r.integers(0, 40, len(y)).astype(str)),
    "a number that falls": lambda y, r: r.normal(-9.0 * y, 1),
    "codes out of order": lambda y, r: np.where(y == 1, r.choice([2, 9], len(y)), r.choice([1, 5, 12], len(y))) * 1.0,
    "missing until it is known": lambda y, r: np.where(y == 1, r.normal(0, 1, len(y)), np.nan),
    "there until it is known": lambda y, r: np.where(y == 1, np.nan, r.normal(0, 1, len(y))),
}


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_feature_that_says_the_target_is_named(leak: Any) -> None:
    random = np.random.default_rng(1)
    y = np.random.default_rng(0).integers(0, 2, 6000)
    data = plain(6000, 2000, status=leak(y, random))
    found = part(judged(data), "roc_auc", "status")
    assert found.outcome is Outcome.FAIL, found.reason
    assert found.reason.startswith("roc_auc of `status` alone ") and "interval adjusted for 3 features" in found.reason
    assert [fact.group for fact in found.groups] == ["status", "x", "kind"]


def test_what_is_close_to_the_bar_is_inconclusive_and_small_data_insufficient() -> None:
    y = np.random.default_rng(0).integers(0, 2, 800)
    near = plain(near=np.random.default_rng(2).normal(3.3 * y, 1))
    found = part(judged(near), "roc_auc", "near")
    assert found.outcome is Outcome.INCONCLUSIVE and "rows would decide" in found.reason
    few = judged(plain(), min_rows=300)[-1]
    assert few.outcome is Outcome.INSUFFICIENT
    assert few.reason == "only 200 test rows to try each feature alone on; 300 are needed"
    data = plain()
    data.frame["y"] = "yes"
    assert judged(data)[-1].outcome is Outcome.INSUFFICIENT
    for side in (True, False):
        (nothing,) = judged(Data("now", data.dataset, data.frame, np.full(800, side)))
        assert nothing.outcome is Outcome.INSUFFICIENT and nothing.reason.startswith("there are no t")


def test_what_never_varies_or_is_always_new_predicts_nothing() -> None:
    n = 800
    data = plain(one=np.ones(n), empty=np.full(n, np.nan), name=np.array([f"n{i}" for i in range(n)], dtype=object))
    found = judged(data)[-1]
    assert found.outcome is Outcome.PASS and found.family == 3
    (fact,) = (fact for fact in found.groups if fact.group == "name")
    assert fact.value == 0.5
    still = made({"one": "number", "y": "string:target"}, {"one": np.ones(n), "y": data.frame["y"]}, 200)
    assert judged(still, rows=False)[-1].reason == "no feature varies, so none predicts alone"


def test_of_several_classes_the_worst_counts() -> None:
    random = np.random.default_rng(0)
    y = random.integers(0, 3, 6000)
    y[[0, 5990]] = 3
    data = made(
        {"x": "number", "flag": "boolean", "y": "integer:target"},
        {"x": random.normal(size=6000), "flag": (y == 1).astype(bool), "y": y},
        3000,
    )
    found = judged(data, rows=False)[-1]
    assert (found.outcome, found.by, found.family) == (Outcome.FAIL, "flag", 6)
    assert found.reason.endswith("interval adjusted for 6 features and classes; classes left out as rare: 1")


@pytest.mark.parametrize(
    ("noise", "outcome"), [(0.001, Outcome.FAIL), (0.12, Outcome.INCONCLUSIVE), (1.0, Outcome.PASS)]
)
def test_of_a_regression_the_rank_correlation_counts(noise: float, outcome: Outcome) -> None:
    random = np.random.default_rng(0)
    y = random.normal(size=1000)
    rows = {"leak": -np.exp(y + noise * random.normal(size=1000)), "x": random.normal(size=1000), "y": y}
    data = made({"leak": "number", "x": "number", "y": "number:target"}, rows, 400)
    found = judged(data, "regression")[-1]
    assert (found.metric, found.by, found.outcome) == ("rank correlation", "leak", outcome), found.reason


def test_groups_make_intervals_wider_and_equal_inputs_equal_bytes() -> None:
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(200), 10)
    y = np.repeat(random.integers(0, 2, 200), 10)
    rows = {"who": group, "x": y + np.repeat(random.normal(0, 0.5, 200), 10), "y": y}
    widths = []
    for role in ("group", "ignore"):
        types = {"who": f"integer:{role}", "x": "number", "y": "integer:target"}
        first, second = (judged(made(types, rows, 1000), rows=False)[-1] for _ in range(2))
        assert first.model_dump_json() == second.model_dump_json()
        assert first.estimate is not None and first.estimate.low is not None and first.estimate.high is not None
        widths.append(first.estimate.high - first.estimate.low)
    assert widths[0] > 2 * widths[1]


INVALID = {
    "nothing to judge": (OFF, "nothing to judge"),
    "twice": ({"entities": ["id", "id"]}, "`id` is listed twice"),
    "a share above 1": ({"max_overlap": 1.5}, "less than or equal to 1"),
    "an area below one half": ({"max_predictive": 0.4}, "greater than or equal to 0.5"),
}


@pytest.mark.parametrize(("fields", "message"), INVALID.values(), ids=INVALID)
def test_what_may_not_be_declared(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        declared(**fields)
