"""Text to declared types, some rows at a time; what does not fit is counted, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.calendar import parse_date, parse_datetime
from mlspec.core.types import TEXTS, TIMES
from mlspec.core.verdict import Violation
from mlspec.sources.reading import FIRST_ROWS, Reading, header_violations, settle_integers
from mlspec.specs.dataset import Column, Dataset

_SHOWN = 40
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_A = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date (2026-11-23)",
    "datetime": "a time (2026-11-23T06:00:00Z)",
}
Array = np.ndarray[Any, Any]


@dataclass
class _Gathered:
    """A column as far as it was read: its parts, and which cells did not fit its type."""

    column: Column
    position: int
    parts: list[Any] = field(default_factory=list)
    bad: int = 0
    bad_rows: list[int] = field(default_factory=list)
    example: str = ""
    words: dict[str, str] = field(default_factory=dict)


class Builder:
    """Gathers chunks of text cells into typed columns.

    Integers may be written `3` or `3.0`, numbers in decimal or exponent form, booleans `true`, `false`, `1`, `0`
    in any case, dates and times as `core.calendar` says; spaces around these do not count. Only an empty cell and the
    declared texts are missing.
    """

    def __init__(self, dataset: Dataset, header: Sequence[str]) -> None:
        """Start with the header; of a repeated column the first counts."""
        self._dataset = dataset
        self._violations = header_violations(header, dataset)
        self._missing = {"", *dataset.source.missing}
        known = [column for column in dataset.columns if column.name in header]
        self._columns = [_Gathered(column, list(header).index(column.name)) for column in known]
        self.rows = 0

    def add(self, chunk: Sequence[Sequence[str]]) -> None:
        """Take rows of cells, each as long as the header."""
        for gathered in self._columns:
            self._take(gathered, [row[gathered.position] for row in chunk])
        self.rows += len(chunk)

    def reading(self) -> Reading:
        """Return the table."""
        index = pd.RangeIndex(self.rows)
        found = {gathered.column.name: _joined(gathered, index) for gathered in self._columns}
        frame = pd.DataFrame(
            {
                column.name: found.get(column.name, pd.Series(None, index=index, dtype=object))
                for column in self._dataset.columns
            },
            index=index,
        )
        types = [_violation(gathered) for gathered in self._columns if gathered.bad]
        return Reading(frame, (*self._violations, *types))

    def _take(self, gathered: _Gathered, cells: list[str]) -> None:
        missing = [cell in self._missing for cell in cells]
        kind = gathered.column.type
        if kind in TEXTS:
            words = gathered.words
            gathered.parts.append(
                [None if gone else words.setdefault(cell, cell) for cell, gone in zip(cells, missing, strict=True)]
            )
            return
        if kind == "boolean":
            values: list[Any] = [
                None if gone else _TRUTH.get(cell.strip().lower()) for cell, gone in zip(cells, missing, strict=True)
            ]
            bad = [value is None and not gone for value, gone in zip(values, missing, strict=True)]
            gathered.parts.append(values)
        elif kind in TIMES:
            times = _times(cells, missing, kind)
            gathered.parts.append(times)
            bad = (np.isnat(times) & ~np.array(missing)).tolist()
        else:
            numbers, bad_array = _numbers(cells, np.array(missing), whole=kind == "integer")
            gathered.parts.append(numbers)
            bad = bad_array.tolist()
        self._count(gathered, cells, bad)

    def _count(self, gathered: _Gathered, cells: list[str], bad: list[bool]) -> None:
        if not any(bad):
            return
        rows = [number for number, is_bad in enumerate(bad) if is_bad]
        if not gathered.bad:
            gathered.example = cells[rows[0]]
        gathered.bad += len(rows)
        space = FIRST_ROWS - len(gathered.bad_rows)
        gathered.bad_rows += [self.rows + row + 1 for row in rows[:space]]


def _joined(gathered: _Gathered, index: pd.RangeIndex) -> pd.Series:
    if gathered.column.type in {*TEXTS, "boolean"}:
        return pd.Series([value for part in gathered.parts for value in part], index=index, dtype=object)
    if gathered.column.type in {*TIMES, "number"}:
        return pd.Series(np.concatenate(gathered.parts), index=index)
    whole = pd.concat([pd.Series(part) for part in gathered.parts], ignore_index=True)
    return settle_integers(whole)


def _times(cells: list[str], missing: list[bool], kind: str) -> Array:
    """Parse dates and times, each text once; what is none is not a time, as what is missing."""
    known = {cell: _time(cell.strip(), kind) for cell in dict.fromkeys(cells)}
    values = [None if gone else known[cell] for cell, gone in zip(cells, missing, strict=True)]
    return np.array(values, dtype="datetime64[us]")


def _time(text: str, kind: str) -> date | None:
    if kind == "date":
        return parse_date(text)
    found = parse_datetime(text)
    return found and found.replace(tzinfo=None)


def _numbers(cells: list[str], missing: Array, *, whole: bool) -> tuple[Any, Array]:
    """Parse numbers as Python does, which rounds correctly; integers exactly."""
    filled = [("0" if gone else cell) for cell, gone in zip(cells, missing.tolist(), strict=True)]
    if whole:
        exact = _integers(filled)
        if exact is not None:
            return pd.arrays.IntegerArray(exact, missing), np.zeros(len(cells), dtype=bool)
    floats = _floats(filled)
    with np.errstate(invalid="ignore"):
        bad = ~np.isfinite(floats)
        if whole:
            bad |= (floats != np.floor(floats)) | (np.abs(floats) >= float(2**53))
    gone = missing | bad
    if whole:
        return pd.arrays.IntegerArray(np.where(gone, 0, floats).astype(np.int64), gone), bad
    return np.where(gone, np.nan, floats), bad


def _integers(cells: list[str]) -> Array | None:
    try:
        values = [int(cell) for cell in cells]
        return np.array(values, dtype=np.int64) if not any("_" in cell for cell in cells) else None
    except (ValueError, OverflowError):
        return None


def _floats(cells: list[str]) -> Array:
    return np.array([_float(cell) for cell in cells], dtype=np.float64)


def _float(text: str) -> float:
    try:
        return float("nan") if "_" in text else float(text)
    except ValueError:
        return float("nan")


def _violation(gathered: _Gathered) -> Violation:
    column, count = gathered.column, gathered.bad
    message = f"column `{column.name}`: {count:,} value{'s are' if count > 1 else ' is'} not {_A[column.type]}"
    if not column.sensitive and column.role != "id":
        message += f", as {_shown(gathered.example)}"
    return Violation(rule="type", column=column.name, count=count, rows=tuple(gathered.bad_rows), message=message)


def _shown(value: str) -> str:
    cut = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return repr(cut) if cut.isprintable() else ascii(cut)
