"""Parquet files, opened and read a little at a time: memory is bounded, however little packs however much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlspec.core.problem import fail
from mlspec.sources.piece import Piece, open_bytes, refuse_bomb
from mlspec.sources.reading import MOST_COLUMNS

MOST_BYTES = 4 << 30
"""A file with a row group that claims more than this when unpacked is refused before it is."""
MOST_ROWS = 2_000_000_000
MOST_TEXT = 1 << 25
"""Bytes of text unpacked at a time; one value may be longer."""
_MOST_DELTA = 1 << 28


@contextmanager
def opened(piece: Piece) -> Iterator[pq.ParquetFile]:
    """Open a parquet file, of which `batches` reads the rows.

    Raises (also while reading):
        MlspecError: `data/…`: it is truncated or no parquet, or has too many columns, or rows, or bytes when unpacked.
    """
    try:
        with open_bytes(piece) as handle, pq.ParquetFile(pa.PythonFile(handle, "r")) as file:
            _measure(file, piece.name)
            yield file
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise fail(
            "data/parquet",
            f"{piece.name} cannot be read as parquet: {reason}",
            help="is it truncated, or another format?",
        ) from None


def batches(piece: Piece, file: pq.ParquetFile, names: Sequence[str], rows: int) -> Iterator[pa.Table]:
    """Yield these columns of an opened file, at most so many rows and `MOST_TEXT` at a time, in plain types.

    Raises (while reading):
        MlspecError: `data/bomb`, the text is out of all proportion to the file.
        pa.ArrowException, OSError: it is damaged.
    """
    kept: list[pa.RecordBatch] = []
    count = size = 0
    for batch in _unpacked(piece, file, names, rows):
        count, size = count + len(batch), size + batch.nbytes
        if kept and (count > rows or size > MOST_TEXT):
            yield pa.Table.from_batches(kept)
            kept, count, size = [], len(batch), batch.nbytes
        kept.append(batch)
    if kept:
        yield pa.Table.from_batches(kept)


def plain_type(found: pa.DataType) -> pa.DataType:
    """Return the type of the values, where they are kept as a dictionary."""
    return found.value_type if pa.types.is_dictionary(found) else found


def is_text(found: pa.DataType) -> bool:
    """Say whether it is text, of any layout."""
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _measure(file: pq.ParquetFile, name: str) -> None:
    meta = file.metadata
    if meta.num_columns > MOST_COLUMNS:
        raise fail("data/columns", f"{name} has {meta.num_columns:,} columns; the limit is {MOST_COLUMNS:,}")
    groups = [meta.row_group(group) for group in range(meta.num_row_groups)]
    unpacked = max((group.total_byte_size for group in groups), default=0)
    if unpacked > MOST_BYTES:
        message = f"{name} has a row group of {unpacked:,} bytes when unpacked; the limit is {MOST_BYTES:,}"
        raise fail("data/too-large", message, help="write it with smaller row groups")
    if meta.num_rows > MOST_ROWS:
        raise fail("data/too-large", f"{name} has {meta.num_rows:,} rows; the limit is {MOST_ROWS:,}")


def _unpacked(piece: Piece, file: pq.ParquetFile, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield rows in plain types, as few at a time as they are kept in, or as their text allows."""
    unpacked = 0
    for batch in _packed(piece, file, names, rows):
        sizes = sum(map(_text_bytes, batch.columns), start=np.zeros(len(batch), dtype="int64"))
        unpacked += int(sizes.sum())
        refuse_bomb(piece, unpacked)
        for start, stop in _stretches(sizes):
            yield _plain(batch.slice(start, stop - start))


def _packed(piece: Piece, file: pq.ParquetFile, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield rows whose text is still a dictionary; what Arrow only reads unpacked comes in fewer rows."""
    texts = [name for name in names if is_text(plain_type(file.schema_arrow.field(name).type))]
    deltas = _deltas(file.metadata, set(texts))
    fewer = max(1, min(rows, _MOST_DELTA // max([1, *deltas.values()])))
    packed = [name for name in texts if name not in deltas]
    with open_bytes(piece) as handle:
        source = pa.PythonFile(handle, "r")
        with pq.ParquetFile(source, metadata=file.metadata, read_dictionary=packed) as again:
            yield from again.iter_batches(fewer, columns=list(names), use_threads=False)


def _deltas(meta: pq.FileMetaData, texts: set[str]) -> dict[str, int]:
    """Return the columns that tell a value by what it shares with the one before, and how long one may be at most."""
    found: dict[str, int] = {}
    places = [place for place in range(meta.num_columns) if meta.schema.column(place).path in texts]
    for group in map(meta.row_group, range(meta.num_row_groups)):
        for column in map(group.column, places):
            if any(encoding.startswith("DELTA") for encoding in column.encodings):
                name = column.path_in_schema
                found[name] = max(found.get(name, 0), column.total_uncompressed_size)
    return found


def _text_bytes(values: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how long each value is when unpacked; 0 for what is no text."""
    if not is_text(plain_type(values.type)):
        return np.zeros(len(values), dtype="int64")
    if pa.types.is_dictionary(values.type):
        lengths = pc.take(pc.binary_length(values.dictionary), values.indices)
    else:
        lengths = pc.binary_length(values)
    return np.asarray(pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False), dtype="int64")


def _stretches(sizes: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[tuple[int, int]]:
    """Yield from which row to which, so that each stretch stays below `MOST_TEXT`, or is one row."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        most = ends[start] - sizes[start] + MOST_TEXT
        stop = max(start + 1, int(np.searchsorted(ends, most, side="right")))
        yield start, stop
        start = stop


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    for place, name in enumerate(batch.schema.names):
        values = batch.column(place)
        batch = batch.set_column(place, name, values.cast(plain_type(values.type)))
    return batch
