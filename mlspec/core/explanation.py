"""Why a resource is, or is not, up to date: what is recorded beside what is asked for, and what follows from it."""

from __future__ import annotations

from typing import Any, Final, Literal

from mlspec.core.record import Value

FORMAT: Final = "mlspec.explain/1"
State = Literal["planned", "blocked", "not needed"]
About = Literal["version", "contract", "run", "stages", "facts"]


class Row(Value):
    """One field: what is recorded of it, what the spec and its inputs ask for, and where that is written."""

    field: str
    recorded: Any = None
    asked: Any = None
    same: bool
    file: str | None = None
    line: int | None = None


class Section(Value):
    """Fields of one fingerprint: of a dataset version, a contract, a run; or what stages hold; or facts.

    `basis` says in words what is recorded that the fields are compared with; None where nothing is. `wanted` is the
    fingerprint asked for, where the fields make one.
    """

    about: About
    wanted: str | None = None
    basis: str | None = None
    rows: tuple[Row, ...]


class Step(Value):
    """One thing that an apply may do about the resource: what, whether it would, why, and what comes before it."""

    action: str
    state: State
    why: str
    needs: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()


class Explanation(Value):
    """A resource at one commit and one state of the lineage."""

    format: Literal["mlspec.explain/1"] = FORMAT
    address: str
    declared: bool
    up_to_date: bool
    """Nothing is planned, and nothing is blocked."""
    commit: str | None
    dirty: bool
    lineage: str | None
    sections: tuple[Section, ...] = ()
    steps: tuple[Step, ...] = ()
    used_by: tuple[str, ...] = ()
    """The declared resources that depend on it directly."""
