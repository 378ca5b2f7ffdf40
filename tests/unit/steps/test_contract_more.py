"""Checks over several columns, patterns that cannot be made slow, and references to other datasets."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import pytest

from mlspec.core.problem import MlspecError
from mlspec.steps.contract import check
from tests.tables import declare


def told(found: Any) -> list[tuple[str, str | None, tuple[int, ...]]]:
    return [(one.rule, one.column, one.rows) for one in found]


def test_unique_together() -> None:
    dataset = declare("city:string", "day:date", "n:integer", checks={"unique": ["n", ["city", "day"]]})
    days = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-01", None, None]).as_unit("us")
    frame = pd.DataFrame({"city": ["Ulm", "Ulm", "Ulm", None, None], "day": days, "n": [1, 2, 3, 4, 5]})
    (found,) = check(frame, dataset)
    assert found.message == "columns `city`, `day`, 2 rows: the values are there together more than once"
    assert told([found]) == [("unique", None, (1, 3))]
    assert check(frame.iloc[1:].reset_index(drop=True), dataset) == ()
    assert check(frame, dataset, unread={"day"}) == ()


def text(values: list[Any], pattern: str) -> Any:
    frame = pd.DataFrame({"c": pd.Series(values, dtype=object), "n": range(len(values))})
    return check(frame, declare({"name": "c", "type": "string", "pattern": pattern}, "n:integer"))


def test_a_pattern_is_of_the_whole_value() -> None:
    assert told(text(["AB12", "xAB12", "AB12\n", None, "AB"], r"[A-Z]{2}\d+")) == [("pattern", "c", (2, 3, 5))]
    assert told(text(["Köln", "Ulm", "5"], r"\pL+")) == [("pattern", "c", (3,))]


def test_no_pattern_is_slow() -> None:
    started = time.process_time()
    assert told(text(["a" * 5000 + "!"] * 50 + ["a"], r"(a+)+|(a|a)*")) != []
    assert time.process_time() - started < 5


def test_a_pattern_that_only_re2_refuses() -> None:
    with pytest.raises(MlspecError, match=r"`pattern` is no expression of RE2: .*repetition"):
        text(["a"], "(a{1000}){1000}")


def test_references() -> None:
    dataset = declare(
        "id:integer:id",
        "boss:integer",
        "city:string",
        checks={
            "references": [{"column": "boss", "dataset": "d", "to": "id"}, {"column": "city", "dataset": "cities"}]
        },
    )
    frame = pd.DataFrame({"id": [1, 2, 3], "boss": [None, 1, 9], "city": ["Ulm", None, "Atlantis"]})
    known = {("cities", "city"): pd.Series(["Ulm", "Rome", None])}
    assert [(one.rule, one.rows, one.message) for one in check(frame, dataset, known=known)] == [
        ("references", (3,), "column `boss`, 1 row: the value is not in `id` of dataset/d"),
        ("references", (3,), "column `city`, 1 row: the value is not in `city` of dataset/cities"),
    ]
