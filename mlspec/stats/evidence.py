"""Evidence: the rows a model is judged on, as arrays; built by `steps.score`, read by metrics and checks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlspec.core.metrics import Task

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
MISSING = -1
"""The code of a prediction that is not there."""


class Declared(NamedTuple):
    """What a column of the dataset may hold: the `values` that it lists, and numbers from `low` to `high`."""

    values: tuple[Any, ...] = ()
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, eq=False)
class Evidence:
    """The truth of `n` test rows beside what a model said of them.

    Classification: `labels` and `predicted` are (n,) codes into the `k` `classes`, `MISSING` where nothing was
    predicted; `scores` are (n, k) probabilities, None where the model gives none; `decision` (n,) ranks rows by how
    positive they are, for a model with `decision_function` only; `positive` is one of the classes.
    Regression: `labels` and `predicted` are (n,) floats, NaN where nothing was predicted.
    `columns` holds the test columns that a slice may name, `declared` what each may hold; `seed` is what every
    resampling starts from. `clusters`, of shape (n,), number what each row belongs to, such as a person with several
    rows: such rows are not independent.
    """

    task: Task
    positive: Any
    classes: tuple[Any, ...]
    labels: Array
    predicted: Array
    scores: Floats | None = None
    weights: Floats | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)
    seed: int = 0
    decision: Floats | None = None
    clusters: Codes | None = None
    declared: Mapping[str, Declared] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.labels)

    @property
    def positive_code(self) -> int:
        """Return the code of the positive class: the declared one, else the last."""
        return len(self.classes) - 1 if self.positive is None else self.classes.index(self.positive)

    @property
    def ranks(self) -> Floats | None:
        """Return what ranks rows by how positive they are, of shape (n,): the probability, else the decision."""
        return self.decision if self.scores is None else self.scores[:, self.positive_code]

    @property
    def is_plain(self) -> bool:
        """Say whether every row counts once and by itself."""
        return self.weights is None and self.clusters is None

    def subset(self, mask: Mask | Codes) -> Evidence:
        """Return the rows where a boolean mask of shape (n,) holds, or those of some row numbers."""
        return replace(
            self,
            labels=self.labels[mask],
            predicted=self.predicted[mask],
            scores=_taken(self.scores, mask),
            decision=_taken(self.decision, mask),
            weights=_taken(self.weights, mask),
            clusters=None if self.clusters is None else self.clusters[mask],
            columns={name: values[mask] for name, values in self.columns.items()},
        )

    def class_sizes(self) -> Codes:
        """Return how many rows each class has, of shape (k,)."""
        return np.bincount(self.labels, minlength=len(self.classes))


def _taken(values: Floats | None, rows: Mask | Codes) -> Floats | None:
    return None if values is None else values[rows]


def codes(values: list[Any], classes: tuple[Any, ...]) -> Codes:
    """Return the position of each value in `classes`, `MISSING` where it is none of them."""
    positions = {value: code for code, value in enumerate(classes)}
    return np.fromiter((positions.get(value, MISSING) for value in values), dtype=np.int64, count=len(values))
