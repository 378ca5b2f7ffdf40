"""CSV files, read as text: RFC 4180 with any one-character delimiter, UTF-8, any line ending."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Protocol

from mlspec.core.problem import MlspecError, fail
from mlspec.sources.convert import Cells, Converter
from mlspec.sources.piece import Piece, lines, open_text
from mlspec.sources.reading import Chunk, Headers
from mlspec.specs.dataset import Dataset

_MOST_FIELD = 1 << 20
_CHUNK = 50_000
_MOST_CELLS = 250_000
_MOST_CHARACTERS = 1 << 25
_DELIMITERS = ",;\t|"


class Rows(Protocol):
    """The rows of `csv.reader`."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def csv_chunks(piece: Piece, headers: Headers, converter: Converter) -> Iterator[Chunk]:
    """Read a CSV file against a schema, some rows at a time; empty lines are passed over.

    Raises:
        MlspecError: `data/…`: not UTF-8, a NUL byte, a ragged row, an unclosed quote, other columns than before it.
    """
    dataset = headers.dataset
    missing = frozenset({"", *dataset.source.missing})
    with open_text(piece) as text:
        rows = csv.reader(lines(text, piece.name), delimiter=dataset.source.delimiter, strict=True)
        try:
            header = _header(rows, headers, piece)
            at = {column.name: header.index(column.name) for column in dataset.columns if column.name in header}
            for chunk in _chunks(rows, len(header), piece.name):
                cells = {name: _cells([row[place] for row in chunk], missing) for name, place in at.items()}
                yield converter.convert(cells, len(chunk))
        except csv.Error as error:
            raise _malformed(error, rows.line_num, piece.name) from None


def _cells(texts: list[str], missing: frozenset[str]) -> Cells:
    return Cells(texts, [text in missing for text in texts])


def _header(rows: Rows, headers: Headers, piece: Piece) -> list[str]:
    csv.field_size_limit(_MOST_FIELD)
    header = next(filter(None, rows), None)
    if header is None:
        raise fail("data/empty", f"dataset `{headers.dataset.name}` has no rows: {piece.name} is empty")
    if len(header) == 1 and headers.dataset.column(header[0]) is None:
        _refuse_delimiter(header[0], headers.dataset, piece.name)
    headers.see(header, piece.name)
    return header


def _refuse_delimiter(header: str, dataset: Dataset, name: str) -> None:
    """Refuse a header that other delimiters would divide into declared columns."""
    names = {column.name for column in dataset.columns}
    for delimiter in _DELIMITERS:
        if delimiter != dataset.source.delimiter and len(names.intersection(header.split(delimiter))) > 1:
            written = json.dumps(delimiter)
            raise fail(
                "data/delimiter",
                f"{name}: the header is one field, with {written} in it",
                help=f"is that the delimiter? set source: {{path: {dataset.source.path}, delimiter: {written}}}",
            )


def _chunks(rows: Rows, width: int, name: str) -> Iterator[list[list[str]]]:
    chunk: list[list[str]] = []
    most = max(1, min(_CHUNK, _MOST_CELLS // width))
    size = 0
    for row in rows:
        if len(row) != width:
            if not row:
                continue
            raise fail("data/ragged", f"{name}: line {rows.line_num} has {len(row)} fields; the header has {width}")
        chunk.append(row)
        size += sum(map(len, row))
        if len(chunk) == most or size > _MOST_CHARACTERS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _malformed(error: csv.Error, line: int, name: str) -> MlspecError:
    if "unexpected end" in str(error):
        return fail(
            "data/quote",
            f"{name}: a quote opens and is never closed; the file ends at line {line} inside it",
            help="is the file truncated?",
        )
    if "field larger" in str(error):
        return fail(
            "data/field",
            f"{name}: line {line} has a field of more than {_MOST_FIELD:,} characters",
            help="is a quote left open before it?",
        )
    hint = "write a quote inside quotes twice" if "expected after" in str(error) else None
    return fail("data/csv", f"{name}: line {line}: {error}", help=hint)
