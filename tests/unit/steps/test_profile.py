"""The profile of a table: numbers as scipy, scikit-learn and pandas compute them, and nothing of a person."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.preprocessing import StandardScaler

from mlspec.specs.dataset import Dataset
from mlspec.steps.profile import INNER, QUANTILES, profile
from tests.tables import declare


def described(values: Any, kind: str = "number", **column: Any) -> dict[str, Any]:
    series = pd.Series(values, dtype=object if kind in ("string", "boolean") else None)
    dataset = declare({"name": "c", "type": kind, **column})
    found: dict[str, Any] = of(pd.DataFrame({"c": series}), dataset)["columns"]["c"]
    return found


def of(frame: pd.DataFrame, dataset: Dataset) -> dict[str, Any]:
    return profile(frame, dataset, np.arange(len(frame)) % 4 == 0)


def test_the_whole_of_a_small_table() -> None:
    frame = pd.DataFrame(
        {
            "id": [f"r{n}" for n in range(20)],
            "age": [float(n) if n % 4 else np.nan for n in range(20)],
            "sex": pd.Series(["F", "M"] * 10, dtype=object),
            "member": pd.Series([True] * 12 + [False] * 8, dtype=object),
        }
    )
    dataset = declare(
        "id:string:id", "age:integer", {"name": "sex", "type": "string", "sensitive": True}, "member:boolean:target"
    )
    assert of(frame, dataset) == {
        "format": "mlspec.profile/1",
        "rows": 20,
        "test_rows": 5,
        "columns": {
            "id": {"type": "string", "role": "id", "sensitive": False, "missing": 0, "distinct": 20},
            "age": {
                "type": "integer",
                "role": "feature",
                "sensitive": False,
                "missing": 5,
                "distinct": 15,
                "mean": 10.0,
                "std": pytest.approx((490 / 15) ** 0.5),
                "quantiles": {
                    "0.01": pytest.approx(1.14),
                    "0.05": pytest.approx(1.7),
                    "0.25": 5.5,
                    "0.5": 10.0,
                    "0.75": 14.5,
                    "0.95": pytest.approx(18.3),
                    "0.99": pytest.approx(18.86),
                },
                "min": 1.0,
                "max": 19.0,
                "values": {},
            },
            "sex": {"type": "string", "role": "feature", "sensitive": True, "missing": 0, "distinct": 2},
            "member": {
                "type": "boolean",
                "role": "target",
                "sensitive": False,
                "missing": 0,
                "distinct": 2,
                "values": {"true": 12},
            },
        },
    }


@given(
    st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=1, max_size=200).filter(
        lambda cells: cells.count(None) < len(cells)
    )
)
@settings(deadline=None)
def test_numbers_against_other_implementations(cells: list[float | None]) -> None:
    series = pd.Series(cells, dtype="float64")
    found = described(series)
    present = series.dropna().to_numpy()
    close = {"rtol": 1e-9, "atol": 1e-6}
    np.testing.assert_allclose(
        list(found["quantiles"].values()), stats.mstats.mquantiles(present, QUANTILES, 1, 1), **close
    )
    np.testing.assert_allclose(list(found["quantiles"].values()), series.quantile(list(QUANTILES)), **close)
    scaler = StandardScaler().fit(present.reshape(-1, 1))
    np.testing.assert_allclose([found["mean"], found["std"]], [scaler.mean_[0], scaler.var_[0] ** 0.5], **close)
    assert found["missing"] == series.isna().sum()
    assert found["distinct"] == series.nunique()
    assert (found["min"], found["max"]) == (series.min(), series.max())


@given(st.lists(st.integers(0, 3) | st.none(), min_size=1, max_size=80))
@settings(deadline=None)
def test_counts_against_pandas(cells: list[int | None]) -> None:
    words = [None if cell is None else f"w{cell}" for cell in cells]
    found = described(words, "string")
    counts = pd.Series(words, dtype=object).value_counts()
    assert found.get("values", {}) == counts[counts >= 10].to_dict()
    assert found["missing"] / len(cells) == pytest.approx(pd.Series(words, dtype=object).isna().mean())


def test_of_sensitive_numbers_no_extreme() -> None:
    found = described([float(n) for n in range(100)], sensitive=True)
    assert list(found["quantiles"]) == [f"{share:g}" for share in INNER]
    assert not {"min", "max", "values"} & set(found)


@pytest.mark.parametrize(
    ("values", "kind", "column"),
    [
        (["Ulm"] * 50, "string", {"sensitive": True}),
        (["Ulm"] * 50, "string", {"role": "id"}),
        ([7] * 50, "integer", {"role": "id"}),
        ([0.5] * 50, "number", {}),
        ([f"w{n % 51}" for n in range(51 * 20)], "string", {}),
        (["a text of more than forty characters, so free text"] * 50, "string", {}),
        ([None] * 50, "string", {}),
    ],
    ids=["sensitive", "id", "integer id", "numbers", "many words", "free text", "all missing"],
)
def test_columns_whose_values_are_never_listed(values: list[Any], kind: str, column: dict[str, Any]) -> None:
    assert "values" not in described(values, kind, **column)


def test_only_values_of_ten_rows_and_at_most_twenty() -> None:
    assert described(["often"] * 10 + ["seldom"] * 9, "string")["values"] == {"often": 10}
    many = [f"w{n:02}" for n in range(30) for _ in range(10 + n)]
    assert described(many, "string")["values"] == {f"w{n:02}": 10 + n for n in range(10, 30)}


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([3.0] * 10 + [np.nan], "integer", {"3": 10}),
        (pd.array([2**53 + 1] * 10 + [None], dtype="Int64"), "integer", {str(2**53 + 1): 10}),
        ([True] * 10 + [None], "boolean", {"true": 10}),
        ([False] * 10, "boolean", {"false": 10}),
    ],
    ids=["gaps", "big", "true", "false"],
)
def test_values_are_written_as_in_a_file(values: Any, kind: str, expected: dict[str, int]) -> None:
    series = values if isinstance(values, pd.api.extensions.ExtensionArray) else list(values)
    assert described(series, kind)["values"] == expected


@pytest.mark.parametrize("values", [[1e308, 1e308], [-1e308, 1e308], [1.7e308, -1.7e308, 0.0]], ids=str)
def test_numbers_too_large_to_add_up_are_still_json(values: list[float]) -> None:
    found = described(values)
    json.dumps(found, allow_nan=False)
    assert (found["min"], found["max"]) == (min(values), max(values))


def test_equal_tables_have_equal_profiles_whatever_type_holds_them() -> None:
    cells = [1, 2, None] * 12
    forms = [pd.Series(cells, dtype="float64"), pd.Series(cells, dtype="Int64")]
    one, other = (json.dumps(described(form, "integer")) for form in forms)
    assert one == other
