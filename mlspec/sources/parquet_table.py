"""Parquet files, read with pyarrow: their own types are held against the declared ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mlspec.core.problem import fail
from mlspec.core.types import TEXTS, TIMES
from mlspec.core.verdict import Violation
from mlspec.sources.parquet_file import batches, is_text, opened, plain_type
from mlspec.sources.piece import Piece
from mlspec.sources.reading import FIRST_ROWS, Chunk, Headers
from mlspec.specs.dataset import Column, Dataset

_FIRST, _LAST = (pa.array([day]).cast(pa.timestamp("us"))[0] for day in (date.min, date.max))
_CHUNK = 50_000
_MOST_CELLS = 250_000


@dataclass
class _Broken:
    """What is wrong with values of a column: which rows have one, or all of them where no row is told."""

    what: str
    count: int
    rows: tuple[int, ...] = ()

    def violation(self, column: Column) -> Violation:
        message = f"column `{column.name}` {self.what}"
        if self.rows:
            message = f"column `{column.name}`: {self.count:,} value{'s are' if self.count > 1 else ' is'} {self.what}"
        return Violation(rule="type", column=column.name, count=self.count, rows=self.rows, message=message)


@dataclass
class Columns:
    """What does not fit in the columns of parquet files, as far as they were read."""

    dataset: Dataset
    rows: int = 0
    broken: dict[str, _Broken] = field(default_factory=dict)

    def take(self, batch: pa.Table, types: Mapping[str, pa.DataType], name: str) -> Chunk:
        """Return a batch, of a file with columns of these types, as declared; a misfit is missing, and counted."""
        frame = {}
        for column in self.dataset.columns:
            frame[column.name], broken = _column(batch, column, types.get(column.name, pa.null()), name)
            if broken is not None:
                self._add(column.name, broken)
        self.rows += len(batch)
        return pd.DataFrame(frame, index=pd.RangeIndex(len(batch)))

    def violations(self) -> list[Violation]:
        """Return what did not fit so far."""
        columns = self.dataset.columns
        return [self.broken[column.name].violation(column) for column in columns if column.name in self.broken]

    def _add(self, name: str, found: _Broken) -> None:
        known = self.broken.setdefault(name, _Broken(found.what, 0))
        known.count += found.count
        known.rows = (*known.rows, *(self.rows + row for row in found.rows))[:FIRST_ROWS]


def parquet_chunks(piece: Piece, headers: Headers, columns: Columns) -> Iterator[Chunk]:
    """Read a parquet file against a schema, some rows at a time; a column of another type is not read.

    Raises:
        MlspecError: `data/…`: it is truncated or no parquet, too large when unpacked, or has other columns than those
            before it.
    """
    with opened(piece) as file:
        names = file.schema_arrow.names
        headers.see(names, piece.name)
        found = {field.name: plain_type(field.type) for field in file.schema_arrow if names.count(field.name) == 1}
        declared = headers.dataset.columns
        wanted = [column.name for column in declared if column.name in found and _fits(found[column.name], column)]
        size = max(1, min(_CHUNK, _MOST_CELLS // max(1, len(wanted))))
        for batch in batches(piece, file, wanted, size):
            yield columns.take(batch, found, piece.name)


def _column(batch: pa.Table, column: Column, found: pa.DataType, name: str) -> tuple[pd.Series, _Broken | None]:
    nothing = pd.Series(None, index=pd.RangeIndex(len(batch)), dtype=object)
    if pa.types.is_null(found):
        return nothing, None
    if not _fits(found, column):
        return nothing, _Broken(f"is {found} in the file, and {column.type} in the schema", len(batch))
    values = batch.column(column.name)
    if column.type in {*TEXTS, "boolean"}:
        return pd.Series(_objects(values, column, name), dtype=object), None
    if column.type == "number":
        return values.cast(pa.float64(), safe=False).to_pandas().astype("float64"), _infinite(values)
    if column.type in TIMES:
        return _times(values, column)
    return _integers(values)


def _times(values: pa.ChunkedArray, column: Column) -> tuple[pd.Series, _Broken | None]:
    """Bring dates and times to microseconds in UTC; a date may be kept as its midnight, as pandas does."""
    exact = values.cast(pa.timestamp("us", values.type.tz if pa.types.is_timestamp(values.type) else None), safe=False)
    found = exact.cast(pa.timestamp("us"))
    outside = pc.or_(pc.less(found, _FIRST), pc.greater(found, _LAST))
    if column.type == "date":
        outside = pc.or_(outside, pc.not_equal(found, pc.floor_temporal(found, unit="day")))
    violation = _broken(outside.to_pylist(), f"no {column.type}") if pc.any(outside).as_py() else None
    return found.to_pandas(), violation


def _objects(values: pa.ChunkedArray, column: Column, name: str) -> list[Any]:
    """Return values as Python's own; equal texts are one object, as they are one in the file."""
    words: dict[Any, Any] = {}
    try:
        return [words.setdefault(value, value) for value in values.to_pylist()]
    except UnicodeDecodeError:
        message = f"{name}: column `{column.name}` holds text that is not UTF-8"
        raise fail("data/encoding", message, help="save it as UTF-8") from None


def _fits(found: pa.DataType, column: Column) -> bool:
    number = pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found)
    if column.type == "date":
        return bool(pa.types.is_date(found) or (pa.types.is_timestamp(found) and found.tz is None))
    if column.type == "datetime":
        return bool(pa.types.is_date(found) or pa.types.is_timestamp(found))
    return bool(
        {**dict.fromkeys(TEXTS, is_text(found)), "boolean": pa.types.is_boolean(found)}.get(column.type, number)
    )


def _integers(values: pa.ChunkedArray) -> tuple[pd.Series, _Broken | None]:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    try:
        exact = values.cast(pa.int64())
    except pa.ArrowInvalid:
        broken = [not _is_int64(value) for value in values.to_pylist()]
        nothing = pd.Series(None, index=pd.RangeIndex(len(values)), dtype=object)
        return nothing, _broken(broken, "no integer of 64 bits")
    return pd.Series(exact.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)), None


def _is_int64(value: float | Decimal | None) -> bool:
    return value is None or (math.isfinite(value) and value == int(value) and -(2**63) <= value < 2**63)


def _infinite(values: pa.ChunkedArray) -> _Broken | None:
    if not pa.types.is_floating(values.type):
        return None
    infinite = pc.is_inf(values)
    return _broken(infinite.to_pylist(), "no finite number") if pc.any(infinite).as_py() else None


def _broken(mask: list[bool], what: str) -> _Broken:
    rows = [row + 1 for row, bad in enumerate(mask) if bad]
    return _Broken(what, len(rows), tuple(rows[:FIRST_ROWS]))
