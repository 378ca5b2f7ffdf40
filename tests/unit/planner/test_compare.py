"""How two runs differ: part by part, only what does, and nothing of a sensitive column but what its profile may say."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.comparison import Change
from mlspec.core.verdict import Estimate
from mlspec.planner import compare
from mlspec.specs.dataset import Dataset
from mlspec.steps.profile import profile


def described(values: list[Any], kind: str = "string", **column: Any) -> dict[str, Any]:
    """Return the profile of a table with a column `x`."""
    declared = {"name": "x", "type": kind, **column}
    written = {"name": "d", "owner": "o", "source": {"path": "d.csv"}, "schema": [declared]}
    dataset = Dataset.model_validate_json(json.dumps(written))
    return profile(pd.DataFrame({"x": values}), dataset, np.zeros(len(values), dtype=bool))


def told(before: dict[str, Any], after: dict[str, Any], *sensitive: str) -> dict[str, tuple[Any, Any]]:
    """Return what is told of the column `x`."""
    (column,) = compare.columns(before, after, sensitive) or (None,)
    return {change.field: (change.before, change.after) for change in column.changes} if column else {}


def test_fields_go_to_their_parts() -> None:
    before = {"dataset": "a", "train.params.C": 1, "train.seed": 7, "code.src/a.py": "x", "train.environment": "l"}
    after = {"dataset": "b", "train.params.C": 1.0, "train.seed": 8, "code.src/b.py": "x", "train.environment": "m"}
    assert compare.fields(before, after) == {
        "params": (Change(field="C", before=1, after=1.0),),
        "training": (Change(field="seed", before=7, after=8),),
        "code": (Change(field="src/a.py", before="x"), Change(field="src/b.py", after="x")),
        "environment": (Change(field="lock file", before="l", after="m"),),
    }


def test_missing_and_values_are_told_as_shares_of_the_rows() -> None:
    seen = told(described(["a"] * 30 + ["b"] * 10), described(["a"] * 40 + ["b"] * 20 + [None] * 20))
    assert seen["values.a"] == (0.75, 0.5)
    assert "values.b" not in seen, "a quarter of the rows in both"
    assert seen["missing"] == (0.0, 0.25)


def test_numbers_are_told_with_moments_and_quantiles() -> None:
    seen = told(described(list(range(100)), "integer"), described(list(range(10, 110)), "integer"))
    assert seen["mean"] == (49.5, 59.5)
    assert seen["quantiles.0.5"] == (49.5, 59.5)
    assert seen["min"] == (0.0, 10.0)
    assert "std" not in seen


def test_columns_come_in_the_order_of_how_much_they_changed() -> None:
    same, after = described(list(range(100)), "integer"), described(list(range(1, 101)), "integer")
    words, moved = described(["a"] * 50 + ["b"] * 50), described(["a"] * 20 + ["b"] * 80)
    far, gone = described(list(range(200, 300)), "integer"), {"rows": 100, "columns": {"gone": {"type": "number"}}}
    first = {"near": same, "words": words, "far": same, "retyped": same}
    second = {"near": after, "words": moved, "far": far, "retyped": words}
    sides = [
        {"rows": 100, "columns": {name: one["columns"]["x"] for name, one in side.items()}} for side in (first, second)
    ]
    sides[0]["columns"] |= gone["columns"]
    assert [column.column for column in compare.columns(sides[0], sides[1], ())] == [
        "retyped",
        "gone",
        "far",
        "words",
        "near",
    ]


def test_columns_that_came_or_went_are_named() -> None:
    none = {"rows": 10, "columns": {}}
    (came,) = compare.columns(none, described(["a"] * 10), ())
    assert came.changes == (Change(field="column", after="string feature"),)


@pytest.mark.parametrize("kind", ["string", "integer"])
@pytest.mark.parametrize("hides", ["before", "after", "named"])
def test_of_a_sensitive_column_no_value_and_no_extreme_is_told(kind: str, hides: str) -> None:
    values: list[Any] = ["secret"] * 20 + ["other"] * 20 if kind == "string" else [7] * 20 + [9] * 20
    before = described(values, kind, sensitive=hides == "before")
    after = described([*values, *values[:20]], kind, sensitive=hides == "after")
    seen = told(before, after, *(["x"] if hides == "named" else []))
    assert not [name for name in seen if name.startswith("values.") or name in ("min", "max")]
    assert not [name for name in seen if name.startswith("quantiles.") and name[10:] not in ("0.25", "0.5", "0.75")]


@pytest.mark.parametrize("now", [{"role": "id"}, {"kind": "text"}])
def test_what_became_an_id_or_prose_tells_no_value(now: dict[str, str]) -> None:
    before, after = described(["a"] * 30 + ["b"] * 10), described(["a"] * 30 + ["c"] * 20, **{"kind": "string", **now})
    assert not [name for name in told(before, after) if name.startswith("values.")]


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=60))
def test_equal_profiles_have_nothing_to_tell(values: list[str]) -> None:
    seen = json.loads(json.dumps(described(values)))
    assert compare.columns(seen, seen, ()) == ()
    assert compare.rows(seen, seen) == ()


def test_metrics_of_both_are_paired_and_errors_are_marked() -> None:
    one = Estimate(value=0.5, n=10, method="m")
    accuracy, loss = compare.metrics({"accuracy": one}, {"accuracy": one, "log_loss": one})
    assert (accuracy.before, accuracy.after, accuracy.lower_is_better) == (one, one, False)
    assert (loss.before, loss.after, loss.lower_is_better) == (None, one, True)
