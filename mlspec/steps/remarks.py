"""What is odd about a table that keeps its contract, and often a mistake: it stops nothing, and is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from mlspec.core.types import TIMES
from mlspec.specs.dataset import Column, Dataset
from mlspec.steps.columns import Table, series

_ZONES = timedelta(days=1)
"""A time without a zone may be ahead of UTC by less than that."""
_MOST_VALUES = 50
_FEWEST_ROWS = 20


def remarks(table: Table, dataset: Dataset, now: datetime) -> tuple[str, ...]:
    """Return a sentence for each oddity: times that are still to come, and features that give the target away.

    `now` is in UTC. Values are never shown.
    """
    return (*_to_come(table, dataset, now), *_given_away(table, dataset))


def _to_come(table: Table, dataset: Dataset, now: datetime) -> Iterator[str]:
    limit = np.datetime64((now + _ZONES).replace(tzinfo=None), "us")
    for column in dataset.columns:
        if column.type in TIMES and column.role != "ignore":
            count = sum(int((values > limit).fillna(False).sum()) for values in series(table, column.name))
            if count:
                are = "value is" if count == 1 else "values are"
                yield f"column `{column.name}`: {count:,} {are} later than now, {now:%Y-%m-%d} ({_share(count, table)})"


def _given_away(table: Table, dataset: Dataset) -> Iterator[str]:
    if dataset.target is None or table.rows < _FEWEST_ROWS:
        return
    for column in dataset.with_role("feature"):
        if column.type == dataset.target.type and _is_equal(table, column, dataset.target):
            yield f"column `{column.name}` equals the target `{dataset.target.name}` in every row"
        elif _is_renamed(table, column, dataset.target):
            other = f"the target `{dataset.target.name}` in other words"
            yield f"column `{column.name}` is {other}: each value of one goes with one of the other"


def _is_equal(table: Table, column: Column, target: Column) -> bool:
    """Say whether two columns are the same wherever both are there, and are both there in most rows."""
    both = 0
    for frame in table.frames([column.name, target.name]):
        known = frame.dropna()
        if not (known[column.name] == known[target.name]).all():
            return False
        both += len(known)
    return both > table.rows / 2


def _is_renamed(table: Table, column: Column, target: Column) -> bool:
    """Say whether each value of a column goes with one of the target, and the other way round."""
    pairs: pd.DataFrame | None = None
    for frame in table.frames([column.name, target.name]):
        part = frame.dropna().drop_duplicates()
        pairs = part if pairs is None else pd.concat([pairs, part], ignore_index=True).drop_duplicates()
        if len(pairs) > _MOST_VALUES or any(pairs[name].duplicated().any() for name in pairs):
            return False
    return pairs is not None and len(pairs) > 1


def _share(count: int, table: Table) -> str:
    return f"{count / table.rows:.2%} of the rows"
