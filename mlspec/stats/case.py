"""What a check of a gate is given: the rows a version is judged on, and what else it may ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import pandas as pd

from mlspec.core.probe import Probe
from mlspec.core.problem import fail
from mlspec.specs.dataset import Dataset
from mlspec.specs.gate import Program
from mlspec.stats.asked import Perturbed, Rival, Timed
from mlspec.stats.evidence import Codes, Evidence, Mask
from mlspec.stats.groups import clusters_of


@dataclass(frozen=True, eq=False)
class Data:
    """A dataset version: what it declares, its n rows in the form of `steps.frames`, and which are for testing.

    `frame` has the declared columns, `test` is of shape (n,), and `version` the digest that names all of it.
    """

    version: str
    dataset: Dataset
    frame: pd.DataFrame
    test: Mask

    @property
    def trained(self) -> pd.DataFrame:
        """Return the rows for training, numbered from 0."""
        return self.frame[~self.test].reset_index(drop=True)

    @property
    def tested(self) -> pd.DataFrame:
        """Return the rows for testing, numbered from 0."""
        return self.frame[self.test].reset_index(drop=True)

    @property
    def clusters(self) -> Codes | None:
        """Return which group each row belongs to, of shape (n,); None where no column says so."""
        column = next(iter(self.dataset.with_role("group")), None)
        return None if column is None else clusters_of(self.frame[column.name])


@dataclass(frozen=True, slots=True)
class Lost:
    """Data that there was and that can't be looked at any more, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """A function of the user's to call on the test rows: with which parameters, and for how long at most."""

    program: Program
    params: Mapping[str, Any]
    timeout: str
    """As the spec writes it."""
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Said:
    """What a user's function said: a value with its interval, or yes or no; or why it said neither, in words."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    passes: bool | None = None
    reason: str = ""
    problem: str = ""


def _uncalled(question: Question) -> Said:
    raise fail("gate/no-code", f"there is nothing here that could call `{question.program.function}`")


def _nobody(*_: Probe) -> NoReturn:
    raise LookupError("this case was made without a model that could be asked")


def _no_rival() -> Rival | None:
    return None


def _none(name: str) -> Evidence:
    raise fail("gate/no-baseline", f"there is no baseline `{name}` here")


def _no_data() -> Data:
    raise fail("gate/no-data", "there is no data here, only what a model said of it")


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
    seed. `data` is what the version was trained on and is tested on, `before` that of the champion: None where there is
    none. `call` has a user's function called, and `perturbed` and `timed` the model asked again, in a child process,
    unless the same was asked before; `rival` is the champion that it may be timed beside, `size` that of the model as
    it is kept, in bytes. Asking for what cannot be made raises an MlspecError.
    """

    evidence: Evidence
    baseline: Callable[[str], Evidence] = _none
    natural: tuple[str, ...] = ()
    duel: Callable[[], Duel | NoDuel] = NoDuel
    repeats: Callable[[], Mapping[int, Evidence]] = dict
    data: Callable[[], Data] = _no_data
    before: Callable[[], Data | Lost | None] = _no_data
    call: Callable[[Question], Said] = _uncalled
    perturbed: Callable[[Probe], Perturbed] = _nobody
    timed: Callable[[Probe], Timed] = _nobody
    rival: Callable[[], Rival | None] = _no_rival
    size: Callable[[], int] = _nobody
