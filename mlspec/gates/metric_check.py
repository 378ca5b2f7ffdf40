"""The `metric` check's second half: takes the slices, computes the estimates, judges them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, Outcome, severity
from mlspec.gates.family import FEWEST_NAMED, adjusted, few_text, note
from mlspec.gates.grouping import Key
from mlspec.gates.judge import Bar, judge, margin_of
from mlspec.gates.metric import MetricCheck, where_text
from mlspec.stats.case import Case
from mlspec.stats.evidence import Array, Evidence, Mask
from mlspec.stats.gaps import gap_of
from mlspec.stats.groups import TooManyGroups, groups_of
from mlspec.stats.metrics import estimate

_KINDS = {bool: "bO", int: "iuf", float: "iuf", str: "OUT"}


def check(spec: MetricCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge a metric on the rows of its `where`, and on each of its slices of them; where asked, with the worst seed.

    The intervals of the slices are adjusted for how many of them have rows enough to be judged.

    Raises:
        MlspecError: the metric does not fit the evidence, as `stats.metrics.estimate` says.
    """
    judged = _of_rows(spec, case.evidence)
    if not spec.judges_repeats():
        return judged
    repeats = case.repeats()
    if not repeats:
        return tuple(_of_one_seed(verdict) for verdict in judged)
    others = [_of_rows(spec, evidence) for evidence in repeats.values()]
    return tuple(_worst(spec, alike, tuple(repeats)) for alike in zip(judged, *others, strict=True))


def _of_one_seed(verdict: CheckVerdict) -> CheckVerdict:
    """Return the verdict where there are no repeats: what one seed fails the worst of several would, and no more."""
    if verdict.outcome is Outcome.FAIL:
        return verdict
    reason = f"{verdict.reason}; trained with one seed, so which is the worst of several is not known"
    return verdict.model_copy(update={"outcome": Outcome.INSUFFICIENT, "reason": reason})


def _worst(spec: MetricCheck, alike: tuple[CheckVerdict, ...], seeds: tuple[int, ...]) -> CheckVerdict:
    """Return the worst of the verdicts on the same rows: of the model first, then of each further seed."""
    sign = 1 if METRICS[spec.metric].greater_is_better else -1

    def badness(verdict: CheckVerdict) -> tuple[int, float]:
        value = verdict.estimate.value if verdict.estimate else None
        return severity(verdict.outcome), math.inf if value is None else -sign * value

    found = max(alike, key=badness)
    by = ("the model's own", *(f"seed {seed}" for seed in seeds))[alike.index(found)]
    note = f"the worst of {len(alike)} seeds: {by}"
    return found.model_copy(update={"reason": f"{found.reason}; {note}", "note": note})


def _of_rows(spec: MetricCheck, evidence: Evidence) -> tuple[CheckVerdict, ...]:
    rows = evidence.subset(slice_mask(spec.where, evidence)) if spec.where else evidence
    slices: list[tuple[str, Evidence]] = []
    untold: list[CheckVerdict] = []
    for keys in spec.groupings():
        try:
            slices += _slices(spec, keys, rows)
        except TooManyGroups as error:
            untold.append(_nothing(spec, len(rows), "undefined: too many slices", str(error)))
    named = [(name, part) for name, part in slices if not 0 < len(part) < FEWEST_NAMED]
    family = sum(_shortage(spec, part, "") is None for _, part in named)
    whole = _judged(spec, rows, where_text(spec.where))
    parts = (_judged(spec, part, where_text(spec.where, name), family) for name, part in named)
    return whole, *parts, *_tiny(spec, [part for _, part in slices if 0 < len(part) < FEWEST_NAMED]), *untold


def _tiny(spec: MetricCheck, slices: Sequence[Evidence]) -> Iterator[CheckVerdict]:
    """Yield one verdict for all slices that are too small to be named."""
    if slices:
        reason = f"{few_text(len(slices), 'slice')}: too few to judge, or to name"
        yield _nothing(spec, sum(len(rows) for rows in slices), "undefined: too few rows", reason)


def _nothing(spec: MetricCheck, n: int, method: str, reason: str) -> CheckVerdict:
    return _verdict(spec, Estimate(value=None, n=n, method=method), (Outcome.INSUFFICIENT, reason), "")


def _slices(spec: MetricCheck, keys: Sequence[Key], rows: Evidence) -> Iterator[tuple[str, Evidence]]:
    """Yield each slice by name; what `where` leaves out of its own column is not missed."""
    groups = groups_of(keys, rows)
    for code, (name, size) in enumerate(zip(groups.names, groups.sizes, strict=True)):
        if size or keys[0].column not in spec.where:
            yield name, rows.subset(groups.rows(code))


def _judged(spec: MetricCheck, rows: Evidence, where: str, family: int = 1) -> CheckVerdict:
    found = estimate(spec.metric, rows, adjusted(spec.confidence, family))
    shortage = _shortage(spec, rows, where)
    if shortage:
        return _verdict(spec, found, (Outcome.INSUFFICIENT, shortage), where)
    outcome, reason = judge(spec.metric, found, Bar(spec.min, spec.max), where)
    return _verdict(spec, found, (outcome, reason + note(family, "slices")), where, family)


def slice_mask(where: Mapping[str, Any], evidence: Evidence) -> Mask:
    """Return which rows have the value, or one of the values, in each column of a slice; a missing value is none.

    Values are compared in their own types: `1` is not `"1"`, and not `true`.
    """
    mask = np.ones(len(evidence), dtype=np.bool_)
    for column, wanted in where.items():
        values = wanted if isinstance(wanted, tuple) else (wanted,)
        mask &= np.logical_or.reduce([_equals(evidence.columns[column], value) for value in values])
    return mask


def _equals(column: Array, value: Any) -> Mask:
    if column.dtype.kind not in _KINDS[type(value)]:
        return np.zeros(len(column), dtype=np.bool_)
    return np.asarray(column == value, dtype=np.bool_)


def _shortage(spec: MetricCheck, rows: Evidence, where: str) -> str | None:
    """Return in words why there is too little evidence to judge at all, or None."""
    if len(rows) == 0:
        return f"no test row{where}" if where else "there are no test rows"
    if len(rows) < spec.min_rows:
        return f"only {len(rows):,} rows{where}; {spec.min_rows:,} are needed"
    gap = gap_of(METRICS[spec.metric], rows)
    return f"{spec.metric} on {len(rows):,} rows{where}: {gap.reason}" if gap is not None and gap.sparse else None


def _verdict(
    spec: MetricCheck, found: Estimate, judgement: tuple[Outcome, str], where: str, family: int = 1
) -> CheckVerdict:
    outcome, reason = judgement
    return CheckVerdict(
        check=spec.check,
        outcome=outcome,
        metric=spec.metric,
        where=where.removeprefix(" where ") or None,
        estimate=found,
        minimum=spec.min,
        maximum=spec.max,
        level=spec.level,
        reason=reason,
        family=family,
        margin=margin_of(found, Bar(spec.min, spec.max)),
    )
