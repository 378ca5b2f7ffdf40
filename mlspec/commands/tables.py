"""Tables of recorded dataset versions: fetched from the store, read and split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlspec.commands.fields import recorded_dataset
from mlspec.commands.packs import pieces
from mlspec.commands.session import Reader
from mlspec.core import digest
from mlspec.core.verdict import Violation
from mlspec.io.files import in_words
from mlspec.planner.fingerprint import dataset_version
from mlspec.sources.file import read_pieces, scan
from mlspec.sources.piece import Piece
from mlspec.specs.dataset import Dataset
from mlspec.steps.columns import InMemory
from mlspec.steps.columns import Table as Columns
from mlspec.steps.split import split
from mlspec.steps.spool import spool

_MOST_BYTES = 32 << 20
"""A source that may be larger than this, unpacked, is not held in memory to be checked."""


@dataclass(frozen=True, slots=True)
class Lent:
    """A dataset version to look at, in memory or on disk, and what header and types broke, once it was read."""

    table: Columns
    violations: tuple[Violation, ...]
    lengths: Mapping[str, int]
    """How many rows each of its files has, by name, in order."""


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset version: its rows in order, which of them are for testing, and what header and types broke."""

    frame: pd.DataFrame
    test: np.ndarray[Any, np.dtype[np.bool_]]
    violations: tuple[Violation, ...]
    lengths: Mapping[str, int]
    dataset: Dataset

    @property
    def trained(self) -> pd.DataFrame:
        """Return the rows for training, numbered from 0."""
        return self.frame[~self.test].reset_index(drop=True)

    @property
    def tested(self) -> pd.DataFrame:
        """Return the rows for testing, numbered from 0."""
        return self.frame[self.test].reset_index(drop=True)


def load_table(session: Reader, fields: Mapping[str, Any], named: Dataset) -> Table:
    """Return the table of a recorded dataset version, from the store's copy, verified.

    `fields` are those of the version: they decide how its bytes are read and split, even when the spec has
    changed since; `named` is today's spec.

    Raises:
        MlspecError: the store does not hold the bytes, or they are no table (`data/...`).
    """
    dataset = _as_recorded(session, fields, named)
    table: Table = session.shelf.get(_key(fields, dataset), lambda: _read(session, fields["content"], dataset))
    return table


@contextmanager
def lend_table(session: Reader, fields: Mapping[str, Any], named: Dataset) -> Iterator[Lent]:
    """Lend the table of a recorded dataset version to be looked at; one that is large lies on disk meanwhile.

    Raises:
        MlspecError: as `load_table`.
    """
    dataset = _as_recorded(session, fields, named)
    with session.folder() as folder:
        found = pieces(session, fields["content"], dataset, folder)
        if sum(piece.unpacked for piece in found) <= _MOST_BYTES:
            table: Table = session.shelf.get(_key(fields, dataset), lambda: _table(found, dataset))
            yield Lent(InMemory(table.frame), table.violations, table.lengths)
            return
        scanned = scan(found, dataset)
        with in_words(folder):
            spooled = spool(scanned.chunks, dataset, folder / "spool")
            yield Lent(spooled, scanned.violations(), scanned.lengths)


def _key(fields: Mapping[str, Any], dataset: Dataset) -> str:
    return digest.of([dict(fields), dataset.model_dump(mode="json")])


def _as_recorded(session: Reader, fields: Mapping[str, Any], named: Dataset) -> Dataset:
    if dataset_version(named, fields["content"]).fields == fields:
        return named
    recorded = recorded_dataset(session.workspace.store, named.name, fields)
    checks = named.checks.model_copy(update={"extra_columns": "ignore", "unique": ()})
    source = recorded.source.model_copy(update={"path": named.source.path})
    return recorded.model_copy(update={"source": source, "checks": checks})


def _read(session: Reader, content: str, dataset: Dataset) -> Table:
    with session.folder() as folder:
        return _table(pieces(session, content, dataset, folder), dataset)


def _table(found: Sequence[Piece], dataset: Dataset) -> Table:
    reading = read_pieces(found, dataset)
    return Table(reading.frame, split(reading.frame, dataset), reading.violations, reading.lengths, dataset)
