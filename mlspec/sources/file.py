"""The `file` source: one CSV or parquet file, read against the schema it must keep."""

from __future__ import annotations

from pathlib import Path

from mlspec.core.problem import fail
from mlspec.sources.csv_table import read_csv
from mlspec.sources.parquet_table import read_parquet
from mlspec.sources.reading import Reading
from mlspec.specs.dataset import Dataset

__all__ = ["Reading", "read"]

_POINTER = b"version https://git-lfs.github.com/spec/"


def read(path: Path, dataset: Dataset) -> Reading:
    """Read a verified local copy of a dataset's source; errors name the source as the spec does.

    Raises:
        MlspecError: `data/…`: the file is no table of its format, or a Git LFS pointer to one.
    """
    with path.open("rb") as handle:
        start = handle.read(len(_POINTER))
    if start == _POINTER:
        raise fail(
            "data/lfs-pointer", f"{dataset.source.path} is a Git LFS pointer, not the data", help="run: git lfs pull"
        )
    if not start:
        raise fail("data/empty", f"dataset `{dataset.name}` has no rows: {dataset.source.path} is empty")
    return read_csv(path, dataset) if dataset.source.reads_as == "csv" else read_parquet(path, dataset)
