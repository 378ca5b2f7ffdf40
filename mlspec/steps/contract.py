"""The contract of a dataset: ranges, values, missing and repeated values, held against a table before training."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
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
from mlspec.steps.columns import Found, InMemory, Table, distinct, repeated, series
from mlspec.steps.sides import sides
from mlspec.steps.split import TEST, TRAIN

Mask = pd.Series
Test = Callable[[pd.Series, Mask], Mask]
"""Says which of some values are bad, given which are missing."""
Known = Mapping[tuple[str, str], pd.Series]
"""The values of columns that are referred to, by dataset and column."""


def check(
    frame: pd.DataFrame, dataset: Dataset, unread: Collection[str | None] = (), known: Known = MappingProxyType({})
) -> tuple[Violation, ...]:
    """Return what breaks the contract, of a table in memory; as `check_table`."""
    return check_table(InMemory(frame), dataset, unread, known)


def check_table(
    table: Table, dataset: Dataset, unread: Collection[str | None] = (), known: Known = MappingProxyType({})
) -> tuple[Violation, ...]:
    """Return what breaks the contract: rule, column, how many rows, and the first row numbers, counted from 1.

    Values are never shown, so that none of a sensitive column can be. `table` has the declared columns, typed;
    of columns that were `unread` (not there, or of another type) nothing more is said.
    """
    found = [*_rows(table.rows, dataset)]
    for column in dataset.columns:
        if column.name not in unread:
            found += _column(table, column, dataset)
    found += _strangers(table, dataset, set(unread), known)
    found += _together(table, dataset, set(unread))
    if not found and not unread:
        found += _sides(table, dataset)
    return tuple(found)


def _rows(rows: int, dataset: Dataset) -> Iterator[Violation]:
    checks = dataset.checks
    if rows < checks.min_rows:
        yield Violation(
            rule="min_rows", count=rows, message=f"{rows:,} rows; at least {checks.min_rows:,} are required"
        )
    if checks.max_rows is not None and rows > checks.max_rows:
        yield Violation(rule="max_rows", count=rows, message=f"{rows:,} rows; at most {checks.max_rows:,} are allowed")


def _column(table: Table, column: Column, dataset: Dataset) -> Iterator[Violation]:
    gone, tests = Found(), _tests(column, dataset)
    bad = [Found() for _ in tests]
    start = 0
    for values in series(table, column.name):
        missing = values.isna()
        _note(gone, missing, start)
        for found, (_, _, test) in zip(bad, tests, strict=True):
            _note(found, test(values, missing), start)
        start += len(values)
    if table.rows and gone.count == table.rows and column.role != "ignore":
        yield _broken("missing/all", column, gone, "every value is missing")
        return
    if column.role == "target":
        yield from _if_any("target/missing", column, gone, "the target is missing")
    yield from _missing(gone, table.rows, column, dataset)
    for found, (rule, why, _) in zip(bad, tests, strict=True):
        yield from _if_any(rule, column, found, why)
    if column.name in dataset.checks.unique:
        yield from _if_any("unique", column, repeated(table, [column.name]), "the value is there more than once")
    present = table.rows - gone.count
    if column.role == "target" and present > 1 and distinct(table, column.name) == 1:
        message = f"column `{column.name}`: the target has one value only, so there is nothing to learn"
        yield Violation(rule="target/constant", column=column.name, count=present, message=message)


def _note(found: Found, mask: Mask, start: int) -> None:
    found.add(np.flatnonzero(mask.to_numpy(dtype=bool)) + start)


def _tests(column: Column, dataset: Dataset) -> list[tuple[str, str, Test]]:
    """Return what each value is asked: the rule, why it is bad, and the question."""
    below, above = ("earlier than", "later than") if column.type in TIMES else ("below", "above")
    tests: list[tuple[str, str, Test]] = []
    if column.min is not None:
        low = _limit(column, column.min)
        tests.append(("min", f"the value is {below} {_told(column.min)}", partial(_is_below, low)))
    if column.max is not None:
        high = _limit(column, column.max)
        tests.append(("max", f"the value is {above} {_told(column.max)}", partial(_is_above, high)))
    if column.values is not None:
        allowed = [_limit(column, value) for value in column.values]
        tests.append(("values", "the value is none of the allowed ones", partial(_is_other, allowed)))
    if column.pattern is not None:
        tests.append(("pattern", "the value does not match `pattern`", partial(_is_unlike, column)))
    return tests + _placing(column, dataset)


def _is_below(low: Any, values: pd.Series, missing: Mask) -> Mask:
    small: Mask = ~missing & (values < low).fillna(False)
    return small


def _is_above(high: Any, values: pd.Series, missing: Mask) -> Mask:
    large: Mask = ~missing & (values > high).fillna(False)
    return large


def _is_other(allowed: list[Any], values: pd.Series, missing: Mask) -> Mask:
    return ~missing & ~values.isin(allowed)


def _is_unlike(column: Column, values: pd.Series, missing: Mask) -> Mask:
    return ~missing & ~matches(values, column)


def _placing(column: Column, dataset: Dataset) -> list[tuple[str, str, Test]]:
    """Return what asks whether the split can place a row."""
    by = dataset.split.by
    if by in ("time", "group") and column.role == by:
        return [(f"split/{by}", f"the {by} is missing, by which rows are split", lambda _, missing: missing)]
    if by == "column" and column.name == dataset.split.column:
        why = f"the value is neither {TRAIN} nor {TEST}"
        return [("split/column", why, lambda values, _: ~values.isin([TRAIN, TEST]))]
    return []


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


def _together(table: Table, dataset: Dataset, unread: set[str | None]) -> Iterator[Violation]:
    """Check what several columns must not repeat together; a row where all of them are missing is none of these."""
    for names in dataset.checks.unique:
        if not isinstance(names, str) and unread.isdisjoint(names):
            found = repeated(table, names)
            if found.count:
                listed = "columns " + ", ".join(f"`{name}`" for name in names)
                yield _told_rows("unique", None, found, listed, "the values are there together more than once")


def _strangers(table: Table, dataset: Dataset, unread: set[str | None], known: Known) -> Iterator[Violation]:
    for reference in dataset.checks.references:
        column = dataset.column(reference.column)
        if column is None or column.name in unread:
            continue
        own = reference.dataset == dataset.name
        there = values_of(table, reference.target) if own else known[reference.dataset, reference.target]
        found, start = Found(), 0
        for values in series(table, column.name):
            _note(found, values.notna() & ~values.isin(there), start)
            start += len(values)
        why = f"the value is not in `{reference.target}` of dataset/{reference.dataset}"
        yield from _if_any("references", column, found, why)


def values_of(table: Table, name: str) -> pd.Series:
    """Return the different values of a column, in memory, missing ones aside."""
    parts = [values.dropna().drop_duplicates() for values in series(table, name)]
    whole: pd.Series = pd.concat(parts, ignore_index=True).drop_duplicates()
    return whole


def _missing(gone: Found, rows: int, column: Column, dataset: Dataset) -> Iterator[Violation]:
    allowed = dataset.checks.max_missing if column.max_missing is None else column.max_missing
    share = gone.count / rows if rows else 0.0
    if share > allowed:
        yield _broken("max_missing", column, gone, f"{share:.2%} are missing; {allowed:.2%} are allowed")


def _limit(column: Column, value: Any) -> Any:
    """Return a value of the spec as the table has it: times in UTC, without a zone."""
    parsed = column.parsed(value)
    if column.type == "datetime":
        parsed = parsed.replace(tzinfo=None)
    return np.datetime64(parsed, "us") if column.type in TIMES else parsed


def _told(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _sides(table: Table, dataset: Dataset) -> Iterator[Violation]:
    """Check that both sides of the split have rows, and training more than one value of the target."""
    found = sides(table, dataset)
    if found.tests == 0 or found.trains == 0:
        side = "test" if found.tests == 0 else "training"
        message = f"the {side} split has no rows: {found.trains:,} train, {found.tests:,} test"
        yield Violation(rule="split/empty", count=0, message=message)
        return
    if dataset.target is not None and found.targets == 1:
        message = f"column `{dataset.target.name}`: the training split has one value of the target only"
        yield Violation(rule="target/constant", column=dataset.target.name, count=found.trains, message=message)


def _if_any(rule: str, column: Column, found: Found, why: str) -> Iterator[Violation]:
    if found.count:
        yield _broken(rule, column, found, why)


def _broken(rule: str, column: Column, found: Found, why: str) -> Violation:
    return _told_rows(rule, column.name, found, f"column `{column.name}`", why)


def _told_rows(rule: str, column: str | None, found: Found, what: str, why: str) -> Violation:
    message = f"{what}, {found.count:,} row{'s' if found.count > 1 else ''}: {why}"
    return Violation(rule=rule, column=column, count=found.count, rows=found.rows, message=message)
