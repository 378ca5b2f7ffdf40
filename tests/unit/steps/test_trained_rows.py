"""Hashes of training rows: what is known again, by what, and what cannot be told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from mlspec.specs.dataset import Dataset
from mlspec.steps.trained_rows import among, seal, shared

KEY = b"0123456789abcdef"


def dataset(*columns: tuple[str, str, str]) -> Dataset:
    schema = [{"name": name, "type": kind, "role": role} for name, kind, role in columns]
    body = {"name": "d", "owner": "o", "source": {"path": "d.csv"}, "schema": schema}
    return Dataset.model_validate_json(json.dumps(body))


BY_ID = dataset(("id", "integer", "id"), ("x", "number", "feature"), ("y", "integer", "target"))
BY_CELLS = dataset(("x", "number", "feature"), ("s", "string", "feature"), ("y", "integer", "target"))


def test_a_row_is_known_by_its_id_whatever_else_of_it_changed() -> None:
    trained = pd.DataFrame({"id": [1, 2, 3], "x": [0.1, 0.2, 0.3], "y": [0, 1, 0]})
    rows = pd.DataFrame({"id": [3, 4], "x": [9.9, 0.1], "y": [1, 0]})
    found = among(seal(trained, BY_ID, KEY), rows, BY_ID, KEY)
    assert found is not None and found.tolist() == [True, False]


def test_without_an_id_it_is_known_by_all_its_cells_missing_ones_too() -> None:
    trained = pd.DataFrame({"x": [0.1, np.nan], "s": ["a", None], "y": [0, 1]})
    rows = pd.DataFrame({"x": [0.1, 0.1, np.nan], "s": ["a", "b", None], "y": [0, 0, 1]})
    found = among(seal(trained, BY_CELLS, KEY), rows, BY_CELLS, KEY)
    assert found is not None and found.tolist() == [True, False, True]


def test_it_cannot_be_told_where_a_column_is_gone_or_of_another_type() -> None:
    trained = pd.DataFrame({"x": [0.1], "s": ["a"], "y": [0]})
    sealed = seal(trained, BY_CELLS, KEY)
    assert among(sealed, trained, dataset(("x", "number", "feature"), ("y", "integer", "target")), KEY) is None
    other = dataset(("x", "number", "feature"), ("s", "boolean", "feature"), ("y", "integer", "target"))
    assert among(sealed, trained, other, KEY) is None


def test_from_what_both_have_it_can_be_told_by_fewer_columns() -> None:
    now = dataset(("id", "string", "id"), ("x", "number", "feature"), ("y", "integer", "target"))
    trained = pd.DataFrame({"id": [1, 2], "x": [0.1, 0.2], "y": [0, 1]})
    rows = pd.DataFrame({"id": ["1", "7", "8"], "x": [0.1, 0.2, 0.3], "y": [0, 1, 0]})
    assert among(seal(trained, BY_ID, KEY), rows, now, KEY) is None
    found = among(seal(trained, shared(BY_ID, now), KEY), rows, now, KEY)
    assert found is not None and found.tolist() == [True, True, False]
    nothing = dataset(("z", "number", "feature"), ("t", "integer", "target"))
    assert among(seal(trained, shared(BY_ID, nothing), KEY), rows, nothing, KEY) is None


def test_with_another_key_nothing_can_be_told_and_no_cell_is_kept() -> None:
    trained = pd.DataFrame({"x": [0.5], "s": ["a-name-of-a-person"], "y": [0]})
    sealed = seal(trained, BY_CELLS, KEY)
    assert b"person" not in sealed
    assert among(sealed, trained, BY_CELLS, b"another") is None


@pytest.mark.parametrize("rows", [0, 1])
def test_of_no_rows_none_is_known(rows: int) -> None:
    empty = pd.DataFrame({"id": pd.Series([], dtype="int64"), "x": [], "y": []})
    some = pd.DataFrame({"id": [1], "x": [0.0], "y": [0]}).head(rows)
    found = among(seal(empty, BY_ID, KEY), some, BY_ID, KEY)
    assert found is not None and not found.any() and len(found) == rows
