"""Rows in groups by the values of columns, or by ranges of a number."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.problem import MlspecError, Problem
from mlspec.stats.evidence import MISSING, Array, Codes, Declared, Evidence, Floats

MOST_GROUPS = 50
"""With more, no group has much to say; a number needs ranges then."""


class TooManyGroups(MlspecError):
    """The columns make more groups than can be judged."""


@dataclass(frozen=True, eq=False)
class Groups:
    """`codes` of shape (n,) say which of the `names` a row belongs to, `MISSING` where a column has no value.

    `sizes` are the rows of each group, `without` those that belong to none.
    """

    names: tuple[str, ...]
    codes: Codes
    sizes: tuple[int, ...]

    @property
    def without(self) -> int:
        """Return how many rows belong to no group."""
        return len(self.codes) - sum(self.sizes)

    def rows(self, code: int) -> Codes:
        """Return the row numbers of a group, rising."""
        return np.flatnonzero(self.codes == code)


def groups_of(keys: Sequence[tuple[str, tuple[float, ...]]], evidence: Evidence) -> Groups:
    """Divide rows by columns, each with edges between its ranges or none; of several, by their combinations.

    Groups are in the order of their values. Those that have rows are there, and those of one column that the dataset
    or the edges declare: that nobody is in one of them is something to know. Of several columns an empty cell says
    little.

    Raises:
        TooManyGroups: more than `MOST_GROUPS`.
    """
    if len(keys) == 1:
        return _of_one(*keys[0], evidence)
    codes: Codes = np.zeros(len(evidence), dtype=np.int64)
    names: Sequence[str] = ("",)
    sizes: tuple[int, ...] = (len(evidence),)
    for column, edges in keys:
        labels, own = _of_column(column, edges, evidence.columns[column], Declared())
        if len(labels) > MOST_GROUPS:
            raise _too_many(column, len(labels))
        cells = np.where((codes < 0) | (own < 0), MISSING, codes * len(labels) + own)
        names = [f"{before} and {label}".removeprefix(" and ") for before in names for label in labels]
        names, codes, sizes = _with_rows(names, cells)
        if len(names) > MOST_GROUPS:
            raise _too_many(" and ".join(key[0] for key in keys), len(names))
    return Groups(tuple(names), codes, sizes)


def _of_one(column: str, edges: tuple[float, ...], evidence: Evidence) -> Groups:
    """Divide rows by one column; groups that it declares are there without rows too."""
    declared = evidence.declared.get(column, Declared())
    labels, codes = _of_column(column, edges, evidence.columns[column], declared)
    if len(labels) > MOST_GROUPS:
        raise _too_many(column, len(labels))
    never = set()
    if edges and edges[0] <= declared.low:
        never.add(labels[0])
    if edges and declared.high < edges[-1]:
        never.add(labels[-1])
    return Groups(*_with_rows(labels, codes, frozenset(labels) - never))


def clusters_of(values: pd.Series[Any]) -> Codes:
    """Return which group each row belongs to by a column of shape (n,); one without a group is a group of its own."""
    found, known = pd.factorize(values)
    return np.where(found < 0, len(known) + np.arange(len(found)), found)


def _with_rows(
    names: Sequence[str], cells: Codes, kept: Collection[str] = ()
) -> tuple[tuple[str, ...], Codes, tuple[int, ...]]:
    """Leave out the cells that have no row but those to be kept; return the names, codes and sizes of the rest."""
    sizes = np.bincount(cells + 1, minlength=len(names) + 1)[1:]  # the first is of rows without a value
    there = np.array([cell for cell, name in enumerate(names) if sizes[cell] or name in kept], dtype=np.int64)
    place = np.full(len(names) + 1, MISSING)
    place[there] = np.arange(len(there))
    return tuple(names[cell] for cell in there), place[cells], tuple(int(size) for size in sizes[there])


def _too_many(what: str, count: int) -> TooManyGroups:
    message = f"{what} makes {count:,} groups of the test rows, and {MOST_GROUPS} are the most"
    advice = "give ranges of a number, as {age: [25, 40, 65]}, or use fewer"
    return TooManyGroups(Problem("gate/too-many-groups", message, help=advice))


def _of_column(column: str, edges: tuple[float, ...], values: Array, declared: Declared) -> tuple[list[str], Codes]:
    if edges:
        return _ranges(column, edges), _within(edges, values.astype(np.float64))
    codes, seen = pd.factorize(values)
    found = list(dict.fromkeys([*seen.tolist(), *declared.values]))
    order = sorted(range(len(found)), key=lambda code: _rank(found[code]))
    place = np.empty(len(found) + 1, dtype=np.int64)
    place[order], place[-1] = np.arange(len(found)), MISSING
    return [f"{column} is {value_text(found[code])}" for code in order], place[codes]


def _within(edges: tuple[float, ...], values: Floats) -> Codes:
    return np.where(np.isnan(values), MISSING, np.searchsorted(edges, values, side="right"))


def _ranges(column: str, edges: tuple[float, ...]) -> list[str]:
    shown = [f"{edge:.15g}" for edge in edges]
    between = [f"{column} from {low} to under {high}" for low, high in pairwise(shown)]
    return [f"{column} under {shown[0]}", *between, f"{column} from {shown[-1]}"]


def _rank(value: Any) -> tuple[bool, Any]:
    is_number = isinstance(value, bool | int | float | np.number)
    return not is_number, value if is_number else str(value)


def value_text(value: Any) -> str:
    """Return a value as the name of its group has it."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    if isinstance(value, float | np.floating):
        return f"{value:.15g}" if math.isfinite(value) else str(value)
    return str(value)
