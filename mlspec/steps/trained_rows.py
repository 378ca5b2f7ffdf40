"""Which rows a model was trained on, as keyed hashes: enough to know one again, without keeping any of it.

A row is known by its columns of the role id, else by all its cells. The key never leaves the store, so that whoever has
the hashes alone cannot try out what a row may have been.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

import numpy as np
import pandas as pd

from mlspec.core.types import TEXTS
from mlspec.specs.dataset import Column, Dataset
from mlspec.steps.split import Mask, texts

FORMAT: Final = "mlspec.rows/1"
_BYTES = 16
Hashes = np.ndarray[Any, np.dtype[np.bytes_]]


def seal(trained: pd.DataFrame, dataset: Dataset, key: bytes) -> bytes:
    """Return the sorted hashes of training rows, each of 16 bytes, below a line that says what they are of."""
    columns = tuple(dataset.with_role("id")) or dataset.columns
    header = {
        "format": FORMAT,
        "key": _mark(key),
        "columns": [[column.name, _like(column.type)] for column in columns],
    }
    hashes = np.unique(_hashes(trained, columns, key))
    return json.dumps(header, sort_keys=True).encode() + b"\n" + hashes.tobytes()


def shared(then: Dataset, now: Dataset) -> Dataset:
    """Return a dataset with only those of its columns that another one has as well, of a like type.

    Rows are the same or not by fewer columns then, so that of those in doubt too many are taken to be the same. Where
    there are none in common it is returned as it is, and nothing can be told.
    """
    others = {column.name: _like(column.type) for column in now.columns}
    both = tuple(column for column in then.columns if others.get(column.name) == _like(column.type))
    return then.model_copy(update={"columns": both or then.columns})


def among(sealed: bytes, rows: pd.DataFrame, dataset: Dataset, key: bytes) -> Mask | None:
    """Say which rows are among the sealed ones, of shape (rows,).

    None where it cannot be told: they were sealed with another key, or a column that tells is not there.
    """
    line, _, body = sealed.partition(b"\n")
    header, columns = json.loads(line), []
    if header["key"] != _mark(key):
        return None
    for name, kind in header["columns"]:
        column = dataset.column(name)
        if column is None or _like(column.type) != kind:
            return None
        columns.append(column)
    known = np.frombuffer(body, dtype=f"S{_BYTES}")
    return np.isin(_hashes(rows, tuple(columns), key), known)


def _hashes(rows: pd.DataFrame, columns: tuple[Column, ...], key: bytes) -> Hashes:
    parts = [list(texts(rows[column.name], column)) for column in columns]
    found = (
        hashlib.blake2b("\x1f".join(cells).encode("utf-8", "surrogatepass"), key=key, digest_size=_BYTES).digest()
        for cells in zip(*parts, strict=True)
    )
    return np.frombuffer(b"".join(found), dtype=f"S{_BYTES}")


def _mark(key: bytes) -> str:
    """Return what tells a key from another one, and nothing else of it."""
    return hashlib.blake2b(b"mlspec.rows", key=key, digest_size=8).hexdigest()


def _like(kind: str) -> str:
    """Return what the cells of a type are written like: text is text, however many values it has."""
    return "text" if kind in TEXTS else kind
