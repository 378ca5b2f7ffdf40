"""Gate: the checks a version must pass to enter a stage."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import Field, SerializeAsAny

from mlspec.core.probe import Probe
from mlspec.specs.base import Change, Part, Spec
from mlspec.specs.dataset import Role


class Program(NamedTuple):
    """A function of the repository, as `checks/cost.py:judge`, and globs of further files that it reads."""

    function: str
    code: tuple[str, ...] = ()


class CheckSpec(Part):
    """What every check declares; its own fields come from the class that the catalog has for `check`."""

    implementation: ClassVar[str] = ""
    """The function that judges, as `package.module:function`; imported only when it does."""
    criteria: ClassVar[tuple[str, ...]] = ()
    """What `metric` may name beside metrics."""

    check: Annotated[str, Change.EVALUATE]
    """Which check."""
    level: Annotated[Literal["block", "warn"], Change.EVALUATE] = "block"
    """`block`: it must pass; `warn`: it reports and does not block."""

    def compares(self) -> bool:
        """Say whether it compares with the champion, so that its verdict is one against that version alone."""
        return False

    def judges_repeats(self) -> bool:
        """Say whether it judges what the same training came to with other seeds."""
        return False

    def metric_names(self) -> tuple[str, ...]:
        """Return the metrics this check judges, for validation against the model's task."""
        return ()

    def compared_metrics(self) -> tuple[str, ...]:
        """Return the metrics of which it asks which of two values is better; for some, neither is."""
        return ()

    def column_names(self) -> tuple[str, ...]:
        """Return the dataset columns this check reads, for validation against the schema."""
        return ()

    def column_values(self) -> Iterable[tuple[str, Any]]:
        """Return the values it looks for, each with its column, for validation against the schema."""
        return ()

    def role_names(self) -> tuple[Role, ...]:
        """Return the roles of which the dataset must have a column."""
        return ()

    def grouped_columns(self) -> Iterable[tuple[str, bool]]:
        """Return the columns it groups rows by, and whether by ranges of a number."""
        return ()

    def time_columns(self) -> tuple[str, ...]:
        """Return the columns by which it puts rows in order."""
        return ()

    def programs(self) -> Iterable[Program]:
        """Return the functions of the repository that judge; their code is part of the gate's digest."""
        return ()

    def features(self) -> tuple[str, ...]:
        """Return the columns that must be features, for what it does to them; none: it takes all features."""
        return ()

    def feature_types(self) -> Iterable[tuple[str, Collection[str]]]:
        """Return of which types at least one of these features must be, each with the field that needs it."""
        return ()

    def probes(self) -> tuple[Probe, ...]:
        """Return what the model must be asked again; no threshold has a say in it."""
        return ()


class Gate(Spec):
    """A bar with an owner."""

    kind_name: ClassVar[str] = "gate"

    checks: Annotated[tuple[SerializeAsAny[CheckSpec], ...], Field(min_length=1), Change.EVALUATE]
    """The checks; all of level `block` must pass."""
    reuse_limit: Annotated[Annotated[int, Field(ge=1)] | None, Change.RECORD] = None
    """Warn when more versions than this were judged on the same test rows: each look at them wears them out."""

    @property
    def compares(self) -> bool:
        """Say whether a check compares with the champion."""
        return any(check.compares() for check in self.checks)

    @property
    def programs(self) -> tuple[Program, ...]:
        """Return the functions of the repository that its checks call, each as often as they do."""
        return tuple(program for check in self.checks for program in check.programs())
