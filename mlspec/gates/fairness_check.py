"""The `fairness` check's second half: estimates each group, compares them in pairs, judges the pair furthest apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Literal

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, GroupFact, Outcome
from mlspec.gates.fairness import FairnessCheck
from mlspec.gates.family import FEWEST_NAMED, adjusted, few_text, note
from mlspec.gates.grouping import shown
from mlspec.gates.judge import Bar, judge, margin_of
from mlspec.stats.case import Case
from mlspec.stats.contrast import Spread, alike, apart, difference, ratio
from mlspec.stats.evidence import Evidence
from mlspec.stats.gaps import gap_of
from mlspec.stats.grouped import base_rates, estimates
from mlspec.stats.groups import Groups, TooManyGroups, groups_of, value_text

NO_TEST_ROW = "no test row"
Comparison = Literal["difference", "ratio"]


def check(spec: FairnessCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge each metric that is compared, by difference, by ratio, or by both.

    The intervals of the groups are adjusted for the number of pairs and metrics, so that the extremes of all pairs are
    bounded by the extremes of their bounds.

    Raises:
        MlspecError: a metric does not fit the evidence.
    """
    evidence = case.evidence
    try:
        groups = groups_of(spec.keys(), evidence)
    except TooManyGroups as error:
        return (_too_many(spec, str(error)),)
    reference = _reference(spec)
    large = [name for name, n in zip(groups.names, groups.sizes, strict=True) if n >= spec.min_group]
    family = len(spec.measures()) * len(list(_pairs(large, reference)))
    return tuple(
        verdict
        for measure in spec.measures()
        for verdict in _Measured.of(spec, measure, evidence, groups, family, reference).verdicts()
    )


def _too_many(spec: FairnessCheck, reason: str) -> CheckVerdict:
    return CheckVerdict(
        check=spec.check,
        outcome=Outcome.INSUFFICIENT,
        metric=spec.metric,
        level=spec.level,
        reason=reason,
        by=shown(spec.by),
        why=spec.why,
    )


def _reference(spec: FairnessCheck) -> str:
    """Return the name of the group that all others are compared with; empty where there is none."""
    if spec.reference is None:
        return ""
    named = zip(spec.keys(), spec.reference_values(), strict=True)
    return " and ".join(f"{key.column} is {value_text(value)}" for key, value in named)


@dataclass(frozen=True, slots=True)
class _Measured:
    """One metric of every group; `gaps` say, by group, what it lacks, and whether that is the model's fault."""

    spec: FairnessCheck
    measure: str
    found: dict[str, Estimate]
    facts: tuple[GroupFact, ...]
    gaps: dict[str, tuple[str, bool]]
    without: int
    family: int
    reference: str

    @classmethod
    def of(
        cls, spec: FairnessCheck, measure: str, evidence: Evidence, groups: Groups, family: int, reference: str
    ) -> _Measured:
        each = estimates(measure, evidence, groups, adjusted(spec.confidence, family))
        rates: Sequence[float | None] = base_rates(evidence, groups) or [None] * len(each)
        gaps: dict[str, tuple[str, bool]] = {}
        for code, (name, one) in enumerate(zip(groups.names, each, strict=True)):
            gap = _gap(spec, measure, one, partial(_rows, evidence, groups, code))
            if gap is not None:
                gaps[name] = gap
        facts = _facts(groups.names, each, rates, gaps)
        found = {name: one for name, one in zip(groups.names, each, strict=True) if name not in gaps}
        return cls(spec, measure, found, facts, gaps, groups.without, family, reference)

    def verdicts(self) -> Iterator[CheckVerdict]:
        if self.spec.max_difference is not None:
            yield self._verdict("difference", Bar(maximum=self.spec.max_difference))
        if self.spec.min_ratio is not None:
            yield self._verdict("ratio", Bar(minimum=self.spec.min_ratio))

    def _verdict(self, comparison: Comparison, bar: Bar) -> CheckVerdict:
        found, between = self._widest(comparison)
        outcome, reason = self._judged(comparison, bar, found, between)
        return CheckVerdict(
            check=self.spec.check,
            outcome=outcome,
            metric=self.measure,
            estimate=found,
            minimum=bar.minimum,
            maximum=bar.maximum,
            level=self.spec.level,
            reason=reason,
            by=shown(self.spec.by),
            comparison=comparison,
            between=between,
            groups=self.facts,
            family=self.family,
            why=self.spec.why,
            margin=margin_of(found, bar),
        )

    def _widest(self, comparison: Comparison) -> tuple[Estimate | None, tuple[str, str] | None]:
        """Return the estimate of the two groups furthest apart, bounded by the bounds of all pairs; and the two."""
        pairs = list(_pairs(list(self.found), self.reference))
        if not pairs:
            return None, None
        compare, pick = (_difference, max) if comparison == "difference" else (_ratio, min)
        spreads = [compare(self.found[one], self.found[other]) for one, other in pairs]
        defined = [(spread, pair) for spread, pair in zip(spreads, pairs, strict=True) if not math.isnan(spread.value)]
        if not defined:
            return None, None
        value, between = pick(((spread.value, pair) for spread, pair in defined), key=lambda each: each[0])
        one, other = (self.found[name] for name in between)
        found = Estimate(
            value=value,
            low=pick(spread.low for spread, _ in defined),
            high=pick(spread.high for spread, _ in defined),
            confidence=one.confidence,
            n=one.n + other.n,
            method=f"mover/1 of {one.method}",
        )
        return found, between

    def _judged(
        self, comparison: Comparison, bar: Bar, found: Estimate | None, between: tuple[str, str] | None
    ) -> tuple[Outcome, str]:
        what = f"{comparison} of {self.measure} by {shown(self.spec.by)}"
        broken = [f"{name}: {why}" for name, (why, at_fault) in self.gaps.items() if at_fault]
        if broken:
            return Outcome.FAIL, f"{what} has no value: {broken[0]}"
        if found is None or between is None:
            return Outcome.INSUFFICIENT, f"{what} has no value: {self._nothing()}"
        outcome, reason = judge(what, found, bar, f" between {between[0]} and {between[1]}")
        reason += note(self.family, "comparisons") + self._left_out()
        return Outcome.INSUFFICIENT if self.gaps and outcome is not Outcome.FAIL else outcome, reason

    def _nothing(self) -> str:
        if self.reference and self.reference not in self.found:
            why = self.gaps.get(self.reference, ("no test row is of it", False))[0]
            return f"the reference group, {self.reference}: {why}"
        if len(self.found) >= 2:
            return "it is 0 in every group, so no ratio is defined"
        return f"{len(self.found)} of {len(self.facts)} groups can be compared{self._left_out()}"

    def _left_out(self) -> str:
        gaps = [f"{fact.group}: {fact.note}" for fact in self.facts if fact.note]
        missing = f"; {self.without:,} rows have no {shown(self.spec.by)}" if self.without else ""
        return "".join(f"; {gap}" for gap in gaps) + missing


def _pairs(names: Sequence[str], reference: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs that are compared: each group with the reference, or all with each other."""
    if not reference:
        yield from combinations(names, 2)
    elif reference in names:
        yield from ((name, reference) for name in names if name != reference)


def _gap(spec: FairnessCheck, measure: str, found: Estimate, rows: Callable[[], Evidence]) -> tuple[str, bool] | None:
    """Return why a group cannot be compared, and whether that is the model's fault; None where it can."""
    if found.n == 0:
        return NO_TEST_ROW, False
    if found.n < spec.min_group:
        return f"only {found.n:,} rows; {spec.min_group:,} are needed", False
    if found.value is None:
        gap = gap_of(METRICS[measure], rows())
        return found.method.removeprefix("undefined: "), gap is None or not gap.sparse
    if found.low is None or found.high is None:
        return found.method.removeprefix("none: "), False
    return None


def _rows(evidence: Evidence, groups: Groups, code: int) -> Evidence:
    return evidence.subset(groups.rows(code))


def _facts(
    names: Sequence[str],
    each: Sequence[Estimate],
    rates: Sequence[float | None],
    gaps: dict[str, tuple[str, bool]],
) -> tuple[GroupFact, ...]:
    facts, few = [], []
    for name, one, rate in zip(names, each, rates, strict=True):
        if 0 < one.n < FEWEST_NAMED:
            few.append(one.n)
        elif name in gaps:
            facts.append(GroupFact(group=name, n=one.n, note=gaps[name][0]))
        else:
            facts.append(GroupFact(group=name, n=one.n, value=one.value, low=one.low, high=one.high, base_rate=rate))
    if few:
        facts.append(GroupFact(group=few_text(len(few), "group"), n=sum(few), note="too few to compare, or to name"))
    return tuple(facts)


def _difference(one: Estimate, other: Estimate) -> Spread:
    return apart(difference(_spread(one), _spread(other)))


def _ratio(one: Estimate, other: Estimate) -> Spread:
    found = ratio(_spread(one), _spread(other))
    return found if math.isnan(found.value) else alike(found)


def _spread(found: Estimate) -> Spread:
    assert found.value is not None and found.low is not None and found.high is not None  # `_gap` left out all others
    return Spread(found.value, found.low, found.high)
