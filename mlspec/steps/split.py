"""The split of a table into training and test rows, the same on every machine and for ever."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.types import TIMES
from mlspec.specs.dataset import Column, Dataset

Mask = np.ndarray[Any, np.dtype[np.bool_]]
TRAIN, TEST = "train", "test"
"""What the cells of `split.column` say."""
_SCALE = float(2**64)


def split(frame: pd.DataFrame, dataset: Dataset) -> Mask:
    """Return, for each row, whether it is for testing. Shape (rows,).

    `hash`: a row is for testing when the first 64 bits of sha256 of the seed and its id (without an id column, of
    all its declared cells) lie below the share; so a row keeps its side as rows are added, and equal rows stay
    together. `group`: the same of its group. `random`: exactly the share, rounded, drawn by numpy's frozen
    `RandomState`; within each value of `stratify` by largest remainder. `time`: the latest rows, as few as make up
    the share, and all that are as late as the first of them; a row without a time is for training. `column`: the rows
    that say `test`.
    """
    match dataset.split.by:
        case "hash":
            return _by_hash(frame, dataset, dataset.with_role("id") or dataset.columns)
        case "group":
            return _by_hash(frame, dataset, dataset.with_role("group"))
        case "time":
            return _by_time(frame[dataset.with_role("time")[0].name], dataset.split.test)
        case "column":
            return frame[dataset.split.column or ""].eq(TEST).to_numpy(dtype=bool)
        case _:
            return _at_random(frame, dataset)


def _by_time(times: pd.Series, part: float) -> Mask:
    """Draw the line before the earliest of the latest rows; where all rows are as late, none is for testing."""
    known = times.dropna().sort_values()
    if known.empty:
        return np.zeros(len(times), dtype=bool)
    first = known.iloc[len(known) - share(len(known), part)] if len(known) > 1 else known.iloc[0]
    late = times > first if first == known.iloc[0] else times >= first
    return np.asarray(late.fillna(False), dtype=np.bool_)


def _by_hash(frame: pd.DataFrame, dataset: Dataset, keyed: Sequence[Column]) -> Mask:
    salt = hashlib.sha256(f"mlspec/split/1 {dataset.split.seed}\0".encode())
    limit = int(dataset.split.test * _SCALE)
    parts = [list(texts(frame[column.name], column)) for column in keyed]
    test = np.zeros(len(frame), dtype=bool)
    for row, cells in enumerate(zip(*parts, strict=True)):
        hasher = salt.copy()
        hasher.update("\x1f".join(cells).encode("utf-8", "surrogatepass"))
        test[row] = int.from_bytes(hasher.digest()[:8], "big") < limit
    return test


def texts(values: pd.Series, column: Column) -> Iterator[str]:
    """Yield each cell in one form, whatever type the table happened to need for it; a missing one as a NUL."""
    missing = values.isna().tolist()
    if column.type in TIMES:
        values = pd.Series(times_told(values.to_numpy("datetime64[us]"), column), dtype=object)
    for value, gone in zip(values.tolist(), missing, strict=True):
        yield "\x00" if gone else _text(value, column)


def times_told(times: np.ndarray[Any, Any], column: Column) -> list[str]:
    """Write dates as `2026-11-23` and times in UTC as `2026-11-23T06:00:00.000000Z`."""
    if column.type == "date":
        return [str(text) for text in np.datetime_as_string(times, unit="D")]
    return [f"{text}Z" for text in np.datetime_as_string(times, unit="us")]


def _text(value: Any, column: Column) -> str:
    match column.type:
        case "integer":
            return str(int(value))
        case "number":
            return repr(float(value) + 0.0)
        case "boolean":
            return "true" if value else "false"
        case _:
            return str(value)


def _at_random(frame: pd.DataFrame, dataset: Dataset) -> Mask:
    random = np.random.RandomState(dataset.split.seed)
    test = np.zeros(len(frame), dtype=bool)
    if dataset.split.stratify is None:
        order = random.permutation(len(frame))
        test[order[: share(len(frame), dataset.split.test)]] = True
        return test
    column = dataset.column(dataset.split.stratify)
    labels = np.array(list(texts(frame[dataset.split.stratify], column)) if column else [], dtype=object)
    _, groups, counts = np.unique(labels, return_inverse=True, return_counts=True)
    for group, taken in enumerate(_quotas(counts, share(len(frame), dataset.split.test))):
        rows = np.flatnonzero(groups == group)
        test[random.permutation(rows)[:taken]] = True
    return test


def share(rows: int, test: float) -> int:
    """Return how many of `rows` are for testing: the share, rounded, and at least one on each side of two rows."""
    if rows < 2:
        return 0
    return min(max(math.floor(rows * test + 0.5), 1), rows - 1)


def _quotas(counts: np.ndarray[Any, Any], total: int) -> list[int]:
    """Divide `total` over groups in proportion to their counts; what is left goes to the largest remainders."""
    exact = counts * (total / counts.sum())
    quotas = np.floor(exact).astype(int)
    left = total - int(quotas.sum())
    order = np.lexsort((np.arange(len(counts)), -(exact - quotas)))
    quotas[order[:left]] += 1
    return [int(quota) for quota in quotas]
