"""The contract of a dataset: each rule with its column, its count and its first rows, and never a value."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from mlspec.specs.dataset import Dataset
from mlspec.steps.contract import check
from tests.tables import declare

FRAME: dict[str, list[Any]] = {
    "id": list(range(1, 13)),
    "age": [20.0, 30.0, None, 40.0, 50.0, 60.0, 25.0, 35.0, 45.0, 55.0, 65.0, 70.0],
    "city": ["Ulm", "Rome", "Ulm", None, "Rome", "Ulm", "Rome", "Ulm", "Rome", "Ulm", "Rome", "Ulm"],
    "member": [True, False, True, True, None, True, False, True, False, True, False, True],
    "y": ["no", "yes"] * 6,
}
TYPES = {"id": "integer", "age": "number", "city": "string", "member": "boolean", "y": "string"}


def declared(checks: dict[str, Any] | None = None, **columns: dict[str, Any]) -> Dataset:
    roles = {"id": {"role": "id"}, "y": {"role": "target"}}
    schema = [
        {"name": name, "type": kind, **roles.get(name, {}), **columns.get(name, {})} for name, kind in TYPES.items()
    ]
    return declare(*schema, checks=checks or {})


def table(**changes: list[Any]) -> pd.DataFrame:
    cells = {**FRAME, **changes}
    return pd.DataFrame(
        {name: pd.Series(cells[name], dtype="object" if name in ("city", "member", "y") else None) for name in TYPES}
    )


def test_a_table_that_keeps_it() -> None:
    strict = declared(
        {"unique": ["id"], "min_rows": 12, "max_rows": 12, "max_missing": 1 / 12},
        age={"min": 20, "max": 70},
        city={"values": ["Ulm", "Rome"]},
        member={"values": [True, False]},
        y={"values": ["no", "yes"]},
    )
    assert check(table(), strict) == ()


def test_a_column_that_nothing_uses_may_be_empty() -> None:
    assert check(table(city=[None] * 12), declared(city={"role": "ignore"})) == ()


@pytest.mark.parametrize(
    ("dataset", "changes", "rule", "column", "count", "rows", "message"),
    [
        (declared({"min_rows": 13}), {}, "min_rows", None, 12, (), "12 rows; at least 13 are required"),
        (declared({"max_rows": 11}), {}, "max_rows", None, 12, (), "12 rows; at most 11 are allowed"),
        (
            declared(age={"min": 30}),
            {},
            "min",
            "age",
            2,
            (1, 7),
            "column `age`, 2 rows: the value is below 30",
        ),
        (
            declared(age={"max": 44.5}),
            {},
            "max",
            "age",
            6,
            (5, 6, 9, 10, 11),
            "column `age`, 6 rows: the value is above 44.5",
        ),
        (
            declared(city={"values": ["Ulm"]}),
            {},
            "values",
            "city",
            5,
            (2, 5, 7, 9, 11),
            "column `city`, 5 rows: the value is none of the allowed ones",
        ),
        (
            declared(member={"values": [True]}),
            {},
            "values",
            "member",
            4,
            (2, 7, 9, 11),
            "column `member`, 4 rows: the value is none of the allowed ones",
        ),
        (
            declared({"unique": ["id"]}),
            {"id": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2, 2]},
            "unique",
            "id",
            3,
            (2, 11, 12),
            "column `id`, 3 rows: the value is there more than once",
        ),
        (
            declared({"max_missing": 0.05}, age={"max_missing": 0.1}, city={"max_missing": 0.1}),
            {},
            "max_missing",
            "member",
            1,
            (5,),
            "column `member`, 1 row: 8.33% are missing; 5.00% are allowed",
        ),
        (
            declared(age={"max_missing": 0}),
            {},
            "max_missing",
            "age",
            1,
            (3,),
            "column `age`, 1 row: 8.33% are missing; 0.00% are allowed",
        ),
        (
            declared(),
            {"city": [None] * 12},
            "missing/all",
            "city",
            12,
            (1, 2, 3, 4, 5),
            "column `city`, 12 rows: every value is missing",
        ),
        (
            declared(),
            {"y": [None, *FRAME["y"][1:]]},
            "target/missing",
            "y",
            1,
            (1,),
            "column `y`, 1 row: the target is missing",
        ),
        (
            declared(),
            {"y": [None] * 12},
            "missing/all",
            "y",
            12,
            (1, 2, 3, 4, 5),
            "column `y`, 12 rows: every value is missing",
        ),
        (
            declared(),
            {"y": ["no"] * 12},
            "target/constant",
            "y",
            12,
            (),
            "column `y`: the target has one value only, so there is nothing to learn",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_what_breaks_it(
    dataset: Dataset,
    changes: dict[str, list[Any]],
    rule: str,
    column: str | None,
    count: int,
    rows: tuple[int, ...],
    message: str,
) -> None:
    (found,) = check(table(**changes), dataset)
    assert (found.rule, found.column, found.count, found.rows, found.message) == (rule, column, count, rows, message)


def test_everything_is_said_at_once() -> None:
    strict = declared({"min_rows": 99, "unique": ["city"]}, age={"min": 30, "max": 60}, city={"values": ["Ulm"]})
    found = [(violation.rule, violation.column) for violation in check(table(), strict)]
    assert found == [("min_rows", None), ("min", "age"), ("max", "age"), ("values", "city"), ("unique", "city")]


def test_missing_values_break_no_range_and_repeat_nothing() -> None:
    gaps = table(age=[None] * 11 + [30.0], city=[None] * 11 + ["Ulm"])
    lenient = declared({"unique": ["age", "city"]}, age={"min": 30, "max": 30}, city={"values": ["Ulm"]})
    assert check(gaps, lenient) == ()


def test_of_an_unread_column_nothing_more_is_said() -> None:
    frame = table(id=[None] * 12, y=[None] * 12)
    assert {violation.column for violation in check(frame, declared())} == {"id", "y"}
    assert check(frame, declared(), {"id", "y"}) == ()


@pytest.mark.parametrize("kind", ["Int64", "float64", "int64"])
def test_the_types_that_integers_come_in(kind: str) -> None:
    values = [5, 10, 15, 10] if kind == "int64" else [5, 10, None, 10]
    frame = pd.DataFrame({"n": pd.Series(values, dtype=kind)})
    dataset = declare(
        {"name": "n", "type": "integer", "min": 6, "max": 12, "values": [5, 10, 15]}, checks={"unique": ["n"]}
    )
    expected = [("min", (1,)), *([("max", (3,))] if kind == "int64" else []), ("unique", (2, 4))]
    assert [(violation.rule, violation.rows) for violation in check(frame, dataset)] == expected


def test_no_value_is_ever_shown() -> None:
    private = ["Zanzibar-7731", "Yaoundé-7732"] * 6
    strict = declared(
        {"unique": ["city"]}, city={"values": ["Ulm"], "sensitive": True}, age={"max": 1, "sensitive": True}
    )
    found = check(table(city=private, age=[7731.0] * 12), strict)
    assert {violation.rule for violation in found} == {"values", "unique", "max"}
    assert not any(secret in violation.model_dump_json() for violation in found for secret in ("773", "Zanz", "Yao"))


@pytest.mark.parametrize(
    ("rows", "split", "expected"),
    [
        (1, {"test": 0.999}, ("split/empty", "the training split has no rows: 0 train, 1 test")),
        (3, {"test": 0.000001}, ("split/empty", "the test split has no rows: 3 train, 0 test")),
        (1, {"by": "random"}, ("split/empty", "the test split has no rows: 1 train, 0 test")),
        (
            2,
            {"by": "random", "test": 0.5},
            ("target/constant", "column `y`: the training split has one value of the target only"),
        ),
    ],
)
def test_both_sides_must_have_rows_to_learn_from(rows: int, split: dict[str, Any], expected: tuple[str, str]) -> None:
    dataset = declare("id:integer:id", "x:number", "y:string:target", split=split)
    frame = pd.DataFrame({"id": range(rows), "x": [1.0] * rows, "y": (["no", "yes"] * rows)[:rows]})
    (found,) = check(frame, dataset)
    assert (found.rule, found.message) == expected
