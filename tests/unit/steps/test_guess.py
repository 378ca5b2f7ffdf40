"""Guesses: each type and role from what it rests on, and never more than the sample says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.sample import Sample
from mlspec.steps.guess import Guess, _down, _up, guess
from tests.tables import declare


def guessed(kind: str | None = None, name: str = "c", **cells: list[str | None]) -> Guess:
    return next(one for one in guess(Sample(cells, {name: kind} if kind else {})).columns if one.fields["name"] == name)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "+3"], "integer"),
        (["1", "2.5", "1e3"], "number"),
        (["true", "False"], "boolean"),
        (["2026-01-01", "2026-02-01"], "date"),
        (["2026-01-01", "2026-02-01T06:00Z"], "datetime"),
        (["01234", "12345"], "string"),
        (["1", "two"], "string"),
        (["99999999999999999999"], "number"),
        (["inf"], "string"),
        ([None, None], "string"),
        (["1", None, "NA", "?"], "integer"),
        (["1", "-"], "integer"),
        (["NA", "x"], "string"),
    ],
)
def test_types(cells: list[str | None], kind: str) -> None:
    assert guessed(c=cells, last=["a"] * len(cells)).fields["type"] == kind


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["13/04/2024", "1/5/2024", None, "NA"], "looks like dates: a `date` is written as YYYY-MM-DD"),
        (["13.04.24", "01.05.24"], "looks like dates"),
        (["2024/04/13 10:30", "2024/05/01 06:00:00"], "looks like dates"),
        (["1,5", "2", "-"], "looks like numbers: a `number` has `.` as its decimal sign"),
        (["1.234,5", "1,234.5", "-1 234,50"], "looks like numbers"),
        (["1,5", "much"], ""),
        (["13/04/2024", "soon"], ""),
        (["3-4-5", "13/04.2024"], ""),
        (["01234", "12345"], "a code: zeros lead"),
        ([None, None], ""),
    ],
)
def test_what_is_written_as_in_some_country_is_said_to_be(cells: list[str | None], said: str) -> None:
    found = guessed(c=cells, last=["a"] * len(cells))
    assert found.fields["type"] == "string"
    assert said in found.why
    assert said or "looks like" not in found.why


def test_words_for_missing_are_told_only_where_they_help() -> None:
    assert guess(Sample({"x": ["1", "?", "NA"], "s": ["n/a", "b", "c"]})).missing == ("NA", "?")
    assert guess(Sample({"s": ["NA", "b", "c"]})).missing == ()


def test_roles() -> None:
    rows = range(100)
    found = guess(
        Sample(
            {
                "row": [str(n) for n in rows],
                "customer_id": [f"c{n}" for n in rows],
                "day": ["2026-01-01"] * 100,
                "code": [f"x{n}" for n in rows],
                "body": [f"a long text about many things, of which {n} is one" for n in rows],
                "label": ["yes", "no"] * 50,
                "x": ["1", "2"] * 50,
            }
        )
    )
    assert {one.fields["name"]: one.fields.get("role") for one in found.columns} == {
        "row": None,
        "customer_id": "id",
        "day": "time",
        "code": "ignore",
        "body": "ignore",
        "label": "target",
        "x": None,
    }


def test_the_last_column_is_a_target_only_if_it_can_be_one() -> None:
    assert guessed(c=["a", "b", "a"]).fields["role"] == "target"
    assert "is it?" in guessed(c=["a", "b", "a"]).why
    assert guessed(c=["2026-01-01", "2026-01-02"]).fields["role"] == "time"
    assert "role" not in guessed(c=["a", "a"]).fields


def test_what_looks_personal_shows_no_value() -> None:
    found = guessed(name="birth_year", birth_year=["1970", "1980"], y=["1", "0"])
    assert found.fields == {"name": "birth_year", "type": "integer", "sensitive": True}
    assert found.why == "the name looks personal"
    assert "values" not in guessed(name="sex", sex=["f", "m"] * 20 + ["x"] * 9, y=["1", "0"] * 20).fields


def test_what_looks_personal_lists_the_groups_that_many_are_in() -> None:
    found = guessed(name="sex", sex=["m", "f", None] * 10, y=["1", "0", "1"] * 10)
    assert found.fields == {"name": "sex", "type": "string", "values": ["f", "m"], "sensitive": True}


@given(st.floats(-1e12, 1e12).filter(lambda value: value == 0 or abs(value) > 1e-6))
def test_ranges_hold_what_was_seen(value: float) -> None:
    assert _down(value) <= value * (1 + 1e-9) if value > 0 else _down(value) <= value * (1 - 1e-9)
    assert _up(value) >= value * (1 - 1e-9) if value > 0 else _up(value) >= value * (1 + 1e-9)


CELL: Any = st.none() | st.text(max_size=8) | st.integers().map(str) | st.floats().map(str)
CELLS = st.lists(CELL, min_size=3, max_size=3)


@given(st.dictionaries(st.text(min_size=1, max_size=12), CELLS, min_size=1, max_size=5))
def test_any_guess_is_a_valid_schema(cells: dict[str, list[str | None]]) -> None:
    declare(*[one.fields for one in guess(Sample(cells)).columns])
