"""Parquet files, read with pyarrow: their own types are held against the declared ones."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlspec.core.problem import fail
from mlspec.core.types import TEXTS, TIMES
from mlspec.core.verdict import Violation
from mlspec.sources.reading import FIRST_ROWS, MOST_COLUMNS, Reading, header_violations, settle_integers
from mlspec.specs.dataset import Column, Dataset

_FIRST, _LAST = (pa.array([day]).cast(pa.timestamp("us"))[0] for day in (date.min, date.max))
MOST_BYTES = 8 << 30
"""A file that claims more than this when unpacked is refused before it is."""


def read_parquet(path: Path, dataset: Dataset) -> Reading:
    """Read a parquet file against a schema.

    Raises:
        MlspecError: `data/…`: it is truncated or no parquet, too large when unpacked, or has no rows.
    """
    name = dataset.source.path
    try:
        with pq.ParquetFile(path) as file:
            _measure(file, dataset)
            names = file.schema_arrow.names
            violations = header_violations(names, dataset)
            wanted = [column for column in dataset.columns if names.count(column.name) == 1]
            table = file.read(columns=[column.name for column in wanted])
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise fail(
            "data/parquet", f"{name} cannot be read as parquet: {reason}", help="is it truncated, or another format?"
        ) from None
    frame = {}
    for column in dataset.columns:
        if column not in wanted:
            frame[column.name] = pd.Series(None, index=pd.RangeIndex(table.num_rows), dtype=object)
            continue
        values, violation = _column(table.column(column.name), column, name)
        frame[column.name] = values
        violations += [violation] if violation else []
    return Reading(pd.DataFrame(frame, index=pd.RangeIndex(table.num_rows)), tuple(violations))


def _measure(file: pq.ParquetFile, dataset: Dataset) -> None:
    meta, name = file.metadata, dataset.source.path
    if meta.num_rows == 0:
        raise fail("data/empty", f"dataset `{dataset.name}` has no rows: {name} is empty")
    if meta.num_columns > MOST_COLUMNS:
        raise fail("data/columns", f"{name} has {meta.num_columns:,} columns; the limit is {MOST_COLUMNS:,}")
    unpacked = sum(meta.row_group(group).total_byte_size for group in range(meta.num_row_groups))
    if unpacked > MOST_BYTES:
        raise fail("data/too-large", f"{name} holds {unpacked:,} bytes when unpacked; the limit is {MOST_BYTES:,}")


def _column(values: pa.ChunkedArray, column: Column, name: str) -> tuple[pd.Series, Violation | None]:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    nothing = pd.Series(None, index=pd.RangeIndex(len(values)), dtype=object)
    if pa.types.is_null(values.type):
        return nothing, None
    if not _fits(values.type, column):
        message = f"column `{column.name}` is {values.type} in the file, and {column.type} in the schema"
        return nothing, Violation(rule="type", column=column.name, count=len(values), message=message)
    if column.type in {*TEXTS, "boolean"}:
        return pd.Series(_objects(values, column, name), dtype=object), None
    if column.type == "number":
        return values.cast(pa.float64(), safe=False).to_pandas().astype("float64"), _infinite(values, column)
    if column.type in TIMES:
        return _times(values, column)
    return _integers(values, column)


def _times(values: pa.ChunkedArray, column: Column) -> tuple[pd.Series, Violation | None]:
    """Bring dates and times to microseconds in UTC; a date may be kept as its midnight, as pandas does."""
    exact = values.cast(pa.timestamp("us", values.type.tz if pa.types.is_timestamp(values.type) else None), safe=False)
    found = exact.cast(pa.timestamp("us"))
    outside = pc.or_(pc.less(found, _FIRST), pc.greater(found, _LAST))
    if column.type == "date":
        outside = pc.or_(outside, pc.not_equal(found, pc.floor_temporal(found, unit="day")))
    violation = _broken(outside.to_pylist(), column, f"no {column.type}") if pc.any(outside).as_py() else None
    return found.to_pandas(), violation


def _objects(values: pa.ChunkedArray, column: Column, name: str) -> list[Any]:
    try:
        found: list[Any] = values.to_pylist()
    except UnicodeDecodeError:
        message = f"{name}: column `{column.name}` holds text that is not UTF-8"
        raise fail("data/encoding", message, help="save it as UTF-8") from None
    return found


def _fits(found: pa.DataType, column: Column) -> bool:
    number = pa.types.is_integer(found) or pa.types.is_floating(found) or pa.types.is_decimal(found)
    text = pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found)
    if column.type == "date":
        return bool(pa.types.is_date(found) or (pa.types.is_timestamp(found) and found.tz is None))
    if column.type == "datetime":
        return bool(pa.types.is_date(found) or pa.types.is_timestamp(found))
    return bool({**dict.fromkeys(TEXTS, text), "boolean": pa.types.is_boolean(found)}.get(column.type, number))


def _integers(values: pa.ChunkedArray, column: Column) -> tuple[pd.Series, Violation | None]:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    try:
        exact = values.cast(pa.int64())
    except pa.ArrowInvalid:
        broken = [not _is_int64(value) for value in values.to_pylist()]
        nothing = pd.Series(None, index=pd.RangeIndex(len(values)), dtype=object)
        return nothing, _broken(broken, column, "no integer of 64 bits")
    whole = pd.Series(exact.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
    return settle_integers(whole), None


def _is_int64(value: float | Decimal | None) -> bool:
    return value is None or (math.isfinite(value) and value == int(value) and -(2**63) <= value < 2**63)


def _infinite(values: pa.ChunkedArray, column: Column) -> Violation | None:
    if not pa.types.is_floating(values.type):
        return None
    infinite = pc.is_inf(values)
    return _broken(infinite.to_pylist(), column, "no finite number") if pc.any(infinite).as_py() else None


def _broken(mask: list[bool], column: Column, what: str) -> Violation:
    rows = [row + 1 for row, bad in enumerate(mask) if bad]
    message = f"column `{column.name}`: {len(rows):,} value{'s are' if len(rows) > 1 else ' is'} {what}"
    return Violation(rule="type", column=column.name, count=len(rows), rows=tuple(rows[:FIRST_ROWS]), message=message)
