"""Many columns judged at once: the verdict is of the worst, and lists those next to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlspec.core.verdict import Estimate, GroupFact, Outcome
from mlspec.gates.judge import Bar, judge

_WORST_FIRST = (Outcome.FAIL, Outcome.INSUFFICIENT, Outcome.INCONCLUSIVE, Outcome.PASS)
_MOST_LISTED = 5
_MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of one column, and what follows; `estimate` is None where too little was found."""

    column: str
    estimate: Estimate | None
    outcome: Outcome
    reason: str
    n: int


def judged(column: str, what: str, found: Estimate, most: float) -> Judged:
    """Judge an estimate of a column against the most it may be."""
    outcome, reason = judge(what, found, Bar(maximum=most))
    return Judged(column, found, outcome, reason, found.n)


def worst_first(columns: Sequence[Judged]) -> list[Judged]:
    """Sort columns by their outcomes, then by how far their intervals reach, then by name."""
    return sorted(columns, key=lambda one: (_WORST_FIRST.index(one.outcome), -_reach(one), one.column))


def reason_of(columns: Sequence[Judged]) -> str:
    """Return the reason of the worst column, and name the others that do not pass either; columns are worst first."""
    first, *others = columns
    beside = [one.column for one in others if one.outcome is not Outcome.PASS]
    return first.reason + (f"; no pass either: {listed(beside)}" if beside else "")


def facts(columns: Sequence[Judged]) -> tuple[GroupFact, ...]:
    """List the first few columns with their values; one alone is what the verdict is of already."""
    return tuple(_fact(one) for one in columns[:_MOST_LISTED]) if len(columns) > 1 else ()


def listed(names: Sequence[str]) -> str:
    """Name columns, of many the first."""
    more = ", …" if len(names) > _MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_NAMED]) + more


def _fact(one: Judged) -> GroupFact:
    if one.estimate is None:
        return GroupFact(group=one.column, n=one.n, note=one.outcome.value)
    found = one.estimate
    return GroupFact(group=one.column, n=found.n, value=found.value, low=found.low, high=found.high)


def _reach(one: Judged) -> float:
    found = one.estimate
    return -1.0 if found is None or found.value is None else found.value if found.high is None else found.high
