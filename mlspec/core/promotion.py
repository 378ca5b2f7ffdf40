"""A promotion asked for in a spec: what its stage's entry asked for, asks for now, and what is known of the version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlspec.core.record import Override
from mlspec.core.rollback import Judged


@dataclass(frozen=True, slots=True)
class Promotion:
    """An edit of a stage's entry, which decides nothing: a plan of the commit that holds it does.

    `before` is the number it pinned, `latest`, or None where no version was written; `gates` are those of the stage
    and of every stage before it, by name; `held` is the version in the stage now.
    """

    address: str
    stage: str
    version: int
    run: str
    at: str
    before: int | str | None
    held: int | None
    goes_back: bool
    """The version held the stage before: no gate stops that."""
    gates: Mapping[str, Judged]
    override: Override | None
    deploy: str
    """The branch that deploys."""
    file: str
    line: int

    @property
    def changed(self) -> bool:
        """Say whether the spec asked for something else."""
        return self.before != self.version

    @property
    def stopped_by(self) -> tuple[str, ...]:
        """Return the gates that are known to stop it."""
        negative = [name for name, seen in self.gates.items() if seen.outcome is not None and not seen.passes]
        return () if self.goes_back else tuple(negative)
