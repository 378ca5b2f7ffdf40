"""Tables of recorded dataset versions: fetched from the store, read and split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mlspec.commands.fields import recorded_dataset
from mlspec.commands.packs import pieces
from mlspec.commands.session import Session
from mlspec.core import digest
from mlspec.core.verdict import Violation
from mlspec.planner.fingerprint import dataset_version
from mlspec.sources.file import read_pieces
from mlspec.specs.dataset import Dataset
from mlspec.steps.split import split


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset version: its rows in order, which of them are for testing, and what header and types broke."""

    frame: pd.DataFrame
    test: np.ndarray[Any, np.dtype[np.bool_]]
    violations: tuple[Violation, ...]
    dataset: Dataset


def load_table(session: Session, fields: Mapping[str, Any], named: Dataset) -> Table:
    """Return the table of a recorded dataset version, from the store's copy, verified.

    `fields` are those of the version: they decide how its bytes are read and split, even when the spec has
    changed since; `named` is today's spec.

    Raises:
        MlspecError: the store does not hold the bytes, or they are no table (`data/...`).
    """
    dataset = _as_recorded(session, fields, named)
    key = digest.of([dict(fields), dataset.model_dump(mode="json")])
    table: Table = session.shelf.get(key, lambda: _read(session, fields["content"], dataset))
    return table


def _as_recorded(session: Session, fields: Mapping[str, Any], named: Dataset) -> Dataset:
    if dataset_version(named, fields["content"]).fields == fields:
        return named
    recorded = recorded_dataset(session.workspace.store, named.name, fields)
    checks = named.checks.model_copy(update={"extra_columns": "ignore", "unique": ()})
    source = recorded.source.model_copy(update={"path": named.source.path})
    return recorded.model_copy(update={"source": source, "checks": checks})


def _read(session: Session, content: str, dataset: Dataset) -> Table:
    with session.folder() as folder:
        reading = read_pieces(pieces(session, content, dataset, folder), dataset)
    return Table(reading.frame, split(reading.frame, dataset), reading.violations, dataset)
