"""What reading a table gives, and what its header and types may break."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from mlspec.core.problem import fail, suggest
from mlspec.core.types import TIMES
from mlspec.core.verdict import Violation
from mlspec.specs.dataset import Column, Dataset

FIRST_ROWS = 5
MOST_COLUMNS = 10_000
EXACT = 2**53
Chunk = pd.DataFrame
"""Some rows, declared columns only, in the order of the schema, indexed from 0.

integer: Int64; number: float64; string, category, text: text or None, as objects; boolean: True, False or None, as
objects; date, datetime: datetime64[us], times in UTC and without a zone. A column that is not there, or of another
type, is all None.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole table: as its chunks, but integers are int64, float64 with gaps, Int64 where those would be rounded."""

    frame: pd.DataFrame
    violations: tuple[Violation, ...]
    lengths: Mapping[str, int] = field(default_factory=dict)
    """How many rows each piece has, by its name, in order."""


@dataclass
class Scan:
    """A table that is read once, a chunk at a time; what it breaks is known when the last chunk is out."""

    chunks: Iterator[Chunk]
    violations: Callable[[], tuple[Violation, ...]]
    lengths: Mapping[str, int]
    """How many rows of each piece were read so far, by its name, in order."""


@dataclass
class Headers:
    """The columns of the first piece, which all must have, in any order."""

    dataset: Dataset
    names: list[str] = field(default_factory=list)
    where: str = ""

    def see(self, names: Sequence[str], where: str) -> None:
        """Take note of a header.

        Raises:
            MlspecError: `data/columns`, there are too many; `data/header`, another piece has others.
        """
        if len(names) > MOST_COLUMNS:
            raise fail("data/columns", f"{where} has {len(names):,} columns; the limit is {MOST_COLUMNS:,}")
        if not self.where:
            self.names, self.where = list(names), where
        elif sorted(names) != sorted(self.names):
            lacks = [name for name in self.names if name not in names]
            more = [name for name in names if name not in self.names]
            said = [f"without {_listed(lacks)}"] * bool(lacks) + [f"with {_listed(more)}"] * bool(more)
            message = f"{where} has other columns than {self.where}: {' and '.join(said) or 'one of them twice'}"
            raise fail("data/header", message, help="all files of a dataset must have the same columns")

    def violations(self) -> list[Violation]:
        """Hold the columns against the schema."""
        return header_violations(self.names, self.dataset)


def header_violations(names: Sequence[str], dataset: Dataset) -> list[Violation]:
    """Hold a header against the schema: missing, repeated, unnamed and undeclared columns."""
    found = []
    declared = {column.name for column in dataset.columns}
    for name in sorted({name for name in names if list(names).count(name) > 1}):
        message = f"column `{name}` is in the header {list(names).count(name)} times"
        found.append(Violation(rule="columns/duplicate", column=name, count=1, message=message))
    for column in dataset.columns:
        if column.name not in names:
            hint = suggest(column.name, [name for name in names if name not in declared])
            message = f"column `{column.name}` is missing" + (f"; {hint}" if hint else "")
            found.append(Violation(rule="columns/missing", column=column.name, count=1, message=message))
    extra = [name for name in dict.fromkeys(names) if name not in declared]
    if extra and dataset.checks.extra_columns == "refuse":
        message = (
            f"columns that the schema does not name: {_listed(extra)} "
            "(declare them, or set checks.extra_columns: ignore)"
        )
        found.append(Violation(rule="columns/extra", count=len(extra), message=message))
    return found


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" if name.strip() else "an unnamed one" for name in names[:FIRST_ROWS])
    return shown + (f" and {len(names) - FIRST_ROWS} more" if len(names) > FIRST_ROWS else "")


def joined(chunks: Sequence[Chunk], dataset: Dataset) -> pd.DataFrame:
    """Join chunks to one table."""
    index = pd.RangeIndex(sum(map(len, chunks)))
    columns = {column.name: _joined([chunk[column.name] for chunk in chunks], column) for column in dataset.columns}
    return pd.DataFrame({name: values.set_axis(index) for name, values in columns.items()}, index=index)


def _joined(parts: list[pd.Series], column: Column) -> pd.Series:
    typed = [part for part in parts if part.dtype != object]
    if column.type in {*TIMES, "integer", "number"} and typed:
        empty = {"integer": "Int64", "number": "float64"}.get(column.type, "datetime64[us]")
        whole = pd.concat([pd.Series(part, dtype=empty) for part in parts], ignore_index=True)
        return settle_integers(whole) if column.type == "integer" else whole
    return pd.concat(parts, ignore_index=True)


def settle_integers(whole: pd.Series) -> pd.Series:
    """Give integers the plainest type that keeps them exact: int64, with gaps float64, or Int64 beyond 2**53."""
    if not whole.hasnans:
        return whole.astype("int64")
    exact = whole.dropna()
    if len(exact) and int(exact.abs().max()) > EXACT:
        return whole.astype("Int64")
    return whole.astype("float64")
