"""What a model answered when it was asked again: of rows that were changed, and by the clock."""

from __future__ import annotations

from dataclasses import dataclass

from mlspec.stats.evidence import Evidence, Floats


@dataclass(frozen=True, eq=False)
class Changed:
    """What was said of the rows with one column changed; `said` is None where nothing was, and `words` tell why."""

    perturbation: str
    column: str
    said: Evidence | None
    words: str = ""


@dataclass(frozen=True, eq=False)
class Perturbed:
    """The rows as they are, and each way in which they were changed."""

    rows: Evidence
    changed: tuple[Changed, ...]


@dataclass(frozen=True, eq=False)
class Timing:
    """A model by the clock: milliseconds of its loads (l,) and calls (n,), and its process's peak memory in bytes.

    Where memory can't be told it is 0.
    """

    load_ms: Floats
    call_ms: Floats
    peak_memory_bytes: int


@dataclass(frozen=True, eq=False)
class Timed:
    """The version by the clock, and the champion beside it; `words` tell why there is no rival where one was asked."""

    ours: Timing
    machine: str
    rival: Timing | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """The champion, as it is called; `lost` tells why it can't be asked any more."""

    name: str
    lost: str = ""
