"""The `metric` check's second half: takes the slices, computes the estimates, judges them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, Outcome, severity
from mlspec.gates.family import FEWEST_NAMED, adjusted, few_text, note
from mlspec.gates.judge import Bar, judge, margin_of
from mlspec.gates.metric import MetricCheck, where_text
from mlspec.stats.case import Case
from mlspec.stats.evidence import Array, Evidence, Mask
from mlspec.stats.gaps import gap_of
from mlspec.stats.groups import groups_of
from mlspec.stats.metrics import estimate

_KINDS = {bool: "bO", int: "iuf", float: "iuf", str: "OUT"}


def check(spec: MetricCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge a metric on the rows of its `where`, and on each of its slices of them; where asked, with the worst seed.

    The intervals of the slices are adjusted for how many of them have rows enough to be judged.

    Raises:
        MlspecError: the metric does not fit the evidence, as `stats.metrics.estimate` says, or there are too many
            slices.
    """
    judged = _of_rows(spec, case.evidence)
    repeats = case.repeats() if spec.judges_repeats() else {}
    if not repeats:
        return judged
    others = [_of_rows(spec, evidence) for evidence in repeats.values()]
    return tuple(_worst(spec, alike, tuple(repeats)) for alike in zip(judged, *others, strict=True))


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
    slices = list(_slices(spec, rows))
    named = [(name, part) for name, part in slices if len(part) >= FEWEST_NAMED]
    family = sum(_shortage(spec, part, "") is None for _, part in named)
    whole = _judged(spec, rows, where_text(spec.where))
    parts = (_judged(spec, part, where_text(spec.where, name), family) for name, part in named)
    return whole, *parts, *_tiny(spec, [part for _, part in slices if len(part) < FEWEST_NAMED])


def _tiny(spec: MetricCheck, slices: Sequence[Evidence]) -> Iterator[CheckVerdict]:
    """Yield one verdict for all slices that are too small to be named."""
    if slices:
        reason = f"{few_text(len(slices), 'slice')}: too few to judge, or to name"
        nothing = Estimate(value=None, n=sum(len(rows) for rows in slices), method="undefined: too few rows")
        yield _verdict(spec, nothing, (Outcome.INSUFFICIENT, reason), "")


def _slices(spec: MetricCheck, rows: Evidence) -> Iterator[tuple[str, Evidence]]:
    for keys in spec.groupings():
        groups = groups_of(keys, rows)
        for code, name in enumerate(groups.names):
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
