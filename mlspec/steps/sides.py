"""The sides of a split of a table that may be larger than memory; the split itself is `steps.split`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlspec.specs.dataset import Dataset
from mlspec.steps.columns import Table, order_statistics, series, time_keys
from mlspec.steps.split import Mask, share, split


@dataclass(frozen=True, slots=True)
class Sides:
    """How many rows are for testing and for training, and how many values of the target training has (2: or more)."""

    tests: int
    trains: int
    targets: int


def sides(table: Table, dataset: Dataset) -> Sides:
    """Split a table and count."""
    target = dataset.target
    labels = series(table, target.name) if target else iter(())
    tests, seen = 0, set[object]()
    for test in masks(table, dataset):
        tests += int(test.sum())
        values = next(labels, None)
        if values is not None and len(seen) < 2:
            seen.update(values[~test].dropna().unique()[:2])
    return Sides(tests, table.rows - tests, min(len(seen), 2))


def masks(table: Table, dataset: Dataset) -> Iterator[Mask]:
    """Yield which rows are for testing, for each chunk of the table; all together they are what `split` returns.

    A split at random holds some bytes of every row in memory, the others a chunk.
    """
    match dataset.split.by:
        case "random":
            yield from _at_random(table, dataset)
        case "time":
            yield from _by_time(table, dataset)
        case _:
            keyed = dataset.with_role("id") or dataset.columns
            names = [column.name for column in (*keyed, *dataset.with_role("group"))]
            names += [dataset.split.column] if dataset.split.column else []
            for frame in table.frames(list(dict.fromkeys(names))):
                yield split(frame, dataset)


def _at_random(table: Table, dataset: Dataset) -> Iterator[Mask]:
    name = dataset.split.stratify
    parts = list(series(table, name)) if name else []
    whole = pd.DataFrame({name: pd.concat(parts, ignore_index=True)} if name else {}, index=pd.RangeIndex(table.rows))
    test, start = split(whole, dataset), 0
    for frame in table.frames([dataset.columns[0].name]):
        yield test[start : start + len(frame)]
        start += len(frame)


def _by_time(table: Table, dataset: Dataset) -> Iterator[Mask]:
    name = dataset.with_role("time")[0].name
    count = sum(int(values.notna().sum()) for values in series(table, name))
    first = max(0, count - share(count, dataset.split.test)) if count > 1 else 0
    keys = order_statistics(lambda: map(time_keys, series(table, name)), {0, first}) if count else {}
    for values in series(table, name):
        late = np.zeros(len(values), dtype=np.bool_)
        if count:
            found = time_keys(values)
            line = np.uint64(keys[first])
            late[values.notna().to_numpy(dtype=bool)] = found > line if keys[first] == keys[0] else found >= line
        yield late
