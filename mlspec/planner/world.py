"""The world as planning sees it: values gathered before, and two questions it may ask."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mlspec.core.head import Head
from mlspec.planner import fingerprint
from mlspec.planner.closure import Closure, CodeState
from mlspec.planner.fields import Fields
from mlspec.specs.base import Spec
from mlspec.specs.parse import Specs
from mlspec.specs.project import Project


@dataclass(frozen=True, slots=True)
class SourceState:
    """What was seen of a dataset's source: the digest of its bytes, or why it could not be read."""

    digest: str | None
    size: int = 0
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """Whether this commit may move things, and if not, why."""

    deploys: bool
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What the user allowed on the command line."""

    retry_failed: bool = False
    allow_retire: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """Everything a plan is a function of. `has` says whether the store holds an object.

    `settled` are models that need no planning, for nothing has to be done about them; see the module of that name.
    """

    project: Project
    specs: Specs
    heads: Mapping[str, Head]
    sources: Mapping[str, SourceState]
    code: Mapping[str, CodeState]
    authority: Authority
    has: Callable[[str], bool]
    at: str
    """The time of the plan, as records write it."""
    options: Options = field(default_factory=Options)
    settled: Collection[str] = ()
    judges: Mapping[str, Sequence[Closure]] = field(default_factory=dict)
    """The code of each gate's programs, by the gate's name; none where it has none."""

    def bars(self) -> dict[str, str]:
        """Return the digest of what each declared gate judges by."""
        gates = self.specs.gates
        return {name: fingerprint.gate(spec, self.judges.get(name, ())).digest for name, spec in gates.items()}

    def facts(self, spec: Spec) -> Fields:
        """Return what is only recorded of a declared resource."""
        code = self.judges.get(spec.name, ()) if spec.address.kind == "gate" else ()
        return fingerprint.facts(spec, code).fields

    def head(self, address: object) -> Head:
        """Return the head of an address, empty where nothing is recorded."""
        return self.heads.get(str(address)) or Head(address=str(address))
