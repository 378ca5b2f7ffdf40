"""Events of an apply, as they happen; a console shows them, nothing decides by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlspec.core.beside import Beside
from mlspec.core.plan import Action
from mlspec.core.problem import Problem
from mlspec.core.verdict import Estimate, GateVerdict, Spread, Violation

Ending = Literal["done", "reused", "rejected", "failed", "busy", "skipped"]


@dataclass(frozen=True, slots=True)
class Started:
    """An action begins."""

    action: Action


@dataclass(frozen=True, slots=True)
class Ended:
    """An action is over: what came of it, in one sentence, and what it found.

    `skipped` means it did not run: a condition did not hold, or something it needs failed; `negative` says that
    a verdict was the cause.
    """

    action: Action
    ending: Ending
    message: str
    seconds: float = 0.0
    version: int | None = None
    metrics: tuple[tuple[str, Estimate], ...] = ()
    verdicts: tuple[GateVerdict, ...] = ()
    violations: tuple[Violation, ...] = ()
    remarks: tuple[str, ...] = ()
    """What it noticed that stops nothing."""
    log_tail: tuple[str, ...] = ()
    negative: bool = False
    spread: Mapping[str, Spread] = field(default_factory=dict)
    """Each metric of a version that was trained with several seeds, seed by seed."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The apply is over: how many actions ended how, and which exit code DESIGN section 7 gives that."""

    counts: dict[str, int]
    exit_code: int
    lineage: str | None
    problems: tuple[Problem, ...] = ()
    """What did not reach the remote, or no longer holds there."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An action waits for someone else who is doing the same."""

    action: Action
    who: str


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes of an object on their way to a store (`sent`) or from it: `done` of `total`."""

    digest: str
    done: int
    total: int
    sent: bool


@dataclass(frozen=True, slots=True)
class Remarked:
    """Something the user may want to know, and need not act on."""

    message: str


@dataclass(frozen=True, slots=True)
class Compared:
    """A run beside the champion."""

    beside: Beside


Event = Started | Compared | Waiting | Ended | Closed | Moved | Remarked
