"""Tables that are looked at column by column, some rows at a time: as a frame in memory, or larger than that.

What is computed here does not depend on where a table is cut: equal tables give equal results, to the last bit.
"""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]
FIRST_ROWS = 5
_BLOCK = 1 << 16
_MOST_VALUES = 200_000
"""Values, and rows, that are held at a time where a table has more."""
_MOST_HASHES = 1_000_000
_MOST_PARTS = 200
"""So many files are open at once; of more than 200 million rows, a part has more hashes than a million."""


class Table(Protocol):
    """Rows of declared columns, in order; each look at it begins at the first row."""

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        ...

    @property
    def folder(self) -> Path | None:
        """Return where there is room for what does not fit in memory; None for the system's place."""
        ...

    def frames(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield these columns, some rows at a time, typed as `sources.reading.Chunk` or as a whole table is."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """A frame as a table."""

    frame: pd.DataFrame
    folder: Path | None = None

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(self.frame)

    def frames(self, names: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Yield the columns, all rows at once."""
        yield self.frame[list(names)]


class Found:
    """Rows that something was found in: how many, and the first of them, counted from 1."""

    def __init__(self) -> None:
        """Start with none."""
        self.count, self.rows = 0, tuple[int, ...]()

    def add(self, rows: Array) -> None:
        """Take note of rows by their numbers from 0, in any order."""
        self.count += len(rows)
        first = np.sort(rows)[:FIRST_ROWS] if len(rows) else rows
        self.rows = tuple(sorted((*self.rows, *(int(row) + 1 for row in first))))[:FIRST_ROWS]


def series(table: Table, name: str) -> Iterator[pd.Series]:
    """Yield a column, some rows at a time."""
    for frame in table.frames([name]):
        yield frame[name]


def distinct(table: Table, name: str) -> int:
    """Return how many different values a column has, missing ones aside; of very many, by 64-bit hashes of them."""
    found: Array | None = None
    for values in series(table, name):
        part = values.dropna().unique()
        found = np.asarray(part) if found is None else np.asarray(pd.unique(_both(found, part)))
        if len(found) > _MOST_VALUES and table.rows > _MOST_VALUES:
            return sum(len(np.unique(hashes)) for hashes, _ in _hashed(table, [name], whole=False))
    return 0 if found is None else len(found)


def _both(one: Array, other: Any) -> Any:
    return pd.concat([pd.Series(one), pd.Series(other)], ignore_index=True).to_numpy() if len(other) else one


def repeated(table: Table, names: Sequence[str]) -> Found:
    """Find the rows whose values are in another row, too; where all of them are missing, a row repeats nothing."""
    found = Found()
    if table.rows <= _MOST_VALUES:
        found.add(_repeating(pd.concat(list(table.frames(names)), ignore_index=True)))
        return found
    suspects = [rows[_again(hashes)] for hashes, rows in _hashed(table, names, whole=True)]
    for part in _confirmed(table, names, np.sort(np.concatenate(suspects))):
        found.add(part)
    return found


def _repeating(frame: pd.DataFrame) -> Array:
    return np.flatnonzero((frame.duplicated(keep=False) & frame.notna().any(axis=1)).to_numpy(dtype=bool))


def _again(hashes: Array) -> Array:
    """Say which hashes are there more than once."""
    _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
    again: Array = counts[inverse] > 1
    return again


def _confirmed(table: Table, names: Sequence[str], suspects: Array) -> Iterator[Array]:
    """Yield the rows among those of equal hashes that are equal; where they are very many, hashes are believed."""
    if len(suspects) > _MOST_VALUES:
        yield suspects
        return
    frames, start = [], 0
    for frame in table.frames(names):
        frames.append(frame.iloc[suspects[(suspects >= start) & (suspects < start + len(frame))] - start])
        start += len(frame)
    yield suspects[_repeating(pd.concat(frames, ignore_index=True))]


def _hashed(table: Table, names: Sequence[str], *, whole: bool) -> Iterator[tuple[Array, Array]]:
    """Yield the hashes of rows, and their numbers, in parts: equal rows are in one part.

    Rows where a value is missing (`whole`: all of them) are left out. The table is looked at once; of one that is large
    the parts wait on disk, 16 bytes a row.
    """
    count = min(-(-table.rows // _MOST_HASHES), _MOST_PARTS)
    with ExitStack() as stack:
        parts = [stack.enter_context(_part(table, count)) for _ in range(count)]
        start = 0
        for frame in table.frames(names):
            there = (frame.notna().any(axis=1) if whole else frame.notna().all(axis=1)).to_numpy(dtype=bool)
            kept = np.flatnonzero(there)
            hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()[kept]
            _spread(np.column_stack([hashes, (kept + start).astype(np.uint64)]), parts)
            start += len(frame)
        for part in parts:
            part.seek(0)
            pairs = np.frombuffer(part.read(), dtype=np.uint64).reshape(-1, 2)
            yield pairs[:, 0], pairs[:, 1].astype(np.int64)


def _part(table: Table, count: int) -> IO[bytes]:
    return io.BytesIO() if count == 1 else tempfile.TemporaryFile(dir=table.folder)


def _spread(pairs: Array, parts: Sequence[IO[bytes]]) -> None:
    """Write pairs of a hash and a row, each to the part of its hash."""
    which = pairs[:, 0] % np.uint64(len(parts))
    pairs = pairs[np.argsort(which, kind="stable")]
    ends = np.cumsum(np.bincount(which.astype(np.int64), minlength=len(parts)))
    for part, begin, end in zip(parts, [0, *ends[:-1]], ends, strict=True):
        part.write(pairs[begin:end].tobytes())


def mean_and_deviation(table: Table, name: str) -> tuple[float, float]:
    """Return the mean of a column of numbers and its standard deviation (of n), NaN where they are too large."""
    try:
        return _moments(table, name)
    except (OverflowError, ValueError):
        return math.nan, math.nan


def _moments(table: Table, name: str) -> tuple[float, float]:
    with np.errstate(over="ignore", invalid="ignore"):
        count = sum(int(values.notna().sum()) for values in series(table, name))
        mean = math.fsum(float(block.sum()) for block in _blocks(table, name)) / count
        squares = math.fsum(float(np.square(block - mean).sum()) for block in _blocks(table, name))
        return mean, math.sqrt(squares / count)


def _blocks(table: Table, name: str) -> Iterator[Array]:
    """Yield the values that are there as floats, in blocks of one size: a sum must not depend on where rows are cut."""
    left: Array = np.empty(0)
    for values in series(table, name):
        left = np.concatenate([left, values.dropna().to_numpy(dtype=np.float64)])
        for start in range(0, len(left) - _BLOCK + 1, _BLOCK):
            yield left[start : start + _BLOCK]
        left = left[len(left) - len(left) % _BLOCK :]
    if len(left):
        yield left


def quantiles(table: Table, name: str, shares: Sequence[float]) -> list[float]:
    """Return quantiles of a column of numbers, interpolated as numpy's default does; it must have a value."""
    count = sum(int(values.notna().sum()) for values in series(table, name))
    places = [share * (count - 1) for share in shares]
    ranks = {rank for place in places for rank in (math.floor(place), math.ceil(place))}
    found = order_statistics(lambda: (_float_keys(v) for v in series(table, name)), ranks)
    values = {rank: _float_of(key) for rank, key in found.items()}
    return [_between(values[math.floor(p)], values[math.ceil(p)], p - math.floor(p)) for p in places]


def _between(low: float, high: float, part: float) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        step = np.float64(high) - np.float64(low)
        return float(high - step * (1 - part)) if part >= 0.5 else float(low + step * part)


def order_statistics(keys: Callable[[], Iterator[Array]], ranks: set[int]) -> dict[int, int]:
    """Return the values of these ranks, from 0 in rising order, of unsigned 64-bit keys that are looked at four times.

    Memory is bound by the ranks, not by the keys: sixteen bits of each value are found in a pass.
    """
    at = {rank: (0, rank) for rank in ranks}
    for shift in (48, 32, 16, 0):
        counts = {prefix: np.zeros(1 << 16, dtype=np.int64) for prefix, _ in at.values()}
        for block in keys():
            high = block >> np.uint64(shift + 16) if shift < 48 else np.zeros(len(block), dtype=np.uint64)
            low = ((block >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64)
            for prefix, count in counts.items():
                count += np.bincount(low[high == np.uint64(prefix)], minlength=1 << 16)
        for rank, (prefix, left) in at.items():
            sums = np.cumsum(counts[prefix])
            digit = int(np.searchsorted(sums, left, side="right"))
            at[rank] = (prefix << 16 | digit, left - (int(sums[digit - 1]) if digit else 0))
    return {rank: key for rank, (key, _) in at.items()}


def time_keys(values: pd.Series) -> Array:
    """Return the times or whole numbers that are there as keys in their order."""
    there = values.dropna()
    if values.dtype.kind == "M":
        there = there.astype("datetime64[us]")
    elif values.dtype.kind == "f":
        return _float_keys(there)
    return there.to_numpy().astype(np.int64).view(np.uint64) ^ np.uint64(1 << 63)


def _float_keys(values: pd.Series) -> Array:
    bits = (values.dropna().to_numpy(dtype=np.float64) + 0.0).view(np.uint64)
    negative = bits >> np.uint64(63) == 1
    return np.where(negative, ~bits, bits | np.uint64(1 << 63))


def _float_of(key: int) -> float:
    bits = key ^ (1 << 63) if key >> 63 else ~key & ((1 << 64) - 1)
    return float(np.array([bits], dtype=np.uint64).view(np.float64)[0])
