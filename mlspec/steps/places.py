"""Where the rows lie that break a contract: in which of many files, by their numbers in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, groupby

from mlspec.core.verdict import Place, Violation

_MOST_CHARACTERS = 4000
"""So much of a record, which has 16 KiB, may name places."""


def placed(violations: Iterable[Violation], lengths: Mapping[str, int]) -> tuple[Violation, ...]:
    """Return violations with the places of their rows; `lengths` has the rows of each file, by name, in order."""
    names, ends = list(lengths), list(accumulate(lengths.values()))
    return tuple(one.model_copy(update={"places": _places(one.rows, names, ends)}) for one in violations)


def _places(rows: Sequence[int], names: Sequence[str], ends: Sequence[int]) -> tuple[Place, ...]:
    """Return where rising row numbers lie; file n ends with the row `ends[n]`, counted through all files from 1."""
    found = []
    for at, inside in groupby(rows, lambda row: bisect_left(ends, row)):
        before = ends[at - 1] if at else 0
        found.append(Place(file=names[at], rows=tuple(row - before for row in inside)))
    return tuple(found)


def recordable(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return violations without the places that a record has no room for: names of files may be long, and many."""
    kept, room = [], _MOST_CHARACTERS
    for one in violations:
        room -= sum(len(place.model_dump_json()) for place in one.places)
        kept.append(one if room >= 0 else one.model_copy(update={"places": ()}))
    return tuple(kept)
