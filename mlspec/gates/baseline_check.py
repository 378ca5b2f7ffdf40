"""The `baseline` check's second half: the difference to each simple model on the same rows, judged."""

from __future__ import annotations

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.baseline import BaselineCheck
from mlspec.gates.family import adjusted, note
from mlspec.gates.gain import better, gain, strictly
from mlspec.gates.judge import Bar, judge, margin_of
from mlspec.stats.case import Case
from mlspec.stats.gaps import gap_of


def check(spec: BaselineCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge the difference of a metric to each baseline; of an error, how much smaller it is.

    Raises:
        MlspecError: the metric does not fit, or a baseline cannot be made.
    """
    names = spec.beats or case.natural
    return tuple(_judged(spec, case, name, len(names)) for name in names)


def _judged(spec: BaselineCheck, case: Case, name: str, family: int) -> CheckVerdict:
    found = gain(spec.metric, case.evidence, case.baseline(name), adjusted(spec.confidence, family))
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
        margin=margin_of(found, Bar(minimum=spec.margin)),
    )


def _outcome(spec: BaselineCheck, case: Case, name: str, found: Estimate) -> tuple[Outcome, str]:
    what = f"{spec.metric} {better(spec.metric)} than {name}"
    if found.n < spec.min_rows:
        return Outcome.INSUFFICIENT, f"{what}: only {found.n:,} rows; {spec.min_rows:,} are needed"
    gap = gap_of(METRICS[spec.metric], case.evidence)
    if gap is not None and gap.sparse:
        return Outcome.INSUFFICIENT, f"{spec.metric} on {found.n:,} rows: {gap.reason}"
    if gap is None and found.value is None:
        return Outcome.INSUFFICIENT, f"{name} has no {spec.metric}: {found.method.removeprefix('undefined: ')}"
    return strictly(spec.margin, found, *judge(f"{what} by", found, Bar(minimum=spec.margin)))
