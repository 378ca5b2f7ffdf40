"""The contract of a dataset: ranges, values, missing and repeated values, held against a table before training."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.types import TIMES
from mlspec.core.verdict import Violation
from mlspec.specs.dataset import Column, Dataset
from mlspec.steps.split import split

_ROWS = 5


def check(frame: pd.DataFrame, dataset: Dataset, unread: Collection[str | None] = ()) -> tuple[Violation, ...]:
    """Return what breaks the contract: rule, column, how many rows, and the first row numbers, counted from 1.

    Values are never shown, so that none of a sensitive column can be. `frame` has the declared columns, typed;
    of columns that were `unread` (not there, or of another type) nothing more is said.
    """
    found = [*_rows(frame, dataset)]
    for column in dataset.columns:
        if column.name not in unread:
            found += _column(frame[column.name], column, dataset)
    if not found and not unread:
        found += _sides(frame, dataset)
    return tuple(found)


def _rows(frame: pd.DataFrame, dataset: Dataset) -> Iterator[Violation]:
    rows, checks = len(frame), dataset.checks
    if rows < checks.min_rows:
        yield Violation(
            rule="min_rows", count=rows, message=f"{rows:,} rows; at least {checks.min_rows:,} are required"
        )
    if checks.max_rows is not None and rows > checks.max_rows:
        yield Violation(rule="max_rows", count=rows, message=f"{rows:,} rows; at most {checks.max_rows:,} are allowed")


def _column(values: pd.Series, column: Column, dataset: Dataset) -> Iterator[Violation]:
    missing = values.isna()
    if len(values) and missing.all():
        yield _broken("missing/all", column, missing, "every value is missing")
        return
    if column.role == "target" and missing.any():
        yield _broken("target/missing", column, missing, "the target is missing")
    yield from _missing(missing, column, dataset)
    present = values[~missing]
    yield from _ranges(values, missing, column)
    if column.values is not None:
        outside = ~missing & ~values.isin([_limit(column, value) for value in column.values])
        yield from _if_any("values", column, outside, "the value is none of the allowed ones")
    if column.name in dataset.checks.unique:
        repeated = ~missing & values.duplicated(keep=False)
        yield from _if_any("unique", column, repeated, "the value is there more than once")
    if column.role == "target" and len(present) > 1 and present.nunique() == 1:
        message = f"column `{column.name}`: the target has one value only, so there is nothing to learn"
        yield Violation(rule="target/constant", column=column.name, count=len(present), message=message)


def _missing(missing: pd.Series, column: Column, dataset: Dataset) -> Iterator[Violation]:
    allowed = dataset.checks.max_missing if column.max_missing is None else column.max_missing
    share = float(missing.mean()) if len(missing) else 0.0
    if share > allowed:
        yield _broken("max_missing", column, missing, f"{share:.2%} are missing; {allowed:.2%} are allowed")


def _ranges(values: pd.Series, missing: pd.Series, column: Column) -> Iterator[Violation]:
    below, above = ("earlier than", "later than") if column.type in TIMES else ("below", "above")
    if column.min is not None:
        small = ~missing & (values < _limit(column, column.min)).fillna(False)
        yield from _if_any("min", column, small, f"the value is {below} {_told(column.min)}")
    if column.max is not None:
        large = ~missing & (values > _limit(column, column.max)).fillna(False)
        yield from _if_any("max", column, large, f"the value is {above} {_told(column.max)}")


def _limit(column: Column, value: Any) -> Any:
    """Return a value of the spec as the table has it: times in UTC, without a zone."""
    parsed = column.parsed(value)
    if column.type == "datetime":
        parsed = parsed.replace(tzinfo=None)
    return np.datetime64(parsed, "us") if column.type in TIMES else parsed


def _told(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _sides(frame: pd.DataFrame, dataset: Dataset) -> Iterator[Violation]:
    """Check that both sides of the split have rows, and training more than one value of the target."""
    test = split(frame, dataset)
    tests, trains = int(test.sum()), int((~test).sum())
    if tests == 0 or trains == 0:
        side = "test" if tests == 0 else "training"
        yield Violation(
            rule="split/empty", count=0, message=f"the {side} split has no rows: {trains:,} train, {tests:,} test"
        )
        return
    if dataset.target is not None and frame[dataset.target.name][~test].nunique() == 1:
        message = f"column `{dataset.target.name}`: the training split has one value of the target only"
        yield Violation(rule="target/constant", column=dataset.target.name, count=trains, message=message)


def _if_any(rule: str, column: Column, bad: pd.Series, why: str) -> Iterator[Violation]:
    if bool(bad.any()):
        yield _broken(rule, column, bad, why)


def _broken(rule: str, column: Column, bad: pd.Series, why: str) -> Violation:
    mask = bad.to_numpy(dtype=bool)
    count = int(mask.sum())
    rows = tuple(int(row) + 1 for row in mask.nonzero()[0][:_ROWS])
    message = f"column `{column.name}`, {count:,} row{'s' if count > 1 else ''}: {why}"
    return Violation(rule=rule, column=column.name, count=count, rows=rows, message=message)
