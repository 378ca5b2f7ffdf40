"""The data check: each part in each outcome, held against statsmodels, and what may be declared."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates import data_check
from mlspec.gates.data import DataCheck
from mlspec.plugins.catalog import implementation
from mlspec.stats.case import Case, Data, Lost
from tests.frames import case_of, made

TYPES = {
    "id": "integer:id",
    "age": "number",
    "kind": "string",
    "sure": "boolean",
    "on": "date",
    "note": "text",
    "y": "string:target",
}


def declared(**fields: Any) -> DataCheck:
    return DataCheck.model_validate_json(json.dumps({"check": "data", **fields}))


def rows(n: int = 3000, seed: int = 0, **more: Any) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "id": np.arange(n) + seed * n,
        "age": np.clip(random.normal(40, 10, n), 0, 90),
        "kind": random.choice(["a", "b", "c"], n),
        "sure": random.integers(0, 2, n).astype(bool),
        "on": np.datetime64("2026-01-01") + random.integers(0, 300, n).astype("timedelta64[D]"),
        "note": np.array([f"{seed} says {k}" for k in range(n)], dtype=object),
        "y": random.choice(["yes", "no"], n),
    } | more


def judged(now: Data, before: Data | Lost | None, **fields: Any) -> tuple[CheckVerdict, ...]:
    return data_check.check(declared(**fields), Case(case_of(now).evidence, data=lambda: now, before=lambda: before))


def against(more: dict[str, Any], n: int = 3000, **fields: Any) -> dict[str | None, CheckVerdict]:
    """Return the verdicts on newer data that differs in some columns, by what was judged."""
    before = made(TYPES, rows(n), version="sha256:" + "0123456789abcdef" * 4)
    return {one.metric: one for one in judged(made(TYPES, rows(n, 1, **more)), before, **fields)}


def test_data_like_the_champions_passes_and_no_value_is_told() -> None:
    found = against({})
    assert list(found) == ["contract", "shift", "missing", "unseen"]
    assert {one.outcome for one in found.values()} == {Outcome.PASS}, [one.reason for one in found.values()]
    assert {one.against for one in found.values()} == {"champion's data 01234567"}
    assert {name: (one.family, one.groups) for name, one in found.items()} == {
        "contract": (1, ()),
        "shift": (5, ()),
        "missing": (6, ()),
        "unseen": (5, ()),
    }
    assert implementation(DataCheck.implementation) is data_check.check
    assert not any(value in one.model_dump_json() for one in found.values() for value in ("says", "2026-", '"a"'))


def test_without_a_champion_or_its_data() -> None:
    now = made(TYPES, rows())
    (none,) = judged(now, None)
    assert (none.outcome, none.reason) == (Outcome.PASS, "there is no champion, so there is no data to compare with")
    (lost,) = judged(now, Lost("the data is no longer kept"))
    assert (lost.outcome, lost.reason) == (Outcome.INSUFFICIENT, "the data is no longer kept")
    (same,) = judged(now, now, min_rows=10_000)
    assert same.outcome is Outcome.PASS and "the same data" in same.reason


N = 3000
MOVED = np.random.default_rng(5)
SHIFTS = {
    "numbers": ({"age": np.clip(MOVED.normal(50, 10, N), 0, 90)}, Outcome.FAIL, "shift of `age` 0.4"),
    "levels": ({"kind": MOVED.choice(["a", "b", "c"], N, p=[0.8, 0.1, 0.1])}, Outcome.FAIL, "shift of `kind` 0.4"),
    "booleans": ({"sure": MOVED.random(N) < 0.9}, Outcome.FAIL, "shift of `sure` 0.3"),
    "dates": ({"on": rows()["on"] + np.timedelta64(200, "D")}, Outcome.FAIL, "shift of `on` 0.6"),
    "the target": ({"y": np.where(MOVED.random(N) < 0.9, "yes", "no")}, Outcome.FAIL, "shift of `y` 0.4"),
    "a little": ({"sure": MOVED.random(N) < 0.6}, Outcome.INCONCLUSIVE, "straddles 0.1 on 3,000 rows; about "),
}


@pytest.mark.parametrize(("more", "outcome", "reason"), SHIFTS.values(), ids=SHIFTS)
def test_a_shift_is_told_by_its_column(more: dict[str, Any], outcome: Outcome, reason: str) -> None:
    found = against(more)["shift"]
    assert found.outcome is outcome and reason in found.reason, found.reason
    assert found.by == next(iter(more))
    assert found.reason.endswith("interval adjusted for 5 columns")


@pytest.mark.parametrize(
    ("share", "outcome"), [(0.3, Outcome.FAIL), (0.05, Outcome.INCONCLUSIVE), (0.02, Outcome.PASS)]
)
def test_missing_values_have_newcombes_interval(share: float, outcome: Outcome) -> None:
    ages = rows(seed=1)["age"]
    gone = int(share * N)
    found = against({"age": np.where(np.arange(N) < gone, np.nan, ages)}, columns=["age"])["missing"]
    assert (found.outcome, found.family) == (outcome, 1), found.reason
    low, high = confint_proportions_2indep(gone, N, 0, N, method="newcomb", compare="diff")
    assert found.estimate is not None
    assert (found.estimate.low, found.estimate.high) == pytest.approx((low, high), abs=1e-9)


@pytest.mark.parametrize(("count", "outcome"), [(100, Outcome.FAIL), (31, Outcome.INCONCLUSIVE), (5, Outcome.PASS)])
@pytest.mark.parametrize(("column", "value"), [("kind", "d"), ("age", 900.0), ("age", -1.0)])
def test_values_never_seen_have_wilsons_interval(column: str, value: Any, count: int, outcome: Outcome) -> None:
    values = np.array(rows()[column], dtype=object)
    values[:count] = value
    found = against({column: values}, columns=[column])["unseen"]
    assert found.outcome is outcome, found.reason
    assert found.estimate is not None
    bounds = proportion_confint(count, N, method="wilson")
    assert (found.estimate.low, found.estimate.high) == pytest.approx(bounds, abs=1e-9)


def test_the_contract_names_what_came_went_and_changed() -> None:
    before = made(TYPES, rows(), version="old")
    types = {name: said for name, said in TYPES.items() if name != "sure"}
    types |= {"kind": "string:ignore", "age": "integer", "more": "number"}
    newer = rows(seed=1, age=np.arange(N), more=np.zeros(N))
    now = made(types, {name: newer[name] for name in types})
    contract, *others = judged(now, before)
    assert contract.outcome is Outcome.FAIL
    assert contract.reason == (
        "since the champion was trained `age` became integer from number, `kind` became ignore from feature, "
        "`more` came, `sure` went"
    )
    assert [one.family for one in others] == [2, 3, 2]  # `on` and `y`, of `note` what is missing
    (only, *_) = judged(now, before, columns=["on", "y"])
    assert only.outcome is Outcome.PASS
    order = {"kind": "category", "y": "string:target"}
    old, new = (
        made(order, {"kind": ["low", "high"] * 5, "y": ["a", "b"] * 5}, version=name) for name in ("old", "new")
    )
    columns = (new.dataset.columns[0].model_copy(update={"values": ("high", "low")}), new.dataset.columns[1])
    turned = Data("new", new.dataset.model_copy(update={"columns": columns}), new.frame, new.test)
    assert judged(turned, old)[0].reason.endswith("the values of `kind`, or their order, became others")


def test_too_few_rows_or_values_are_insufficient() -> None:
    contract, few = judged(made(TYPES, rows(400)), made(TYPES, rows(), version="old"))
    assert (contract.outcome, few.outcome) == (Outcome.PASS, Outcome.INSUFFICIENT)
    assert few.reason == "this version was trained on only 400 rows; 500 are needed to compare columns"
    found = against({"age": np.where(np.arange(N) < 400, 40.0, np.nan)})
    assert found["missing"].outcome is Outcome.FAIL
    assert found["shift"].outcome is Outcome.INSUFFICIENT
    assert found["shift"].reason.startswith("shift of `age`: this version has only 400 values; 500 are needed")
    there = np.arange(N) < 400
    sparse = {"age": np.where(there, 40.0, np.nan), "kind": np.where(there, "a", None)}
    both = against(sparse)["shift"]
    assert [(fact.group, fact.note) for fact in both.groups] == [("age", "insufficient"), ("kind", "insufficient")]


def test_a_column_of_nearly_unique_texts_or_of_nothing_is_not_compared() -> None:
    names = [np.array([f"{side}{n}" for n in range(N)], dtype=object) for side in "xy"]
    empty = np.full(N, np.nan)
    types = {"name": "string", "empty": "number", "y": "string:target"}
    before, now = (
        made(types, {"name": name, "empty": empty, "y": rows(seed=seed)["y"]}, version=str(seed))
        for seed, name in enumerate(names)
    )
    shift = judged(now, before)[1]
    assert shift.outcome is Outcome.PASS and shift.family == 1
    assert shift.reason.endswith("; not compared, for nearly every value differs: `name`")


def test_of_many_levels_the_rare_ones_are_one() -> None:
    random = np.random.default_rng(7)
    kinds = [np.array([f"k{k}" for k in range(400)])[random.zipf(1.5, 20 * N) % 400] for _ in range(2)]
    types = {"kind": "string", "y": "string:target"}
    ys = np.resize(["yes", "no"], 20 * N)
    before, now = (made(types, {"kind": kind, "y": ys}, version=str(n)) for n, kind in enumerate(kinds))
    assert judged(now, before)[1].outcome is Outcome.PASS


def test_rows_in_groups_say_less() -> None:
    types = TYPES | {"id": "integer:group"}
    sides = [made(types, rows(seed=seed, id=np.arange(N) // 10), version=str(seed)) for seed in (0, 1)]
    grouped = judged(sides[1], sides[0])[1]
    gone = made(types, rows(seed=1, id=np.arange(N) // 10, age=np.full(N, np.nan)), version="gone")
    assert judged(gone, sides[0])[1].outcome is Outcome.INSUFFICIENT
    assert grouped.outcome is Outcome.INCONCLUSIVE, grouped.reason
    assert against({})["shift"].outcome is Outcome.PASS


def test_all_that_do_not_pass_are_named() -> None:
    found = against(SHIFTS["numbers"][0] | SHIFTS["levels"][0] | SHIFTS["a little"][0])["shift"]
    assert found.by == "kind" and "; no pass either: `age`, `sure`" in found.reason
    assert [fact.group for fact in found.groups] == ["kind", "age", "sure"]


INVALID = {
    "a share above 1": ({"max_shift": 1.5}, "less than or equal to 1"),
    "no column": ({"columns": []}, "at least 1 item"),
    "twice": ({"columns": ["age", "age"]}, "`age` is listed twice"),
    "too few rows to say anything": ({"min_rows": 3}, "greater than or equal to 10"),
}


@pytest.mark.parametrize(("fields", "message"), INVALID.values(), ids=INVALID)
def test_what_may_not_be_declared(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        declared(**fields)
