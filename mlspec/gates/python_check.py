"""The `python` check's second half: has the user's function called, and judges what it says by the check's bounds."""

from __future__ import annotations

from mlspec.core.verdict import CheckVerdict, Estimate, Outcome
from mlspec.gates.judge import Bar, judge, margin_of
from mlspec.gates.python import PythonCheck
from mlspec.specs.gate import Program
from mlspec.specs.model import seconds
from mlspec.stats.case import Case, Question, Said

_OWN = "python/1"


def check(spec: PythonCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge what the function returns: by its interval where the check has bounds, else by its own yes or no.

    A function that raises, hangs, dies or returns something else has shown nothing: `insufficient`.
    """
    n, bar = len(case.evidence), Bar(spec.min, spec.max)
    if n < spec.min_rows:
        outcome, reason, found = _too_little(f"only {n:,} rows; {spec.min_rows:,} are needed")
    else:
        question = Question(Program(spec.function, spec.code), spec.params, spec.timeout, seconds(spec.timeout))
        outcome, reason, found = _judged(spec, bar, case.call(question), n)
    verdict = CheckVerdict(
        check=spec.check,
        outcome=outcome,
        estimate=found,
        minimum=spec.min,
        maximum=spec.max,
        level=spec.level,
        reason=reason,
        against=spec.function,
        margin=margin_of(found, bar),
    )
    return (verdict,)


def _too_little(why: str) -> tuple[Outcome, str, None]:
    return Outcome.INSUFFICIENT, why, None


def _judged(spec: PythonCheck, bar: Bar, said: Said, n: int) -> tuple[Outcome, str, Estimate | None]:
    name, has_bar = f"`{spec.function}`", spec.min is not None or spec.max is not None
    if said.problem:
        return _too_little(f"{name} gave no verdict: {said.problem}")
    more = f": {said.reason}" if said.reason else ""
    if has_bar != (said.passes is None):
        wanted = 'the check has a bound, so return {"value": …, "low": …, "high": …}'
        other = 'the check has no bound, so return true, false or {"passes": …, "reason": …}; or give `min` or `max`'
        return _too_little(f"{name} gave no verdict that can be judged: {wanted if has_bar else other}")
    if said.passes is not None:
        word = "passes" if said.passes else "does not pass"
        return Outcome.PASS if said.passes else Outcome.FAIL, f"{name} says that it {word} on {n:,} rows{more}", None
    method = (
        _OWN if said.low is not None and said.high is not None else "none: the function returned no `low` and `high`"
    )
    found = Estimate(value=said.value, low=said.low, high=said.high, confidence=said.confidence, n=n, method=method)
    outcome, reason = judge(name, found, bar)
    return outcome, reason + more, found
