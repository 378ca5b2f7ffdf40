"""A run beside the champion: metrics of both with intervals, and what the gates say of the run."""

from __future__ import annotations

from mlspec.core.comparison import MetricPair
from mlspec.core.record import Value
from mlspec.core.verdict import CheckVerdict, Outcome


class Judgement(Value):
    """What a gate says of a run; without an outcome, it has not judged it. `checks` are there where they were read."""

    gate: str
    outcome: Outcome | None = None
    reason: str = ""
    checks: tuple[CheckVerdict, ...] = ()


class Beside(Value):
    """A run and what holds the stage it is for; without a champion, the metrics are of the run alone."""

    address: str
    name: str
    """`v4`, or the run in short where it is no version."""
    run: str
    data: str
    """The dataset version whose test rows the metrics are of."""
    champion: str | None = None
    """`v3 in production`."""
    champion_data: str | None = None
    metrics: tuple[MetricPair, ...] = ()
    judgements: tuple[Judgement, ...] = ()
