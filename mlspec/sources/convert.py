"""Text to declared types, some rows at a time; what does not fit is counted, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.calendar import parse_date, parse_datetime
from mlspec.core.types import TEXTS, TIMES
from mlspec.core.verdict import Violation
from mlspec.sources.reading import FIRST_ROWS
from mlspec.specs.dataset import Column, Dataset

_SHOWN = 40
_MOST_WORDS = 100_000
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_A = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date (2026-11-23)",
    "datetime": "a time (2026-11-23T06:00:00Z)",
    **dict.fromkeys(TEXTS, "text"),
}
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of one column as text, which of them are missing, and which cannot be of any declared type."""

    texts: list[str]
    missing: list[bool]
    wrong: list[bool] | None = None


@dataclass
class _Misfits:
    """Which cells of a column did not fit its type, as far as it was read."""

    count: int = 0
    rows: list[int] = field(default_factory=list)
    example: str = ""


class Converter:
    """Turns text cells into typed columns, some rows at a time.

    Integers may be written `3` or `3.0`, numbers in decimal or exponent form, booleans `true`, `false`, `1`, `0`
    in any case, dates and times as `core.calendar` says; spaces around these do not count.
    """

    def __init__(self, dataset: Dataset) -> None:
        """Start at the first row."""
        self._dataset = dataset
        self._misfits = {column.name: _Misfits() for column in dataset.columns}
        self._words: dict[str, str] = {}
        self.rows = 0

    def convert(self, cells: Mapping[str, Cells], rows: int) -> pd.DataFrame:
        """Return the declared columns of so many rows, as `reading.Chunk` says; one without cells is all missing."""
        index = pd.RangeIndex(rows)
        frame = pd.DataFrame(
            {
                column.name: self._column(column, cells[column.name])
                if column.name in cells
                else pd.Series(None, index=index, dtype=object)
                for column in self._dataset.columns
            },
            index=index,
        )
        self.rows += rows
        if len(self._words) > _MOST_WORDS:
            self._words.clear()
        return frame

    def violations(self) -> list[Violation]:
        """Return what did not fit so far."""
        return [
            _violation(column, misfits)
            for column in self._dataset.columns
            if (misfits := self._misfits[column.name]).count
        ]

    def _column(self, column: Column, cells: Cells) -> Any:
        texts, gone = cells.texts, np.array(cells.missing, dtype=np.bool_)
        if cells.wrong is not None:
            gone |= np.array(cells.wrong, dtype=np.bool_)
        values, bad = self._typed(column.type, texts, gone)
        if cells.wrong is not None:
            bad |= np.array(cells.wrong, dtype=np.bool_)
        if bad.any():
            self._count(self._misfits[column.name], texts, bad)
        return values

    def _typed(self, kind: str, texts: list[str], gone: Array) -> tuple[Any, Array]:
        if kind in TEXTS:
            words = self._words
            found = [None if skip else words.setdefault(text, text) for text, skip in zip(texts, gone, strict=True)]
            return pd.Series(found, dtype=object), np.zeros(len(texts), dtype=np.bool_)
        if kind == "boolean":
            truth = [None if skip else _TRUTH.get(text.strip().lower()) for text, skip in zip(texts, gone, strict=True)]
            return pd.Series(truth, dtype=object), np.array([value is None for value in truth]) & ~gone
        if kind in TIMES:
            times = _times(texts, gone.tolist(), kind)
            return times, np.isnat(times) & ~gone
        return _numbers(texts, gone, whole=kind == "integer")

    def _count(self, misfits: _Misfits, texts: list[str], bad: Array) -> None:
        rows = np.flatnonzero(bad).tolist()
        if not misfits.count:
            misfits.example = texts[rows[0]]
        misfits.count += len(rows)
        misfits.rows += [self.rows + row + 1 for row in rows[: FIRST_ROWS - len(misfits.rows)]]


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
        exact, bad = _integers(filled)
        return pd.arrays.IntegerArray(exact, missing | bad), bad
    floats = np.array([_float(cell) for cell in filled], dtype=np.float64)
    bad = ~np.isfinite(floats)
    return np.where(missing | bad, np.nan, floats), bad


def _integers(cells: list[str]) -> tuple[Array, Array]:
    """Parse integers, all at once where all are plain, else cell by cell; also say which are none, and 0 here."""
    none = np.zeros(len(cells), dtype=np.bool_)
    with suppress(ValueError, OverflowError):
        if not any("_" in cell for cell in cells):
            return np.array([int(cell) for cell in cells], dtype=np.int64), none
    found = [_integer(cell) for cell in cells]
    bad = np.array([value is None for value in found], dtype=np.bool_)
    return np.array([value or 0 for value in found], dtype=np.int64), bad


def _integer(text: str) -> int | None:
    """Return the integer of 64 bits that a text says, or that a number says which a double holds exactly."""
    try:
        exact = None if "_" in text else int(text)
    except ValueError:
        number = _float(text)
        exact = int(number) if number.is_integer() and abs(number) < 2**53 else None
    return exact if exact is not None and -(2**63) <= exact < 2**63 else None


def _float(text: str) -> float:
    try:
        return float("nan") if "_" in text else float(text)
    except ValueError:
        return float("nan")


def _violation(column: Column, misfits: _Misfits) -> Violation:
    count = misfits.count
    message = f"column `{column.name}`: {count:,} value{'s are' if count > 1 else ' is'} not {_A[column.type]}"
    if not column.sensitive and column.role != "id":
        message += f", as {_shown(misfits.example)}"
    return Violation(rule="type", column=column.name, count=count, rows=tuple(misfits.rows), message=message)


def _shown(value: str) -> str:
    cut = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return repr(cut) if cut.isprintable() else ascii(cut)
