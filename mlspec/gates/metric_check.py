"""The `metric` check's second half: takes the slice, computes the estimate, judges it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.metric import MetricCheck, judge, where_text
from mlspec.stats.evidence import Array, Evidence, Mask
from mlspec.stats.gaps import gap_of
from mlspec.stats.metrics import estimate

_KINDS = {bool: "bO", int: "iuf", float: "iuf", str: "OUT"}


def check(spec: MetricCheck, evidence: Evidence) -> tuple[CheckVerdict, ...]:
    """Judge a metric on the rows of its slice.

    Raises:
        MlspecError: the metric does not fit the evidence, as `stats.metrics.estimate` says.
    """
    rows = evidence.subset(slice_mask(spec.where, evidence)) if spec.where else evidence
    found = estimate(spec.metric, rows, spec.confidence)
    shortage = _shortage(spec, rows)
    outcome, reason = (Outcome.INSUFFICIENT, shortage) if shortage else judge(spec, found)
    return (_verdict(spec, found, outcome, reason),)


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


def _shortage(spec: MetricCheck, rows: Evidence) -> str | None:
    """Return in words why there is too little evidence to judge at all, or None."""
    place = where_text(spec.where)
    if len(rows) == 0:
        return f"no test row{place}" if place else "there are no test rows"
    if len(rows) < spec.min_rows:
        return f"only {len(rows):,} rows{place}; {spec.min_rows:,} are needed"
    gap = gap_of(METRICS[spec.metric], rows)
    return f"{spec.metric} on {len(rows):,} rows{place}: {gap.reason}" if gap is not None and gap.sparse else None


def _verdict(spec: MetricCheck, found: Estimate, outcome: Outcome, reason: str) -> CheckVerdict:
    return CheckVerdict(
        check=spec.check,
        outcome=outcome,
        metric=spec.metric,
        where=where_text(spec.where).removeprefix(" where ") or None,
        estimate=found,
        minimum=spec.min,
        maximum=spec.max,
        level=spec.level,
        reason=reason,
    )
