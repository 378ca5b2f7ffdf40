"""Plans: what would be done, why, and what stands in the way. A plan describes; it never acts."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field

from mlspec.core import digest
from mlspec.core.record import Value

FORMAT: Final = "mlspec.plan/1"

ActionVerb = Literal[
    "snapshot", "check", "train", "evaluate", "promote", "rollback", "demote", "move", "retire", "update"
]
Kind = Literal["create", "update", "delete", "move"]
DEPLOYING: frozenset[str] = frozenset({"promote", "rollback", "demote", "move", "retire", "update"})
"""Verbs that move something; the others only add evidence, and may run anywhere."""


class Reason(Value):
    """Why: a field, its value before and after, where it is written, and through which upstream it came."""

    field: str
    before: Any = None
    after: Any = None
    file: str | None = None
    line: int | None = None
    via: str | None = None


class Action(Value):
    """One thing to do. `effect` says what would be done from which inputs, and nothing that training would change."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    verb: ActionVerb
    address: str
    stage: str | None = None
    version: int | None = None
    """The version concerned; a number not given yet is the one expected."""
    run: str | None = None
    """The fingerprint of the dataset version or the run concerned."""
    change: Kind = "update"
    effect: str
    needs: tuple[str, ...] = ()
    conditions: tuple[str, ...] = Field(default=(), alias="if")
    blocked: str | None = None
    negative: bool = False
    """Blocked by a negative verdict or an override that has expired, not for another reason."""
    estimate_s: float | None = None
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()
    """What a reviewer should know beside: what is waived, and which gates were set after the version was trained."""

    @property
    def id(self) -> str:
        """Return what `needs` calls this action: `train model/income`, `promote model/income to staging`."""
        run = f" {digest.short(self.run, 8)}" if self.verb == "evaluate" and self.run else ""
        return f"{self.verb} {self.address}" + run + (f" to {self.stage}" if self.stage else "")

    def hinges_on(self, need: str) -> bool:
        """Say whether this cannot be done without `need`: a rollback waits for its gates, which do not stop it."""
        return need in self.needs and not (self.verb == "rollback" and need.startswith("evaluate "))


class Observation(Value):
    """What planning saw of a source; `digest` is None where it could not be reached, and `taken` says what was used."""

    source: str
    digest: str | None
    note: str | None = None


class Plan(Value):
    """All actions in the order they would run, and what the plan was made from."""

    format: Literal["mlspec.plan/1"] = FORMAT
    project: str
    mlspec: str
    commit: str | None
    branch: str | None = None
    dirty: bool
    deploys: bool
    lineage: str | None
    at: str
    observations: tuple[Observation, ...] = ()
    selection: tuple[str, ...] = ()
    """The addresses asked for; none means all."""
    complete: bool = True
    outside: int = 0
    """Changes outside the selection."""
    digest: str
    counts: dict[str, int]
    warnings: tuple[str, ...] = ()
    actions: tuple[Action, ...]

    @property
    def runnable(self) -> tuple[Action, ...]:
        """Return the actions that an apply would start."""
        return tuple(action for action in self.actions if action.blocked is None)


def plan_digest(actions: tuple[Action, ...]) -> str:
    """Return the digest of what would be done: the actions, their effects and which are blocked, in any order."""
    return digest.of(sorted([action.id, action.effect, action.blocked is not None] for action in actions))


def count(actions: tuple[Action, ...]) -> dict[str, int]:
    """Count runnable actions by verb, and the blocked ones together."""
    counts: dict[str, int] = {}
    for action in actions:
        key = "blocked" if action.blocked is not None else action.verb
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))
