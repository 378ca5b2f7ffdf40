"""Whether two models say the same of the same rows: their predictions row by row, and metrics name by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlspec.core.reproduction import Difference, Predicted, Sameness
from mlspec.core.verdict import Estimate
from mlspec.steps.predictions import Predictions

Floats = np.ndarray[Any, np.dtype[np.float64]]


def predictions(before: Predictions, after: Predictions, task: str, tolerance: float) -> Predicted:
    """Compare what two models said of n rows; numbers are equal within `tolerance`, an absolute difference.

    Numbers are scores or decision values and, of a regression, the predictions; labels are equal or not. Missing
    equals missing. Where there are other rows or classes, every row differs.
    """
    rows = len(after.predicted)
    numbers = [_numbers(one, task) for one in (before, after)]
    comparable = before.classes == after.classes and numbers[0].shape == numbers[1].shape
    if len(before.predicted) != rows or not comparable:
        return Predicted(same="different", rows=rows, rows_differ=max(rows, len(before.predicted)))
    labels = np.zeros(rows, dtype=bool) if task == "regression" else _unequal(before.predicted, after.predicted)
    apart = _apart(*numbers)
    differs = labels | (apart > tolerance)
    finite = apart[np.isfinite(apart)]
    exact = not labels.any() and not apart.any()
    return Predicted(
        same="equal" if exact else "different" if differs.any() else "close",
        rows=rows,
        rows_differ=int(differs.sum()),
        labels_differ=int(labels.sum()),
        largest=None if exact or not finite.any() else float(finite.max()),
    )


def metrics(
    before: Mapping[str, Estimate], after: Mapping[str, Estimate], tolerance: float
) -> tuple[Sameness, dict[str, Difference]]:
    """Compare the values of the metrics that were measured before; also return those that differ at all."""
    differ = dict[str, Difference]()
    same: Sameness = "equal" if before else "none"
    for name in sorted(before):
        was, now = before[name].value, after[name].value
        if was != now:
            differ[name] = Difference(before=was, after=now)
            close = was is not None and now is not None and abs(was - now) <= tolerance
            same = "close" if close and same != "different" else "different"
    return same, differ


def _numbers(said: Predictions, task: str) -> Floats:
    """Return the numbers that a model gave, (n, k): k is 0 for a classifier that gives labels alone."""
    parts = [part.reshape(len(part), -1) for part in (said.scores, said.decision) if part is not None]
    if task == "regression":
        parts.append(said.predicted.astype("float64").reshape(-1, 1))
    return np.hstack([np.empty((len(said.predicted), 0)), *parts])


def _apart(before: Floats, after: Floats) -> Floats:
    """Return the largest absolute difference in each row, (n,); infinite where one is missing or infinite alone."""
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    with np.errstate(invalid="ignore"):
        gaps = np.where(same, 0.0, np.abs(before - after))
    largest: Floats = np.max(np.where(np.isnan(gaps), math.inf, gaps), axis=1, initial=0.0)
    return largest


def _unequal(before: np.ndarray[Any, Any], after: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    pairs = zip(before.tolist(), after.tolist(), strict=True)
    return np.array([not (one == other or (_missing(one) and _missing(other))) for one, other in pairs], dtype=bool)


def _missing(value: Any) -> bool:
    return value is None or value != value  # noqa: PLR0124 -- NaN, of whatever type
