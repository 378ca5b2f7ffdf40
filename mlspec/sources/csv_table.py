"""CSV files, read as text: RFC 4180 with any one-character delimiter, UTF-8, any line ending."""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mlspec.core.problem import MlspecError, fail
from mlspec.sources.convert import Builder
from mlspec.sources.reading import MOST_COLUMNS, Reading
from mlspec.specs.dataset import Dataset

_BLOCK = 1 << 22
_MOST_FIELD = 1 << 20
_CHUNK = 50_000
_DELIMITERS = ",;\t|"


class Rows(Protocol):
    """The rows of `csv.reader`."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


def read_csv(path: Path, dataset: Dataset) -> Reading:
    """Read a CSV file against a schema, some rows at a time; empty lines are passed over.

    Raises:
        MlspecError: `data/…`: not UTF-8, a NUL byte, a ragged row, an unclosed quote, no rows.
    """
    _scan(path, dataset.source.path)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = csv.reader(handle, delimiter=dataset.source.delimiter, strict=True)
        try:
            header = _header(rows, dataset)
            builder = Builder(dataset, header)
            for chunk in _chunks(rows, len(header), dataset.source.path):
                builder.add(chunk)
        except csv.Error as error:
            raise _malformed(error, rows.line_num, dataset.source.path) from None
    if builder.rows == 0:
        raise fail("data/empty", f"dataset `{dataset.name}` has no rows: {dataset.source.path} holds a header only")
    return builder.reading()


def _scan(path: Path, name: str) -> None:
    """Refuse bytes that no text holds, before anything is parsed."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    rows, more = 1, True
    with path.open("rb") as handle:
        while more:
            more = bool(block := handle.read(_BLOCK))
            if b"\0" in block:
                row = rows + block.count(b"\n", 0, block.index(b"\0"))
                hint = "save it as UTF-8" if block[:2] in (b"\xff\xfe", b"\xfe\xff") else None
                raise fail("data/nul", f"{name}: line {row} holds a NUL byte, which no text does", help=hint)
            try:
                decoder.decode(block, final=not more)
            except UnicodeDecodeError as error:
                raise _not_utf8(error, rows, name) from None
            rows += block.count(b"\n")


def _not_utf8(error: UnicodeDecodeError, rows: int, name: str) -> MlspecError:
    line = rows + error.object.count(b"\n", 0, error.start)
    message = f"{name}: line {line} is not UTF-8"
    if "unexpected end" in error.reason:
        return fail("data/encoding", f"{message}: it ends inside a character", help="is the file truncated?")
    return fail("data/encoding", message, help="save it as UTF-8")


def _header(rows: Rows, dataset: Dataset) -> list[str]:
    csv.field_size_limit(_MOST_FIELD)
    header = next(filter(None, rows), None)
    if header is None:
        raise fail("data/empty", f"dataset `{dataset.name}` has no rows: {dataset.source.path} is empty")
    if len(header) > MOST_COLUMNS:
        raise fail("data/columns", f"{dataset.source.path} has {len(header):,} columns; the limit is {MOST_COLUMNS:,}")
    if len(header) == 1 and dataset.column(header[0]) is None:
        _refuse_delimiter(header[0], dataset)
    return header


def _refuse_delimiter(header: str, dataset: Dataset) -> None:
    """Refuse a header that other delimiters would divide into declared columns."""
    path, names = dataset.source.path, {column.name for column in dataset.columns}
    for delimiter in _DELIMITERS:
        if delimiter != dataset.source.delimiter and len(names.intersection(header.split(delimiter))) > 1:
            written = json.dumps(delimiter)
            raise fail(
                "data/delimiter",
                f"{path}: the header is one field, with {written} in it",
                help=f"is that the delimiter? set source: {{path: {path}, delimiter: {written}}}",
            )


def _chunks(rows: Rows, width: int, name: str) -> Iterator[list[list[str]]]:
    chunk: list[list[str]] = []
    for row in rows:
        if len(row) != width:
            if not row:
                continue
            raise fail("data/ragged", f"{name}: line {rows.line_num} has {len(row)} fields; the header has {width}")
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
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
