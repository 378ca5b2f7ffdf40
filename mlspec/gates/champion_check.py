"""The `champion` check's second half: the difference to the champion on rows that neither was trained on, judged."""

from __future__ import annotations

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.champion import ChampionCheck
from mlspec.gates.gain import better, gain, strictly
from mlspec.gates.judge import Bar, judge, margin_of
from mlspec.stats.case import Case, Duel, NoDuel
from mlspec.stats.gaps import gap_of, metric_for, misfit


def check(spec: ChampionCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge how much better a version is than the champion; of an error, how much smaller it is.

    Where there is no champion it passes and says so; one that cannot be asked is too little evidence.

    Raises:
        MlspecError: the metric does not fit the evidence.
    """
    duel = case.duel()
    if isinstance(duel, NoDuel):
        return (_unfought(spec, duel),)
    metric_for(spec.metric, duel.ours)
    lacking = misfit(spec.metric, duel.theirs)
    if lacking:
        reason = f"{duel.champion} has no {spec.metric}: {lacking}"
        return (_verdict(spec, Outcome.INSUFFICIENT, reason, duel.champion),)
    found = gain(spec.metric, duel.ours, duel.theirs, spec.confidence)
    outcome, reason = _outcome(spec, duel, found)
    note = f"{duel.left_out:,} test rows that {duel.champion} was trained on are left out" if duel.left_out else ""
    verdict = _verdict(spec, outcome, f"{reason}; {note}" if note else reason, duel.champion, found)
    return (verdict.model_copy(update={"note": note}),)


def _unfought(spec: ChampionCheck, duel: NoDuel) -> CheckVerdict:
    if not duel.champion:
        return _verdict(spec, Outcome.PASS, duel.why, "")
    return _verdict(spec, Outcome.INSUFFICIENT, f"no comparison with {duel.champion}: {duel.why}", duel.champion)


def _outcome(spec: ChampionCheck, duel: Duel, found: Estimate) -> tuple[Outcome, str]:
    what = f"{spec.metric} {better(spec.metric)} than {duel.champion}"
    if found.n < spec.min_rows:
        return Outcome.INSUFFICIENT, f"{what}: only {found.n:,} rows; {spec.min_rows:,} are needed"
    gap = gap_of(METRICS[spec.metric], duel.ours)
    if gap is not None and gap.sparse:
        return Outcome.INSUFFICIENT, f"{spec.metric} on {found.n:,} rows: {gap.reason}"
    if gap is None and found.value is None:
        why = found.method.removeprefix("undefined: ")
        return Outcome.INSUFFICIENT, f"{duel.champion} has no {spec.metric}: {why}"
    outcome, reason = judge(f"{what} by", found, Bar(minimum=_bar(spec)))
    return strictly(spec.margin, found, outcome, reason) if spec.claim == "superior" else (outcome, reason)


def _bar(spec: ChampionCheck) -> float:
    return spec.margin if spec.claim == "superior" else -spec.margin


def _verdict(
    spec: ChampionCheck, outcome: Outcome, reason: str, champion: str, found: Estimate | None = None
) -> CheckVerdict:
    return CheckVerdict(
        check=spec.check,
        outcome=outcome,
        metric=spec.metric,
        estimate=found,
        minimum=_bar(spec),
        level=spec.level,
        reason=reason,
        against=f"champion {champion}" if champion else "",
        margin=margin_of(found, Bar(minimum=_bar(spec))),
    )
