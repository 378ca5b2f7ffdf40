"""The profile of a dataset version: counts and distributions, nothing that shows a row or a person."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.types import NUMBERS, TEXTS, TIMES
from mlspec.specs.dataset import Column, Dataset
from mlspec.steps.split import times_told

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
INNER = (0.25, 0.5, 0.75)
MIN_COUNT = 10
"""A value is listed only when at least this many rows have it."""
_MOST_VALUES = 20
_TEXT_DISTINCT = 50
_TEXT_LENGTH = 40


def profile(frame: pd.DataFrame, dataset: Dataset, test: np.ndarray[Any, np.dtype[np.bool_]]) -> dict[str, Any]:
    """Describe a table as JSON data, the same for equal tables.

    Of sensitive columns no extreme and no value is listed; of ids and free text no value. Quantiles and extremes of
    dates and times are those that rows have (the lower of two), as ISO 8601 text.
    """
    return {
        "format": "mlspec.profile/1",
        "rows": len(frame),
        "test_rows": int(test.sum()),
        "columns": {column.name: _column(frame[column.name], column) for column in dataset.columns},
    }


def _column(values: pd.Series, column: Column) -> dict[str, Any]:
    present = values.dropna()
    described: dict[str, Any] = {
        "type": column.type,
        "role": column.role,
        "sensitive": column.sensitive,
        "missing": int(len(values) - len(present)),
        "distinct": int(present.nunique()),
    }
    if column.type in TIMES and column.role != "id" and len(present):
        described |= _times(present, column)
    if column.type in NUMBERS and column.role != "id" and len(present):
        described |= _numbers(present.astype("float64"), column)
    if _may_list(present, column):
        described["values"] = _values(present)
    return described


def _numbers(present: pd.Series, column: Column) -> dict[str, Any]:
    quantiles = INNER if column.sensitive else QUANTILES
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.quantile(present.to_numpy(), quantiles)
        mean, std = float(present.mean()), float(present.std(ddof=0))
    described: dict[str, Any] = {
        "mean": _finite(mean),
        "std": _finite(std),
        "quantiles": {f"{share:g}": _finite(value) for share, value in zip(quantiles, found, strict=True)},
    }
    return described if column.sensitive else {**described, "min": float(present.min()), "max": float(present.max())}


def _times(present: pd.Series, column: Column) -> dict[str, Any]:
    shares = INNER if column.sensitive else QUANTILES
    ordered = np.sort(present.to_numpy("datetime64[us]"))
    last = len(ordered) - 1
    texts = times_told(ordered[[*(int(share * last) for share in shares), 0, last]], column)
    described: dict[str, Any] = {"quantiles": {f"{share:g}": text for share, text in zip(shares, texts, strict=False)}}
    return described if column.sensitive else {**described, "min": texts[-2], "max": texts[-1]}


def _finite(value: float) -> float | None:
    """Return a number as JSON may hold it; None where it is too large to compute."""
    return float(value) if math.isfinite(value) else None


def _may_list(present: pd.Series, column: Column) -> bool:
    if column.sensitive or column.role == "id" or column.type in {"number", "text", *TIMES} or present.empty:
        return False
    if present.nunique() > _TEXT_DISTINCT:
        return False
    return column.type not in TEXTS or float(present.str.len().mean()) <= _TEXT_LENGTH


def _values(present: pd.Series) -> dict[str, int]:
    counts = present.value_counts()
    listed = sorted(
        ((int(count), _written(value)) for value, count in counts.items() if count >= MIN_COUNT), reverse=True
    )
    return {value: count for count, value in sorted(listed[:_MOST_VALUES], key=lambda pair: pair[1])}


def _written(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float | np.floating) and float(value).is_integer() else str(value)
