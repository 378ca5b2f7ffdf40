"""The `baseline` check's second half: the difference to each simple model on the same rows, judged."""

from __future__ import annotations

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.baseline import BaselineCheck
from mlspec.gates.family import adjusted, note
from mlspec.gates.judge import Bar, judge
from mlspec.stats.case import Case
from mlspec.stats.gaps import gap_of
from mlspec.stats.paired import difference


def check(spec: BaselineCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge the difference of a metric to each baseline; of an error, how much smaller it is.

    Raises:
        MlspecError: the metric does not fit, or a baseline cannot be made.
    """
    names = spec.beats or case.natural
    return tuple(_judged(spec, case, name, len(names)) for name in names)


def _judged(spec: BaselineCheck, case: Case, name: str, family: int) -> CheckVerdict:
    found = _gain(spec, case, name, adjusted(spec.confidence, family))
    outcome, reason = _outcome(spec, case, name, found)
    return CheckVerdict(
        check=spec.check,
        outcome=outcome,
        metric=spec.metric,
        estimate=found,
        minimum=spec.margin,
        level=spec.level,
        reason=reason + note(family, "baselines"),
        family=family,
        against=f"baseline {name}",
    )


def _gain(spec: BaselineCheck, case: Case, name: str, confidence: float) -> Estimate:
    """Return by how much the version is better, in the metric's own unit."""
    found = difference(spec.metric, case.evidence, case.baseline(name), confidence)
    if METRICS[spec.metric].greater_is_better or found.value is None:
        return found
    low, high = (None if bound is None else -bound + 0.0 for bound in (found.high, found.low))
    return found.model_copy(update={"value": -found.value + 0.0, "low": low, "high": high})


def _outcome(spec: BaselineCheck, case: Case, name: str, found: Estimate) -> tuple[Outcome, str]:
    better = "higher" if METRICS[spec.metric].greater_is_better else "lower"
    what = f"{spec.metric} {better} than {name} by"
    if found.n < spec.min_rows:
        return Outcome.INSUFFICIENT, f"{what}: only {found.n:,} rows; {spec.min_rows:,} are needed"
    gap = gap_of(METRICS[spec.metric], case.evidence)
    if gap is not None and gap.sparse:
        return Outcome.INSUFFICIENT, f"{spec.metric} on {found.n:,} rows: {gap.reason}"
    if gap is None and found.value is None:
        return Outcome.INSUFFICIENT, f"{name} has no {spec.metric}: {found.method.removeprefix('undefined: ')}"
    return _strictly(spec, found, *judge(what, found, Bar(minimum=spec.margin)))


def _strictly(spec: BaselineCheck, found: Estimate, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
    """As good as the baseline is not better: where the interval only touches no gain at all, nothing is decided."""
    if outcome is Outcome.PASS and spec.margin == 0 and found.low is not None and found.low <= 0:
        return Outcome.INCONCLUSIVE, f"{reason}; no gain at all is within the interval"
    return outcome, reason
