"""A table on disk, larger than memory: written once, a chunk at a time, and looked at column by column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from mlspec.core.types import NUMBERS, TEXTS, TIMES
from mlspec.specs.dataset import Column, Dataset

_TYPES = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    **dict.fromkeys(TEXTS, pa.string()),
    **dict.fromkeys(TIMES, pa.timestamp("us")),
}


class Spool:
    """Chunks in a file; satisfies `steps.columns.Table`."""

    def __init__(self, path: Path, dataset: Dataset) -> None:
        """Read what `spool` wrote."""
        self._path = path
        self._columns = {column.name: column for column in dataset.columns}
        self._order = [column.name for column in dataset.columns]
        with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
            self._batches = reader.num_record_batches
        self._rows = sum(len(frame) for frame in self.frames(self._order[:1]))

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return self._rows

    @property
    def folder(self) -> Path:
        """Return the folder of the file."""
        return self._path.parent

    def frames(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield these columns, a chunk at a time; the others are not read."""
        options = pa.ipc.IpcReadOptions(included_fields=[self._order.index(name) for name in names])
        with pa.OSFile(str(self._path)) as source, pa.ipc.open_file(source, options=options) as reader:
            for number in range(self._batches):
                batch = reader.get_batch(number)
                yield pd.DataFrame({name: _series(batch.column(name), self._columns[name]) for name in names})


def spool(chunks: Iterable[pd.DataFrame], dataset: Dataset, path: Path) -> Spool:
    """Write chunks to a file, and return the table in it.

    Raises:
        OSError: the disk is full, for one.
    """
    schema = pa.schema([(column.name, _TYPES[column.type]) for column in dataset.columns])
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for chunk in chunks:
            arrays = [pa.array(chunk[field.name], field.type, from_pandas=True) for field in schema]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return Spool(path, dataset)


def _series(values: pa.Array, column: Column) -> pd.Series:
    if column.type == "integer":
        return pd.Series(values.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get))
    if column.type in NUMBERS | TIMES:
        return pd.Series(values.to_pandas())
    return pd.Series(values.to_pylist(), dtype=object)
