"""The profile of a dataset version: counts and distributions, nothing that shows a row or a person."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.types import NUMBERS, TEXTS, TIMES
from mlspec.specs.dataset import Column, Dataset
from mlspec.steps.columns import (
    InMemory,
    Table,
    distinct,
    mean_and_deviation,
    order_statistics,
    quantiles,
    series,
    time_keys,
)
from mlspec.steps.split import times_told

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
INNER = (0.25, 0.5, 0.75)
MIN_COUNT = 10
"""A value is listed only when at least this many rows have it."""
_MOST_VALUES = 20
_TEXT_DISTINCT = 50
_TEXT_LENGTH = 40


def profile(frame: pd.DataFrame, dataset: Dataset, test: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, Any]:
    """Describe a table in memory; as `profile_table`."""
    return profile_table(InMemory(frame), dataset, int(test.sum()))


def profile_table(table: Table, dataset: Dataset, tests: int) -> dict[str, Any]:
    """Describe a table as JSON data, the same for equal tables; `tests` of its rows are for testing.

    Of sensitive columns no extreme and no value is listed; of ids and free text no value. Quantiles and extremes of
    dates and times are those that rows have (the lower of two), as ISO 8601 text.
    """
    return {
        "format": "mlspec.profile/1",
        "rows": table.rows,
        "test_rows": tests,
        "columns": {column.name: _column(table, column) for column in dataset.columns},
    }


def _column(table: Table, column: Column) -> dict[str, Any]:
    present = sum(int(values.notna().sum()) for values in series(table, column.name))
    described: dict[str, Any] = {
        "type": column.type,
        "role": column.role,
        "sensitive": column.sensitive,
        "missing": table.rows - present,
        "distinct": distinct(table, column.name),
    }
    if column.type in TIMES and column.role != "id" and present:
        described |= _times(table, column, present)
    if column.type in NUMBERS and column.role != "id" and present:
        described |= _numbers(table, column)
    if present and described["distinct"] <= _TEXT_DISTINCT and _may_list(table, column, present):
        described["values"] = _values(table, column)
    return described


def _numbers(table: Table, column: Column) -> dict[str, Any]:
    shares = INNER if column.sensitive else QUANTILES
    mean, std = mean_and_deviation(table, column.name)
    found = quantiles(table, column.name, [*shares, 0, 1])
    described: dict[str, Any] = {
        "mean": _finite(mean),
        "std": _finite(std),
        "quantiles": {f"{share:g}": _finite(value) for share, value in zip(shares, found, strict=False)},
    }
    return described if column.sensitive else {**described, "min": found[-2], "max": found[-1]}


def _times(table: Table, column: Column, present: int) -> dict[str, Any]:
    shares = INNER if column.sensitive else QUANTILES
    ranks = [*(int(share * (present - 1)) for share in shares), 0, present - 1]
    found = order_statistics(lambda: map(time_keys, series(table, column.name)), set(ranks))
    keys = np.array([found[rank] for rank in ranks], dtype=np.uint64) ^ np.uint64(1 << 63)
    texts = times_told(keys.view(np.int64).view("datetime64[us]"), column)
    described: dict[str, Any] = {"quantiles": {f"{share:g}": text for share, text in zip(shares, texts, strict=False)}}
    return described if column.sensitive else {**described, "min": texts[-2], "max": texts[-1]}


def _finite(value: float) -> float | None:
    """Return a number as JSON may hold it; None where it is too large to compute."""
    return float(value) if math.isfinite(value) else None


def _may_list(table: Table, column: Column, present: int) -> bool:
    if column.sensitive or column.role == "id" or column.type in {"number", "text", *TIMES}:
        return False
    if column.type not in TEXTS:
        return True
    characters = sum(int(values.dropna().str.len().sum()) for values in series(table, column.name))
    return characters / present <= _TEXT_LENGTH


def _values(table: Table, column: Column) -> dict[str, int]:
    counts: Counter[Any] = Counter()
    for values in series(table, column.name):
        for value, count in values.dropna().value_counts().items():
            counts[_written(value)] += int(count)
    listed = sorted(((count, value) for value, count in counts.items() if count >= MIN_COUNT), reverse=True)
    return {value: count for count, value in sorted(listed[:_MOST_VALUES], key=lambda pair: pair[1])}


def _written(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)
