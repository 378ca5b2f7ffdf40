"""What a check of a gate is given: the rows a version is judged on, and what else it may ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlspec.core.problem import fail
from mlspec.stats.evidence import Evidence


def _none(name: str) -> Evidence:
    raise fail("gate/no-baseline", f"there is no baseline `{name}` here")


@dataclass(frozen=True, eq=False)
class Case:
    """`evidence` is what the version said of the test rows; `baseline` makes that of a simple model, by its name.

    A baseline is judged on the same rows in the same order; `natural` are those that any version should beat. Asking
    for one that cannot be made raises an MlspecError.
    """

    evidence: Evidence
    baseline: Callable[[str], Evidence] = _none
    natural: tuple[str, ...] = ()
