"""One form for tables, whatever they were read from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlspec.core.problem import MlspecError
from mlspec.steps.frames import Field, read, table_of, typed, write

FIELDS = (
    Field("i", "integer", "feature"),
    Field("n", "number", "feature"),
    Field("s", "string", "feature"),
    Field("b", "boolean", "feature"),
)
WHOLE: dict[str, list[Any]] = {"i": [1, 2], "n": [0.5, 2.0], "s": ["a", "ü"], "b": [True, False]}
GAPS: dict[str, list[Any]] = {"i": [1, None], "n": [0.5, None], "s": ["a", None], "b": [True, None]}


def variants(cells: dict[str, list[Any]]) -> list[pd.DataFrame]:
    nullable = {"i": "Int64", "n": "Float64", "s": "string", "b": "boolean"}
    extra = {"unasked": [0, 0]}
    return [
        pd.DataFrame(cells),
        pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in cells.items()}),
        pd.DataFrame({name: pd.Series(values, dtype=nullable[name]) for name, values in cells.items()}),
        pd.DataFrame({**extra, **dict(reversed(cells.items()))}, index=[7, 3]),
    ]


@pytest.mark.parametrize("frame", variants(WHOLE), ids=["inferred", "objects", "nullable", "reordered"])
def test_whole(frame: pd.DataFrame, tmp_path: Path) -> None:
    result = typed(frame, FIELDS)
    assert list(result.columns) == ["i", "n", "s", "b"]
    assert [str(result[name].dtype) for name in ("i", "n", "b")] == ["int64", "float64", "object"]
    assert result.to_dict("list") == WHOLE
    write(table_of(frame, FIELDS), tmp_path / "table")
    pd.testing.assert_frame_equal(read(tmp_path / "table"), result)


@pytest.mark.parametrize("frame", variants(GAPS), ids=["inferred", "objects", "nullable", "reordered"])
def test_missing_is_nan_everywhere(frame: pd.DataFrame) -> None:
    result = typed(frame, FIELDS)
    assert [str(result[name].dtype) for name in ("i", "n", "b")] == ["float64", "float64", "object"]
    assert result.iloc[0].to_dict() == {"i": 1.0, "n": 0.5, "s": "a", "b": True}
    for value in result.iloc[1]:
        assert isinstance(value, float)
        assert np.isnan(value)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("i", [1.5]),
        ("i", ["x"]),
        ("n", ["1"]),
        ("s", [3]),
        ("b", [1]),
        ("i", [True]),
        ("n", [False]),
        ("i", [2**70]),
        ("s", [True]),
    ],
)
def test_something_else_than_declared_is_refused_without_its_value(column: str, cells: list[Any]) -> None:
    frame = pd.DataFrame({name: values[:1] for name, values in WHOLE.items()} | {column: cells})
    with pytest.raises(MlspecError) as refused:
        typed(frame, FIELDS)
    (problem,) = refused.value.problems
    assert problem.code == "table/type"
    assert f"`{column}`" in problem.message
    assert str(cells[0]) not in problem.message


def test_a_missing_column_is_named() -> None:
    with pytest.raises(MlspecError, match="no column `b`"):
        typed(pd.DataFrame({"i": [1], "n": [1.0], "s": ["a"]}), FIELDS)


def test_no_rows(tmp_path: Path) -> None:
    write(table_of(pd.DataFrame({name: [] for name in WHOLE}), FIELDS), tmp_path / "table")
    assert read(tmp_path / "table").shape == (0, 4)
