"""The `robustness` check's second half: what each change of each column costs of the metric, judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlspec.core.metrics import METRICS
from mlspec.core.verdict import CheckVerdict, Estimate, GroupFact, Outcome
from mlspec.gates.family import adjusted, note
from mlspec.gates.judge import NO_ROWS, Bar, judge
from mlspec.gates.robustness import RobustnessCheck
from mlspec.stats.asked import Changed
from mlspec.stats.case import Case
from mlspec.stats.evidence import Evidence
from mlspec.stats.gaps import gap_of, metric_for
from mlspec.stats.paired import difference

_WORST_FIRST = (Outcome.FAIL, Outcome.INSUFFICIENT, Outcome.INCONCLUSIVE, Outcome.PASS)
_SHOWN = {
    "noise": "noise of {:g} deviations",
    "missing": "{:.4g} % missing",
    "drop": "all missing",
    "swap": "{:.4g} % swapped",
    "unit_error": "{:.4g} % times {:g}",
    "typos": "{:.4g} % with typos",
}


@dataclass(frozen=True, slots=True)
class _Loss:
    """What changing one column cost; without an estimate the model said nothing that could be measured."""

    column: str
    estimate: Estimate | None
    outcome: Outcome
    reason: str

    @property
    def badness(self) -> tuple[int, float, float]:
        """Rank: the outcome first, then what it may cost, then what it cost."""
        found = self.estimate
        costs = (None, None) if found is None else (found.high, found.value)
        highest, value = (float("inf") if cost is None else cost for cost in costs)
        return -_WORST_FIRST.index(self.outcome), highest, value


def check(spec: RobustnessCheck, case: Case) -> tuple[CheckVerdict, ...]:
    """Judge the loss of the metric by each perturbation, at the column that bears it worst.

    The intervals are adjusted for the number of columns and perturbations, so all losses are bounded at once.

    Raises:
        MlspecError: the metric does not fit, or the model cannot be asked at all.
    """
    if len(case.evidence) == 0:
        nothing = _Loss("", None, Outcome.INSUFFICIENT, NO_ROWS)
        return tuple(_verdict(spec, name, [nothing], 0, 1) for name in spec.sizes())
    asked = case.perturbed(spec.probe())
    family = len(asked.changed)
    return tuple(
        _verdict(
            spec,
            name,
            [_loss(spec, asked.rows, one, family) for one in asked.changed if one.perturbation == name],
            len(asked.rows),
            family,
        )
        for name in spec.sizes()
    )


def _loss(spec: RobustnessCheck, rows: Evidence, changed: Changed, family: int) -> _Loss:
    what = _what(spec, changed.column, changed.perturbation)
    if changed.said is None:
        return _Loss(changed.column, None, Outcome.FAIL, f"{what}: {changed.words}")
    found = _cost(spec.metric, rows, changed.said, adjusted(spec.confidence, family))
    shortage = _shortage(spec, rows)
    if shortage is not None:
        return _Loss(changed.column, found, Outcome.INSUFFICIENT, f"{what}: {shortage}")
    return _Loss(changed.column, found, *judge(what, found, Bar(maximum=spec.max_loss)))


def _what(spec: RobustnessCheck, column: str, name: str) -> str:
    return f"{spec.metric} lost with `{column}` {_shown(spec, name)}"


def _cost(metric: str, rows: Evidence, changed: Evidence, confidence: float) -> Estimate:
    """Return by how much a metric is worse on the changed rows, in its own unit.

    What a model ignores costs nothing: it is the same model, so there is no chance in that.
    """
    if _same(rows, changed):
        return Estimate(value=0.0, low=0.0, high=0.0, confidence=confidence, n=len(rows), method="unchanged/1")
    found = difference(metric, rows, changed, confidence)
    if METRICS[metric].greater_is_better or found.value is None:
        return found
    low, high = (None if bound is None else -bound + 0.0 for bound in (found.high, found.low))
    return found.model_copy(update={"value": -found.value + 0.0, "low": low, "high": high})


def _same(rows: Evidence, changed: Evidence) -> bool:
    """Say whether a model says the very same of all rows."""
    said = [(one.predicted, one.scores, one.decision) for one in (rows, changed)]
    return all(
        one is other or (one is not None and other is not None and np.array_equal(one, other))
        for one, other in zip(*said, strict=True)
    )


def _shortage(spec: RobustnessCheck, rows: Evidence) -> str | None:
    if len(rows) < spec.min_rows:
        return f"only {len(rows):,} rows; {spec.min_rows:,} are needed"
    gap = gap_of(metric_for(spec.metric, rows), rows)
    return gap.reason if gap is not None and gap.sparse else None


def _verdict(spec: RobustnessCheck, name: str, losses: Sequence[_Loss], rows: int, family: int) -> CheckVerdict:
    worst = max(losses, key=lambda loss: loss.badness, default=None)
    if worst is None:
        reason = f"{name}: no column of the {rows:,} test rows holds anything that it would change"
        worst = _Loss("", None, Outcome.INSUFFICIENT, reason)
    more = f"; the worst of {len(losses)} columns" if len(losses) > 1 else ""
    return CheckVerdict(
        check=spec.check,
        outcome=worst.outcome,
        metric=spec.metric,
        by=name,
        estimate=worst.estimate,
        maximum=spec.max_loss,
        level=spec.level,
        reason=f"{worst.reason}{more}{note(family, 'changes')}",
        groups=tuple(_fact(loss, rows) for loss in losses if loss.column),
        family=max(family, 1),
        note=f"{_what(spec, worst.column, name)}{more}" if worst.column else "",
    )


def _fact(loss: _Loss, rows: int) -> GroupFact:
    found = loss.estimate
    if found is None or found.value is None:
        return GroupFact(group=loss.column, n=rows, note=loss.reason)
    return GroupFact(group=loss.column, n=found.n, value=found.value, low=found.low, high=found.high)


def _shown(spec: RobustnessCheck, name: str) -> str:
    size = spec.sizes()[name]
    if name == "unit_error":
        return _SHOWN[name].format(100 * spec.unit_error_share, size)
    return _SHOWN[name].format(size if name == "noise" else 100 * size)
