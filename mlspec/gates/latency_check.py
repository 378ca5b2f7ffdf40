"""The `latency` check's second half: quantiles of calls and loads with their intervals, judged."""

from __future__ import annotations

from dataclasses import dataclass

from mlspec.core.verdict import CheckVerdict, Estimate, GroupFact, Outcome
from mlspec.gates.judge import NO_ROWS, Bar, judge
from mlspec.gates.latency import LatencyCheck
from mlspec.stats.asked import Timed
from mlspec.stats.case import Case
from mlspec.stats.evidence import Floats
from mlspec.stats.quantiles import quantile, ratio_of_quantiles

_SHOWN = (0.5, 0.95, 0.99)
"""The quantiles that a verdict lists beside the one that is judged."""


@dataclass(frozen=True, slots=True)
class _Found:
    """One bound held against what was found."""

    metric: str
    bound: float
    judgement: tuple[Outcome, str]
    estimate: Estimate | None = None
    machine: str = ""
    groups: tuple[GroupFact, ...] = ()
    against: str = ""

    def verdict(self, spec: LatencyCheck) -> CheckVerdict:
        """Return the verdict."""
        outcome, reason = self.judgement
        return CheckVerdict(
            check=spec.check,
            outcome=outcome,
            metric=self.metric,
            estimate=self.estimate,
            maximum=self.bound,
            level=spec.level,
            reason=f"{reason}; {self.machine}" if self.machine else reason,
            groups=self.groups,
            against=self.against,
            machine=self.machine,
        )


def check(spec: LatencyCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge the quantile of a call, its ratio to the champion's, and the median load, as far as there is a bound.

    Raises:
        MlspecError: the model cannot be asked.
    """
    if len(case.evidence) == 0:
        return tuple(_Found(*bound, (Outcome.INSUFFICIENT, NO_ROWS)).verdict(spec) for bound in spec.bounds().items())
    found = []
    if spec.max_ms is not None:
        found.append(_calls(spec, case.timed(spec.calls()), spec.max_ms))
    if spec.max_ratio is not None:
        found.append(_ratio(spec, case, spec.max_ratio))
    if spec.max_load_ms is not None:
        found.append(_loads(spec, case.timed(spec.loads()), spec.max_load_ms))
    return tuple(one.verdict(spec) for one in found)


def _calls(spec: LatencyCheck, timed: Timed, bound: float) -> _Found:
    times = timed.ours.call_ms
    found = quantile(times, spec.quantile, spec.confidence)
    judgement = _judged(spec, f"{_what(spec)} in ms", found, bound, "calls")
    return _Found("latency_ms", bound, judgement, found, timed.machine, _facts(times, spec.confidence))


def _loads(spec: LatencyCheck, timed: Timed, bound: float) -> _Found:
    found = quantile(timed.ours.load_ms, 0.5, spec.confidence)
    judgement = judge("median load in ms", found, Bar(maximum=bound), unit="loads")
    return _Found("load_ms", bound, judgement, found, timed.machine)


def _ratio(spec: LatencyCheck, case: Case, bound: float) -> _Found:
    rival, what = case.rival(), f"{_what(spec)} over that of the champion"
    if rival is None:
        return _Found("latency_ratio", bound, (Outcome.PASS, f"{what}: there is no champion"))
    if rival.lost:
        lost = f"{what}, {rival.name}, which can't be asked: {rival.lost}"
        return _Found("latency_ratio", bound, (Outcome.INSUFFICIENT, lost), against=rival.name)
    timed = case.timed(spec.beside())
    if timed.rival is None:
        silent = (Outcome.INSUFFICIENT, f"{what}, {rival.name}, which did not answer: {timed.words}")
        return _Found("latency_ratio", bound, silent, machine=timed.machine, against=rival.name)
    found = ratio_of_quantiles(timed.ours.call_ms, timed.rival.call_ms, spec.quantile, spec.confidence)
    judgement = _judged(spec, f"{what}, {rival.name},", found, bound, "calls of each")
    return _Found("latency_ratio", bound, judgement, found, timed.machine, against=rival.name)


def _judged(spec: LatencyCheck, what: str, found: Estimate, bound: float, unit: str) -> tuple[Outcome, str]:
    outcome, reason = judge(what, found, Bar(maximum=bound), unit=unit)
    return outcome, f"{reason}; {spec.fewest():,} would do" if found.n < spec.fewest() else reason


def _what(spec: LatencyCheck) -> str:
    return f"p{100 * spec.quantile:g} of {'one row' if spec.batch == 1 else f'{spec.batch:,} rows'}"


def _facts(times: Floats, confidence: float) -> tuple[GroupFact, ...]:
    listed = [(share, quantile(times, share, confidence)) for share in _SHOWN]
    return tuple(
        GroupFact(group=f"p{100 * share:g}", n=found.n, value=found.value, low=found.low, high=found.high)
        for share, found in listed
    )
