"""The `file` source: CSV, JSON Lines or parquet, in one file or many, read against the schema it must keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mlspec.core.problem import fail
from mlspec.core.verdict import Violation
from mlspec.sources.convert import Converter
from mlspec.sources.csv_table import csv_chunks
from mlspec.sources.jsonl_table import Keys, jsonl_chunks
from mlspec.sources.parquet_table import Columns, parquet_chunks
from mlspec.sources.piece import Piece
from mlspec.sources.reading import Chunk, Headers, Reading, Scan, joined
from mlspec.specs.dataset import Dataset

__all__ = ["Reading", "read", "scan"]


def read(path: Path, dataset: Dataset) -> Reading:
    """Read a verified local copy of a dataset's source; errors name the source as the spec does.

    Raises:
        MlspecError: as `scan`.
    """
    return read_pieces([Piece.whole(path, dataset.source.path)], dataset)


def read_pieces(pieces: Sequence[Piece], dataset: Dataset) -> Reading:
    """Read all rows of verified local copies.

    Raises:
        MlspecError: as `scan`.
    """
    scanned = scan(pieces, dataset)
    frame = joined(list(scanned.chunks), dataset)
    return Reading(frame, scanned.violations(), scanned.lengths)


def scan(pieces: Sequence[Piece], dataset: Dataset) -> Scan:
    """Read the rows of verified local copies, piece by piece, some rows at a time.

    Raises (while reading):
        MlspecError: `data/…`: a piece is no table of its format, or a Git LFS pointer to one, or all are without rows.
    """
    found, violations = _opened(pieces, dataset)
    lengths: dict[str, int] = {}
    return Scan(_rows(found, pieces, dataset, lengths), violations, lengths)


def _opened(
    pieces: Sequence[Piece], dataset: Dataset
) -> tuple[Iterator[Iterator[Chunk]], Callable[[], tuple[Violation, ...]]]:
    """Return the chunks of each piece by the form of the source, and what they broke as far as they were read."""
    match dataset.source.reads_as:
        case "csv":
            headers, converter = Headers(dataset), Converter(dataset)
            found = (csv_chunks(piece, headers, converter) for piece in pieces)
            return found, lambda: (*headers.violations(), *converter.violations())
        case "jsonl":
            keys, converter = Keys(), Converter(dataset)
            found = (jsonl_chunks(piece, dataset, keys, converter) for piece in pieces)
            return found, lambda: (*keys.violations(dataset), *converter.violations())
        case _:
            headers, columns = Headers(dataset), Columns(dataset)
            found = (parquet_chunks(piece, headers, columns) for piece in pieces)
            return found, lambda: (*headers.violations(), *columns.violations())


def _rows(
    found: Iterator[Iterator[Chunk]], pieces: Sequence[Piece], dataset: Dataset, lengths: dict[str, int]
) -> Iterator[Chunk]:
    """Yield the chunks that have rows, of which there must be one, and count the rows of each piece."""
    for piece in pieces:
        if not piece.size:
            raise fail("data/empty", f"dataset `{dataset.name}` has no rows: {piece.name} is empty")
        lengths[piece.name] = 0
        for chunk in next(found):
            lengths[piece.name] += len(chunk)
            if len(chunk):
                yield chunk
    if not any(lengths.values()):
        alone = dataset.source.reads_as != "csv" or len(pieces) > 1
        name = pieces[0].name if len(pieces) == 1 else dataset.source.path
        why = "is empty" if alone else "holds a header only"
        raise fail("data/empty", f"dataset `{dataset.name}` has no rows: {name} {why}")
