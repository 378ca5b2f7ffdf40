"""What is no longer kept, why, and what came of removing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlspec.core.ports import Lying
from mlspec.core.problem import Problem
from mlspec.core.record import Record


@dataclass
class Mentions:
    """When the objects that records name were named last, and when they were said to be gone."""

    named: dict[str, str] = field(default_factory=dict)
    expired: dict[str, str] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        """Take what one record says, in whatever order they come."""
        log = record.failure.log if record.failure is not None else None
        for name in (*(output.digest for output in record.outputs), *([log] if log else ())):
            self.named[name] = max(record.finished, self.named.get(name, ""))
        for name in record.expiry.objects if record.expiry is not None else ():
            self.expired[name] = max(record.finished, self.expired.get(name, ""))

    def is_gone(self, name: str) -> bool:
        """Say whether an object was said to be gone, and not named again since."""
        return name in self.expired and self.named.get(name, "") <= self.expired[name]


@dataclass(frozen=True, slots=True)
class Gone:
    """What of one address goes: facts by fingerprint, with what people call them, and the objects that go with them."""

    address: str
    facts: Mapping[str, str]
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erasure:
    """What goes when rows are erased, and who still rests on them."""

    gone: tuple[Gone, ...]
    also: tuple[str, ...]
    """Dataset versions that hold some of the same bytes, and are not erased."""
    trained: tuple[str, ...]
    """The versions that learned from them, a text for each model."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What would be removed: what is recorded as gone, and objects that nothing names (any more).

    `sizes` are in bytes, by name, of all that lies in the store; `since` is the time from which on all is kept, None
    where rows are erased whatever their age, for a `reason`.
    """

    gone: tuple[Gone, ...]
    unnamed: tuple[Lying, ...]
    sizes: Mapping[str, int]
    since: str | None
    reason: str
    trained: tuple[str, ...] = ()

    @property
    def objects(self) -> frozenset[str]:
        """Return the names of all objects and notes that would be removed."""
        named = {name for gone in self.gone for name in gone.objects}
        return frozenset(named | {lying.name for lying in self.unnamed})

    @property
    def facts(self) -> frozenset[tuple[str, str]]:
        """Return what would be recorded as gone, by address and fingerprint."""
        return frozenset((gone.address, fact) for gone in self.gone for fact in gone.facts)

    def within(self, other: Sweep) -> bool:
        """Say whether nothing goes that does not go in the other."""
        return self.objects <= other.objects and self.facts <= other.facts

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to do."""
        return not self.gone and not self.unnamed

    def size(self, names: frozenset[str] | tuple[str, ...]) -> int:
        """Return how many bytes objects have together, as far as the store knows."""
        return sum(self.sizes.get(name, 0) for name in names)


@dataclass(frozen=True, slots=True)
class Swept:
    """What was removed, where it is recorded, and what stands in the way of the rest."""

    sweep: Sweep
    removed: frozenset[str]
    lineage: str | None
    problems: tuple[Problem, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return the exit code this means."""
        return 1 if self.problems else 0
