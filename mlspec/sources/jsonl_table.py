"""JSON Lines: one object a line, UTF-8; its values hold their types, so nothing is guessed from text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from mlspec.core.problem import MlspecError, fail
from mlspec.core.types import NUMBERS
from mlspec.core.verdict import Violation
from mlspec.sources.convert import Cells, Converter
from mlspec.sources.piece import Piece, lines, open_text
from mlspec.sources.reading import MOST_COLUMNS, Chunk, header_violations
from mlspec.specs.dataset import Column, Dataset

_CHUNK = 50_000
_MOST_CELLS = 250_000
_MOST_CHARACTERS = 1 << 25
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
Row = dict[str, Any]


class Keys:
    """The keys that rows have: a key may be left out where its value is missing."""

    def __init__(self) -> None:
        """Start with none."""
        self.names: dict[str, None] = {}

    def see(self, row: Row, where: str) -> None:
        """Take note of the keys of a row.

        Raises:
            MlspecError: `data/columns`, there are too many.
        """
        if not row.keys() <= self.names.keys():
            self.names |= dict.fromkeys(row)
            if len(self.names) > MOST_COLUMNS:
                raise fail("data/columns", f"{where} has more than {MOST_COLUMNS:,} keys, which is the limit")

    def violations(self, dataset: Dataset) -> list[Violation]:
        """Hold the keys of all rows against the schema."""
        return header_violations(list(self.names), dataset)


def jsonl_chunks(piece: Piece, dataset: Dataset, keys: Keys, converter: Converter) -> Iterator[Chunk]:
    """Read JSON Lines against a schema, some rows at a time; empty lines are passed over.

    A key that is not there, `null`, and the texts of `source.missing` are missing.

    Raises:
        MlspecError: `data/…`: not UTF-8, a NUL byte, no object of JSON, a key twice.
    """
    chunk: list[Row] = []
    size = 0
    with open_text(piece) as text:
        for number, line in enumerate(lines(text, piece.name), start=1):
            if not line.strip():
                continue
            row = parse_row(line, f"{piece.name}: line {number}")
            keys.see(row, piece.name)
            chunk.append(row)
            size += len(line)
            if len(chunk) * len(keys.names) > _MOST_CELLS or size > _MOST_CHARACTERS or len(chunk) == _CHUNK:
                yield converter.convert(_columns(chunk, dataset), len(chunk))
                chunk, size = [], 0
    if chunk:
        yield converter.convert(_columns(chunk, dataset), len(chunk))


def parse_row(line: str, where: str) -> Row:
    """Return the object in a line.

    Raises:
        MlspecError: `data/jsonl`, it holds none.
    """
    try:
        row = json.loads(line, object_pairs_hook=_once, parse_constant=_no_constant)
        if _SURROGATE.search(line):
            json.dumps(row, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise fail("data/jsonl", f"{where}, column {error.colno}: {error.msg}", help=_hint(line)) from None
    except _KeyTwiceError as error:
        raise fail("data/jsonl", f"{where} has the key `{error}` twice") from None
    except (ValueError, RecursionError) as error:
        raise _unfit(error, where) from None
    if not isinstance(row, dict):
        raise fail("data/jsonl", f"{where} is no JSON object", help='write one object a line: {"name": value, …}')
    return row


def _unfit(error: Exception, where: str) -> MlspecError:
    match error:
        case RecursionError():
            why = "it is nested too deep"
        case UnicodeEncodeError():
            why = rf"\u{ord(error.object[error.start]):04x} is half of a surrogate pair, which is no character"
        case _NoNumberError():
            why = str(error)
        case _:
            why = "a number has too many digits"
    return fail("data/jsonl", f"{where}: {why}")


class _KeyTwiceError(Exception):
    pass


class _NoNumberError(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _KeyTwiceError(next(name for name in names if names.count(name) > 1))
    return row


def _no_constant(name: str) -> Any:
    raise _NoNumberError(f"{name} is no value of JSON")


def _hint(line: str) -> str | None:
    return "is it one JSON document over several lines? write one object a line" if line.strip() in "[{" else None


def _columns(rows: list[Row], dataset: Dataset) -> dict[str, Cells]:
    missing = frozenset(dataset.source.missing)
    return {column.name: _cells([row.get(column.name) for row in rows], column, missing) for column in dataset.columns}


def _cells(values: list[Any], column: Column, missing: frozenset[str]) -> Cells:
    gone = [value is None or (isinstance(value, str) and value in missing) for value in values]
    wrong = [not (skip or _is_of(value, column.type)) for value, skip in zip(values, gone, strict=True)]
    return Cells([_text(value) for value in values], gone, wrong)


def _is_of(value: Any, kind: str) -> bool:
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    return isinstance(value, int | float) if kind in NUMBERS else isinstance(value, str)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
