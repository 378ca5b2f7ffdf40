"""One column of the `data` check: what two sets of training rows hold in it, and how far apart they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mlspec.core.types import NUMBERS, TIMES
from mlspec.core.verdict import Estimate, Outcome
from mlspec.gates.columns import Judged, judged
from mlspec.gates.data import DataCheck
from mlspec.specs.dataset import Column
from mlspec.stats.case import Data
from mlspec.stats.contrast import Spread, difference
from mlspec.stats.evidence import Array, Codes, Floats, Mask
from mlspec.stats.intervals import wilson
from mlspec.stats.shift import Sizes, effective_size, kolmogorov, total_variation

_MOST_LEVELS = 50
"""The champion's most frequent values are compared one by one, and all others as one."""


@dataclass(frozen=True, eq=False)
class Side:
    """Training rows of one dataset version, with the group that each belongs to, None where rows have none."""

    frame: pd.DataFrame
    clusters: Codes | None

    @classmethod
    def of(cls, data: Data) -> Side:
        """Return the training rows of a dataset version."""
        clusters = data.clusters
        return cls(data.trained, None if clusters is None else clusters[~data.test])

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    def size(self, rows: Mask) -> float:
        """Return how many independent rows some of them are worth."""
        return float(np.sum(rows)) if self.clusters is None else effective_size(self.clusters[rows])


@dataclass(frozen=True, eq=False)
class Compared:
    """The values of a column that are there, champion's first, as numbers or as codes of levels; n is of both sides.

    `there` are the values, `sizes` how many independent rows they are worth, `rows` and `worth` the same of all rows.
    """

    column: Column
    there: tuple[Array, Array]
    sizes: tuple[float, float]
    rows: tuple[int, int]
    worth: tuple[float, float]

    @property
    def name(self) -> str:
        """Return the column's name."""
        return self.column.name

    @property
    def is_ordered(self) -> bool:
        """Say whether the values are numbers or times."""
        return self.column.type in NUMBERS | TIMES

    @property
    def is_nearly_unique(self) -> bool:
        """Say whether most rows of the champion have a value of their own, so that shares of values say nothing."""
        first = self.there[0]
        return self._has_values and not self.is_ordered and len(np.unique(first)) > max(len(first) / 2, _MOST_LEVELS)

    @property
    def is_comparable(self) -> bool:
        """Say whether shares of the values say something; those of a column that is empty on both sides do not."""
        return self._has_values and not self.is_nearly_unique and any(len(values) for values in self.there)

    @property
    def _has_values(self) -> bool:
        return self.column.type != "text" and self.column.role != "id"


def compared(column: Column, before: Side, now: Side) -> Compared:
    """Lay the values of a column on both sides beside each other."""
    masks = [side.frame[column.name].notna().to_numpy(dtype=bool) for side in (before, now)]
    parts = [side.frame[column.name][mask] for side, mask in zip((before, now), masks, strict=True)]
    sizes = before.size(masks[0]), now.size(masks[1])
    worth = before.size(np.ones_like(masks[0])), now.size(np.ones_like(masks[1]))
    return Compared(column, _values(column, parts), sizes, (before.rows, now.rows), worth)


def _values(column: Column, parts: list[pd.Series]) -> tuple[Array, Array]:
    if column.type in NUMBERS | TIMES:
        first, second = (part.astype(np.int64) if column.type in TIMES else part for part in parts)
        return first.to_numpy(dtype=np.float64), second.to_numpy(dtype=np.float64)
    codes = pd.factorize(pd.concat([part.astype(object) for part in parts]))[0]
    return codes[: len(parts[0])], codes[len(parts[0]) :]


def shift(spec: DataCheck, pair: Compared, confidence: float) -> Judged:
    """Judge how far the values that are there moved."""
    few = _few(spec, pair, "shift")
    if few is not None:
        return few
    first, second = pair.there
    if pair.is_ordered:
        spread, name = kolmogorov(first, second, Sizes(*pair.sizes), confidence), "kolmogorov"
    else:
        spread, name = total_variation(*_levels(first, second), Sizes(*pair.sizes), confidence), "total-variation"
    found = _estimate(spread, len(second), confidence, f"{name}-mcdiarmid/1 against {len(first):,} rows")
    return judged(pair.name, f"shift of `{pair.name}`", found, spec.max_shift)


def missing(spec: DataCheck, pair: Compared, confidence: float) -> Judged:
    """Judge how much more of a column is missing, by Newcombe's interval of a difference of two shares."""
    shares = [1 - len(values) / rows for values, rows in zip(pair.there, pair.rows, strict=True)]
    first, second = (
        Spread(share, *wilson(share * worth, worth, confidence))
        for share, worth in zip(shares, pair.worth, strict=True)
    )
    method = f"newcombe/1 against {pair.rows[0]:,} rows"
    found = _estimate(difference(second, first), pair.rows[1], confidence, method)
    return judged(pair.name, f"growth of the missing share of `{pair.name}`", found, spec.max_missing)


def unseen(spec: DataCheck, pair: Compared, confidence: float) -> Judged:
    """Judge the share of values that the champion never saw."""
    few = _few(spec, pair, "unseen values")
    if few is not None:
        return few
    first, second = pair.there
    new = (second < first.min()) | (second > first.max()) if pair.is_ordered else ~np.isin(second, first)
    share, worth = float(np.mean(new)), pair.sizes[1]
    spread = Spread(share, *wilson(share * worth, worth, confidence))
    found = _estimate(spread, len(second), confidence, f"wilson/1 against {len(first):,} rows")
    return judged(pair.name, f"share of unseen values of `{pair.name}`", found, spec.max_unseen)


def _few(spec: DataCheck, pair: Compared, what: str) -> Judged | None:
    fewest = min(len(values) for values in pair.there)
    if fewest >= spec.min_rows:
        return None
    who = "the champion" if len(pair.there[0]) == fewest else "this version"
    reason = f"{what} of `{pair.name}`: {who} has only {fewest:,} values; {spec.min_rows:,} are needed"
    return Judged(pair.name, None, Outcome.INSUFFICIENT, reason, fewest)


def _levels(first: Codes, second: Codes) -> tuple[Floats, Floats]:
    """Count the values of both, those beyond the champion's most frequent as one."""
    size = int(max(first.max(), second.max())) + 1
    counts = [np.bincount(codes, minlength=size).astype(np.float64) for codes in (first, second)]
    if size <= _MOST_LEVELS:
        return counts[0], counts[1]
    order = np.argsort(-counts[0], kind="stable")
    head, tail = order[:_MOST_LEVELS], order[_MOST_LEVELS:]
    one, other = (np.append(count[head], np.sum(count[tail])) for count in counts)
    return one, other


def _estimate(spread: Spread, n: int, confidence: float, method: str) -> Estimate:
    value, low, high = (float(number) + 0.0 for number in spread)
    return Estimate(value=value, low=low, high=high, confidence=confidence, n=n, method=method)
