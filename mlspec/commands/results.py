"""What a step of apply gives back: drafts to record, and what to tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlspec.core.events import Ending
from mlspec.core.record import Record
from mlspec.core.verdict import Estimate, GateVerdict, Spread, Violation


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one step."""

    message: str
    drafts: tuple[Record, ...] = ()
    ending: Ending = "done"
    version: int | None = None
    metrics: tuple[tuple[str, Estimate], ...] = ()
    verdicts: tuple[GateVerdict, ...] = ()
    violations: tuple[Violation, ...] = ()
    remarks: tuple[str, ...] = ()
    log_tail: tuple[str, ...] = ()
    negative: bool = False
    spread: Mapping[str, Spread] = field(default_factory=dict)
