"""The contract of a dataset: ranges, values, missing and repeated values, held against a table before training."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mlspec.core.problem import fail
from mlspec.core.types import TIMES
from mlspec.core.verdict import Violation
from mlspec.specs.dataset import Column, Dataset
from mlspec.steps.split import TEST, TRAIN, split

_ROWS = 5


Known = Mapping[tuple[str, str], pd.Series]
"""The values of columns that are referred to, by dataset and column."""


def check(
    frame: pd.DataFrame, dataset: Dataset, unread: Collection[str | None] = (), known: Known = MappingProxyType({})
) -> tuple[Violation, ...]:
    """Return what breaks the contract: rule, column, how many rows, and the first row numbers, counted from 1.

    Values are never shown, so that none of a sensitive column can be. `frame` has the declared columns, typed;
    of columns that were `unread` (not there, or of another type) nothing more is said.
    """
    found = [*_rows(frame, dataset)]
    for column in dataset.columns:
        if column.name not in unread:
            found += _column(frame[column.name], column, dataset)
    found += _strangers(frame, dataset, set(unread), known)
    found += _together(frame, dataset, set(unread))
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
    if column.pattern is not None:
        yield from _if_any("pattern", column, ~missing & ~matches(values, column), "the value does not match `pattern`")
    if column.name in dataset.checks.unique:
        repeated = ~missing & values.duplicated(keep=False)
        yield from _if_any("unique", column, repeated, "the value is there more than once")
    yield from _placed(values, missing, column, dataset)
    if column.role == "target" and len(present) > 1 and present.nunique() == 1:
        message = f"column `{column.name}`: the target has one value only, so there is nothing to learn"
        yield Violation(rule="target/constant", column=column.name, count=len(present), message=message)


def matches(values: pd.Series, column: Column) -> pd.Series:
    """Say which values match the whole of a column's pattern. RE2 takes time linear in them.

    Raises:
        MlspecError: the pattern is none (`contract/pattern`).
    """
    texts = pa.array(values, pa.string(), from_pandas=True)
    try:
        found = pc.match_substring_regex(texts, rf"\A(?:{column.pattern})\z")
    except pa.ArrowInvalid as error:
        reason = str(error).partition(": ")[2]
        raise fail("contract/pattern", f"column `{column.name}`: `pattern` is no expression of RE2: {reason}") from None
    return pd.Series(found.fill_null(False).to_numpy(zero_copy_only=False), index=values.index)


def _placed(values: pd.Series, missing: pd.Series, column: Column, dataset: Dataset) -> Iterator[Violation]:
    """Check that the split can place every row."""
    by = dataset.split.by
    if by in ("time", "group") and column.role == by:
        yield from _if_any(f"split/{by}", column, missing, f"the {by} is missing, by which rows are split")
    if by == "column" and column.name == dataset.split.column:
        yield from _if_any(
            "split/column", column, ~values.isin([TRAIN, TEST]), f"the value is neither {TRAIN} nor {TEST}"
        )


def _together(frame: pd.DataFrame, dataset: Dataset, unread: set[str | None]) -> Iterator[Violation]:
    """Check what several columns must not repeat together; a row where all of them are missing is none of these."""
    for names in dataset.checks.unique:
        if isinstance(names, str) or not unread.isdisjoint(names):
            continue
        columns = frame[list(names)]
        repeated = columns.duplicated(keep=False) & columns.notna().any(axis=1)
        if bool(repeated.any()):
            listed = ", ".join(f"`{name}`" for name in names)
            yield _told_rows(
                "unique", None, repeated, f"columns {listed}", "the values are there together more than once"
            )


def _strangers(frame: pd.DataFrame, dataset: Dataset, unread: set[str | None], known: Known) -> Iterator[Violation]:
    for reference in dataset.checks.references:
        column = dataset.column(reference.column)
        if column is None or column.name in unread:
            continue
        there = (
            frame[reference.target] if reference.dataset == dataset.name else known[reference.dataset, reference.target]
        )
        values = frame[column.name]
        strange = values.notna() & ~values.isin(there.dropna())
        why = f"the value is not in `{reference.target}` of dataset/{reference.dataset}"
        yield from _if_any("references", column, strange, why)


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
    return _told_rows(rule, column.name, bad, f"column `{column.name}`", why)


def _told_rows(rule: str, column: str | None, bad: pd.Series, what: str, why: str) -> Violation:
    mask = bad.to_numpy(dtype=bool)
    count = int(mask.sum())
    rows = tuple(int(row) + 1 for row in mask.nonzero()[0][:_ROWS])
    message = f"{what}, {count:,} row{'s' if count > 1 else ''}: {why}"
    return Violation(rule=rule, column=column, count=count, rows=rows, message=message)
