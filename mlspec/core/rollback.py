"""A rollback by hand: what would hold a stage instead of what, why, until when, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlspec.core.problem import Problem
from mlspec.core.record import Override, Waiver
from mlspec.core.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Judged:
    """What is recorded of a gate for a version; without an outcome, it was never judged by that gate."""

    digest: str
    outcome: Outcome | None = None
    reason: str = ""
    waived: tuple[Waiver, ...] = ()
    gate: str = ""

    @property
    def passes(self) -> bool:
        """Say whether the gate passes, or what does not is waived."""
        return self.outcome is Outcome.PASS or bool(self.waived)


@dataclass(frozen=True, slots=True)
class Rollback:
    """A rollback that can be done. `replaces` holds the stage now, `gates` are those of the stage, by name."""

    address: str
    stage: str
    version: int
    run: str
    replaces: int | None
    override: Override
    gates: Mapping[str, Judged]
    champions: Mapping[str, int]
    """By stage on the way, the version that its gates compare with."""
    ends: str | None
    """The time until when an override was to hold that this one takes the place of."""
    file: str
    """The spec that must be edited before the override is over."""

    @property
    def conforms(self) -> bool:
        """Say whether the version passes every gate of its stage."""
        return all(judged.passes for judged in self.gates.values())


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback came to: the lineage it is recorded in, and what did not reach the remote, or no longer holds."""

    rollback: Rollback
    lineage: str | None
    problems: tuple[Problem, ...]
    exit_code: int
