"""The first rows of a source that nobody has declared yet, as text, with the types that its format knows."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from mlspec.core.calendar import parse_date, parse_datetime
from mlspec.core.problem import fail
from mlspec.core.sample import Sample
from mlspec.sources.file import scan
from mlspec.sources.jsonl_table import parse_row
from mlspec.sources.parquet_file import MOST_TEXT, batches, is_text, opened, plain_type
from mlspec.sources.piece import Piece, lines, open_text
from mlspec.sources.reading import MOST_COLUMNS
from mlspec.specs.dataset import Dataset

_DELIMITERS = ",;\t|"
_TIMES: dict[str, Callable[[str], Any]] = {"date": parse_date, "datetime": parse_datetime}


def csv_header(piece: Piece) -> tuple[list[str], str]:
    """Return the header of a CSV file and its delimiter: the one that divides its first line into most fields.

    Raises:
        MlspecError: `data/empty`, `data/header`: there is none, or a name is empty or there twice; or as `scan`.
    """
    with open_text(piece) as text:
        first = next((line for line in lines(text, piece.name) if line.strip()), None)
    if first is None:
        raise fail("data/empty", f"{piece.name} is empty")
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        header = next(csv.reader([first.rstrip("\r\n")], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise fail("data/csv", f"{piece.name}: line 1: {error}") from None
    return _sound(header, piece), delimiter


def text_sample(pieces: Sequence[Piece], dataset: Dataset, most: int) -> Sample:
    """Return the first rows of CSV files whose columns are declared as text."""
    cells: dict[str, list[str | None]] = {column.name: [] for column in dataset.columns}
    count, whole = 0, True
    for chunk in scan(pieces, dataset).chunks:
        if count + len(chunk) > most:
            chunk, whole = chunk.iloc[: most - count], False
        for name, values in cells.items():
            values += chunk[name].tolist()
        count += len(chunk)
        if not whole:
            break
    return Sample(cells, whole=whole)


def jsonl_sample(pieces: Sequence[Piece], most: int) -> Sample:
    """Return the first rows of JSON Lines; a column's type is that of its values."""
    rows = list(islice(_rows(pieces), most + 1))
    names = _sound(list(dict.fromkeys(name for row in rows for name in row)), pieces[0])
    kept = rows[:most]
    kinds = {name: kind for name in names if (kind := _json_kind([row.get(name) for row in kept]))}
    cells = {name: [_json_text(row.get(name)) for row in kept] for name in names}
    return Sample(cells, kinds, len(rows) <= most)


def parquet_sample(piece: Piece, most: int) -> tuple[Sample, list[str]]:
    """Return the first rows of a parquet file, and the columns of types that no dataset has.

    Raises:
        MlspecError: `data/…`: it is none, or too large when unpacked.
    """
    with opened(piece) as file:
        kinds = {field.name: _arrow_kind(plain_type(field.type)) for field in file.schema_arrow}
        names = _sound([field.name for field in file.schema_arrow if kinds[field.name]], piece)
        kept = list(_first(batches(piece, file, names, most), most))
        whole = sum(map(len, kept)) == file.metadata.num_rows
    cells = {name: [_arrow_text(value) for batch in kept for value in batch[name].to_pylist()] for name in names}
    forced = {name: kinds[name] for name in names}
    return Sample(cells, forced, whole), [name for name, kind in kinds.items() if not kind]


def _first(found: Iterator[pa.Table], most: int) -> Iterator[pa.Table]:
    """Yield batches of so many rows in all, or fewer that hold much text."""
    size = 0
    for batch in found:
        yield batch.slice(0, most)
        most, size = most - len(batch), size + batch.nbytes
        if most <= 0 or size > MOST_TEXT:
            return


def _sound(names: list[str], piece: Piece) -> list[str]:
    for number, name in enumerate(names, start=1):
        if not name or names.count(name) > 1:
            what = f"has the column `{name}` twice" if name else f"has no name for column {number}"
            hint = "give every column a name of its own"
            if not name and number == 1:
                hint += "; where it is the index of a pandas frame, write it without: `to_csv(…, index=False)`"
            raise fail("data/header", f"{piece.name} {what}", help=hint)
    if len(names) > MOST_COLUMNS:
        raise fail("data/columns", f"{piece.name} has {len(names):,} columns; the limit is {MOST_COLUMNS:,}")
    return names


def _rows(pieces: Sequence[Piece]) -> Iterator[dict[str, Any]]:
    for piece in pieces:
        with open_text(piece) as text:
            for number, line in enumerate(lines(text, piece.name), start=1):
                if line.strip():
                    yield parse_row(line, f"{piece.name}: line {number}")


def _json_kind(values: Sequence[Any]) -> str | None:
    """Return the type that all values have; None where there are none."""
    present = [value for value in values if value is not None]
    types = set(map(type, present))
    if types == {bool}:
        return "boolean"
    if types and types <= {int, float}:
        return "integer" if types == {int} else "number"
    if types == {str}:
        fitting = (kind for kind, parse in _TIMES.items() if all(map(parse, present)))
        return next(fitting, "string")
    return "string" if types else None


def _json_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _arrow_kind(found: pa.DataType) -> str:
    if pa.types.is_integer(found):
        return "integer"
    if pa.types.is_floating(found) or pa.types.is_decimal(found):
        return "number"
    if pa.types.is_boolean(found):
        return "boolean"
    if pa.types.is_date(found):
        return "date"
    if pa.types.is_timestamp(found):
        return "datetime"
    return "string" if is_text(found) else ""


def _arrow_text(value: Any) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 -- NaN
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
