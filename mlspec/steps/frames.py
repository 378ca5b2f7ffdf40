"""Tables by their declared types: one form in Arrow, one in pandas, whatever they were read from.

In pandas an integer column is int64, or float64 when something is missing; a number is float64; text has pandas'
own type for text; a boolean column holds True and False as objects; a category is categorical, in the order of the
spec, and NaN where the spec does not name the value; dates and times are datetime64[us], without a zone and in UTC.
Missing is NaN everywhere, NaT among dates and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from mlspec.core.problem import fail
from mlspec.core.types import TIMES

if TYPE_CHECKING:
    from mlspec.specs.dataset import Column

_UTC = pa.timestamp("us", tz="UTC")
_TIMES_HELP = "make it one of times: frame[column] = pandas.to_datetime(frame[column])"
_TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "text": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": _UTC,
    "category": pa.dictionary(pa.int32(), pa.string(), ordered=True),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column, as far as a step needs to know it."""

    name: str
    type: str
    role: str
    values: tuple[str, ...] = ()
    """What a category can be, in order."""


def fields_of(columns: Sequence[Column]) -> tuple[Field, ...]:
    """Return the fields of declared columns, in their order."""
    return tuple(Field(column.name, column.type, column.role, _order(column)) for column in columns)


def with_role(fields: Sequence[Field], role: str) -> list[str]:
    """Return the names of the columns of a role, in order."""
    return [field.name for field in fields if field.role == role]


def table_of(frame: pd.DataFrame, fields: Sequence[Field]) -> pa.Table:
    """Return the declared columns of a frame as an Arrow table of the declared types.

    Raises:
        MlspecError: a column is missing (`table/no-column`) or holds something else than its type (`table/type`);
            never with a value.
    """
    columns = {}
    for field in fields:
        if field.name not in frame.columns:
            raise fail("table/no-column", f"the table has no column `{field.name}`")
        try:
            columns[field.name] = _column(frame[field.name], field)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
            message = f"column `{field.name}` is declared {field.type}, and holds something else"
            raise fail("table/type", message, help=_TIMES_HELP if field.type in TIMES else None) from error
    return pa.table(columns)


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return an Arrow table as a frame in the one form."""
    return pd.DataFrame({name: _series(table[name]) for name in table.column_names}, copy=False)


def typed(frame: pd.DataFrame, fields: Sequence[Field]) -> pd.DataFrame:
    """Return the declared columns of any frame in the one form that models are trained on.

    Raises:
        MlspecError: as `table_of`.
    """
    return frame_of(table_of(frame, fields))


def write(table: pa.Table, path: Path) -> None:
    """Write a table to a new file, uncompressed: it lives as long as one step.

    Raises:
        OSError: the disk is full, for one.
    """
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def read(path: Path) -> pd.DataFrame:
    """Read a table that `write` wrote, in the one form.

    Raises:
        OSError: the file can't be read.
    """
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        return frame_of(reader.read_all())


def to_parquet(source: Path, target: Path) -> None:
    """Write a table that `write` wrote as a parquet file, for programs of any language.

    Raises:
        OSError: the disk is full, for one.
    """
    with pa.memory_map(str(source)) as mapped, pa.ipc.open_file(mapped) as reader:
        pyarrow.parquet.write_table(reader.read_all(), str(target))


def _order(column: Column) -> tuple[str, ...]:
    return tuple(column.values or ()) if column.type == "category" else ()


def _column(series: pd.Series[Any], field: Field) -> pa.Array:
    found = pa.array(series, from_pandas=True)
    if found.null_count < len(found) and not _holds(found.type, field.type):
        raise pa.ArrowTypeError
    if field.type == "category":
        order = pa.array(field.values, pa.string())
        return pa.DictionaryArray.from_arrays(pc.index_in(found.cast(pa.string()), order), order, ordered=True)
    return found.cast(_TYPES[field.type])


def _holds(found: pa.DataType, kind: str) -> bool:
    """Say whether values of a type may be those of a declared one; that floats are whole is seen when they are cast."""
    if kind == "boolean":
        return bool(pa.types.is_boolean(found))
    if kind == "date":
        return bool(pa.types.is_date(found) or pa.types.is_timestamp(found))
    if kind == "datetime":
        return bool(pa.types.is_date32(found) or pa.types.is_timestamp(found))
    if kind in {"string", "text", "category"}:
        inner = found.value_type if pa.types.is_dictionary(found) else found
        return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))
    return bool(pa.types.is_integer(found) or pa.types.is_floating(found))


def _series(column: pa.ChunkedArray) -> pd.Series[Any]:
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("us"))
    series: pd.Series[Any] = column.to_pandas()
    if pa.types.is_boolean(column.type):
        series = series.astype(object)
    if series.dtype == object and column.null_count:
        series = series.where(series.notna(), np.nan)
    return series
