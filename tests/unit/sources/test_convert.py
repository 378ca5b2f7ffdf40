"""Text to declared types: each type's ways of writing it, what does not fit, and Python and pandas as oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.sources.convert import Cells, Converter
from mlspec.sources.reading import Reading, joined
from tests.tables import declare


def converted(kind: str, cells: list[str], chunks: int = 1, **column: Any) -> Reading:
    dataset = declare({"name": "c", "type": kind, **column}, source={"path": "d.csv", "missing": ["?"]})
    converter, frames = Converter(dataset), []
    size = -(-len(cells) // chunks)
    for start in range(0, len(cells), size):
        part = cells[start : start + size]
        frames.append(converter.convert({"c": Cells(part, [cell in ("", "?") for cell in part])}, len(part)))
    return Reading(joined(frames, dataset), tuple(converter.violations()))


def plain(values: pd.Series) -> list[Any]:
    return [None if pd.isna(value) else value for value in values.tolist()]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            "integer",
            {
                "3": 3,
                "-3": -3,
                "+3": 3,
                "3.0": 3,
                "3e2": 300,
                " 3 ": 3,
                "007": 7,
                "3.": 3,
                "9007199254740993": 2**53 + 1,
            },
            ["3.5", "three", "1_000", "0x10", "inf", "nan", "9" * 400, " ", "1,5", "9223372036854775808"],
        ),
        (
            "number",
            {"3": 3.0, ".5": 0.5, "3.": 3.0, "-1e-3": -0.001, "1E5": 1e5, " 2 ": 2.0, "0.1": 0.1, "1e308": 1e308},
            ["inf", "-Infinity", "nan", "NaN", "NA", "1e999", "1_0.5", "1,5", "5%", "0x1p3", " "],
        ),
        (
            "boolean",
            {"true": True, "TRUE": True, "1": True, "False": False, "0": False, " true ": True},
            ["yes", "no", "2", "t", "1.0", "nan", " "],
        ),
    ],
)
def test_ways_of_writing(kind: str, good: dict[str, Any], bad: list[str]) -> None:
    for cell, value in good.items():
        read = converted(kind, [cell])
        assert (plain(read.frame["c"]), read.violations) == ([value], ()), cell
    for cell in bad:
        read = converted(kind, ["1", cell])
        assert plain(read.frame["c"])[1] is None, cell
        assert [(violation.rule, violation.rows) for violation in read.violations] == [("type", (2,))], cell


@pytest.mark.parametrize(
    ("kind", "cells", "dtype"),
    [
        ("integer", ["1", "2"], "int64"),
        ("integer", ["1", ""], "float64"),
        ("integer", ["9007199254740993", "?"], "Int64"),
        ("integer", ["", "?"], "float64"),
        ("number", ["1", ""], "float64"),
        ("boolean", ["1", ""], "object"),
        ("string", ["1", ""], "object"),
    ],
)
def test_the_plainest_type_that_loses_nothing(kind: str, cells: list[str], dtype: str) -> None:
    frame = converted(kind, cells).frame
    assert str(frame["c"].dtype) == dtype
    assert plain(frame["c"])[1] == {"1": 1, "2": 2}.get(cells[1])


def test_what_does_not_fit_is_counted_with_its_first_rows() -> None:
    cells = [str(n) if n % 3 else "many" for n in range(30)]
    (violation,) = converted("integer", cells, chunks=4).violations
    assert (violation.rule, violation.column, violation.count) == ("type", "c", 10)
    assert violation.rows == (1, 4, 7, 10, 13)
    assert violation.message == "column `c`: 10 values are not an integer, as 'many'"


@pytest.mark.parametrize("hidden", [{"sensitive": True}, {"role": "id"}], ids=str)
def test_values_of_sensitive_columns_and_ids_are_not_shown(hidden: dict[str, Any]) -> None:
    (violation,) = converted("integer", ["1", "private"], **hidden).violations
    assert violation.message == "column `c`: 1 value is not an integer"


@pytest.mark.parametrize(
    ("cell", "shown"),
    [("\x1b[31mred", r"'\x1b[31mred'"), ("w" * 100, "'" + "w" * 40 + "…'"), ("a\u202eb", r"'a\u202eb'")],
)
def test_an_example_is_short_and_printable(cell: str, shown: str) -> None:
    assert converted("number", [cell]).violations[0].message == f"column `c`: 1 value is not a number, as {shown}"


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1), st.integers(1, 3))
def test_integers_are_exact(values: list[int | None], chunks: int) -> None:
    read = converted("integer", ["" if value is None else str(value) for value in values], chunks)
    assert read.violations == ()
    assert plain(read.frame["c"]) == values


def test_an_integer_is_judged_by_itself_whatever_stands_beside_it() -> None:
    read = converted("integer", ["9007199254740993", "3.0", "many", "9007199254740993.0", str(2**63), "-1"])
    assert [violation.rows for violation in read.violations] == [(3, 4, 5)]
    assert plain(read.frame["c"]) == [9007199254740993, 3, None, None, None, -1]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(1, 3))
def test_numbers_round_as_python_and_pandas_do(values: list[float], chunks: int) -> None:
    cells = [repr(value) for value in values]
    read = converted("number", cells, chunks)
    assert read.frame["c"].tolist() == values
    precise = pd.to_numeric(pd.Series(cells, dtype=object))
    np.testing.assert_allclose(read.frame["c"].to_numpy(), precise.to_numpy(dtype=float), rtol=1e-15)
