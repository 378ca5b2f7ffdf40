"""Test rows with one column changed, as it happens in use: noise, missing cells, swaps, wrong units, typing errors.

What is drawn depends on the perturbation, the column and the seed alone, so the same is always made of the same rows,
whatever else is asked. Tables are in the one form of `steps.frames`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from mlspec.core import digest
from mlspec.core.types import NUMBERS, TEXTS
from mlspec.specs.dataset import Column
from mlspec.stats.evidence import Codes

_LARGEST = 2.0**53
"""Whole numbers beyond this are not kept exactly by every reader."""
Series: TypeAlias = "pd.Series[Any]"


@dataclass(frozen=True, slots=True)
class Draw:
    """One column as it is in the test rows, what the training rows say of it, and where chance comes from."""

    column: Column
    values: Series
    trained: Series
    random: np.random.RandomState
    size: float
    share: float = 1.0
    """Of how many cells it is about, where the size does not say."""

    def some(self, share: float) -> Codes:
        """Draw a share of the row numbers that hold something, at least one where there is one."""
        held = np.flatnonzero(self.values.notna().to_numpy())
        return np.sort(self.random.permutation(held)[: int(np.ceil(share * len(held) - 1e-9))])


def sampled(rows: int, most: int, seed: int) -> Codes:
    """Return the numbers of at most `most` of so many rows, drawn without replacement, in order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.RandomState(seed).permutation(rows)[:most])


def changes(
    asks: Mapping[str, Any], features: Sequence[Column], rows: pd.DataFrame, trained: pd.DataFrame, seed: int
) -> Iterator[tuple[str, str, Series]]:
    """Yield each perturbation with the column it changes, and that column changed; what changes nothing is left out.

    `asks` is of a probe `perturb`: sizes by `perturbations`, the `columns` (all if empty), `unit_error_share`.
    """
    for name, size in asks["perturbations"].items():
        for column in features:
            if asks["columns"] and column.name not in asks["columns"]:
                continue
            before = rows[column.name]
            random = np.random.RandomState(_seed(name, column.name, seed))
            share = asks.get("unit_error_share", 1.0)
            after = _CHANGES[name](Draw(column, before, trained[column.name], random, size, share))
            if after is not None and _differs(before, after):
                yield name, column.name, after


def _seed(*parts: str | int) -> int:
    return int(digest.of(list(parts)).removeprefix("sha256:")[:8], 16)


def _differs(before: Series, after: Series) -> bool:
    one, other = (values.astype(object).where(values.notna(), None).to_numpy() for values in (before, after))
    return bool(np.any(one != other))


def _noise(draw: Draw) -> Series | None:
    if draw.column.type not in NUMBERS:
        return None
    deviation = float(draw.trained.astype("float64").std(ddof=0))
    if not deviation > 0:
        return None
    shift = draw.random.normal(0.0, draw.size * deviation, len(draw.values))
    return _number(draw, draw.values.astype("float64") + shift)


def _unit_error(draw: Draw) -> Series | None:
    if draw.column.type not in NUMBERS:
        return None
    changed = draw.values.astype("float64").to_numpy(copy=True)
    changed[draw.some(draw.share)] *= draw.size
    return _number(draw, pd.Series(changed, index=draw.values.index))


def _number(draw: Draw, values: Series) -> Series:
    return values.round().clip(-_LARGEST, _LARGEST) if draw.column.type == "integer" else values


def _missing(draw: Draw) -> Series | None:
    changed = draw.values.astype("float64") if draw.column.type == "integer" else draw.values.copy()
    changed.iloc[draw.some(draw.size)] = None if changed.dtype == object else np.nan
    return changed


def _drop(draw: Draw) -> Series | None:
    return _missing(draw)


def _swap(draw: Draw) -> Series | None:
    if draw.column.type not in ("category", "string", "boolean"):
        return None
    seen = {value for value in draw.trained.dropna().unique() if value in (draw.column.values or (value,))}
    known = np.array(sorted(seen), dtype=object)
    if len(known) < 2:
        return None
    cells, changed = draw.some(draw.size), draw.values.astype(object).copy()
    place = {value: n for n, value in enumerate(known)}
    own = np.array([place.get(value, len(known)) for value in changed.iloc[cells]], dtype=np.int64)
    others = np.where(own < len(known), len(known) - 1, len(known))
    drawn = np.floor(draw.random.random_sample(len(cells)) * others).astype(np.int64)
    changed.iloc[cells] = known[drawn + (drawn >= own)]
    return changed


def _typos(draw: Draw) -> Series | None:
    if draw.column.type not in TEXTS or draw.column.type == "category":
        return None
    cells, changed = draw.some(draw.size), draw.values.astype(object).copy()
    changed.iloc[cells] = [_mistyped(text, draw.random) for text in changed.iloc[cells]]
    return changed


def _mistyped(text: str, random: np.random.RandomState) -> str:
    """Return a text with one error, the first in a drawn order that changes it; an empty one gets a space."""
    place = int(random.randint(max(len(text) - 1, 1)))
    for n in random.permutation(len(_ERRORS)).tolist():
        wrong: str = _ERRORS[n](text, place)
        if wrong not in (text, ""):
            return wrong
    return text + " "


_ERRORS: tuple[Callable[[str, int], str], ...] = (
    lambda text, _: text.swapcase(),
    lambda text, _: text + " ",
    lambda text, place: text[:place] + " " + text[place:],
    lambda text, place: text[:place] + text[place + 1 : place + 2] + text[place : place + 1] + text[place + 2 :],
    lambda text, place: text[:place] + text[place + 1 :],
)
"""Case; a space behind or within; two neighbours the other way round; a letter left out."""

_CHANGES: Mapping[str, Callable[[Draw], Series | None]] = {
    "noise": _noise,
    "missing": _missing,
    "drop": _drop,
    "swap": _swap,
    "unit_error": _unit_error,
    "typos": _typos,
}
