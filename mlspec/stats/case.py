"""What a check of a gate is given: the rows a version is judged on, and what else it may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlspec.core.problem import fail
from mlspec.stats.evidence import Evidence


def _none(name: str) -> Evidence:
    raise fail("gate/no-baseline", f"there is no baseline `{name}` here")


@dataclass(frozen=True, eq=False)
class Duel:
    """A version and the champion on the same test rows, in the same order, which neither was trained on.

    `left_out` is how many test rows the champion had been trained on.
    """

    champion: str
    """What people call it: `v3`."""
    ours: Evidence
    theirs: Evidence
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class NoDuel:
    """The two cannot be compared, and why; `champion` is empty where there is none."""

    champion: str = ""
    why: str = "there is no champion to compare with"


@dataclass(frozen=True, eq=False)
class Case:
    """`evidence` is what the version said of the test rows; `baseline` makes that of a simple model, by its name.

    A baseline is judged on the same rows in the same order; `natural` are those that any version should beat. `duel`
    sets the version beside the champion. `repeats` are what the same training said with the seeds that follow, by
    seed. Asking for what cannot be made raises an MlspecError.
    """

    evidence: Evidence
    baseline: Callable[[str], Evidence] = _none
    natural: tuple[str, ...] = ()
    duel: Callable[[], Duel | NoDuel] = NoDuel
    repeats: Callable[[], Mapping[int, Evidence]] = dict
