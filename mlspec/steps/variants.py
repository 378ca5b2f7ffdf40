"""Predictions of rows as they are and with changes, in one file: all predictions below one another, then what failed.

Beside the predictions (`steps.predictions`) the file keeps `rows`, how many each part has, and `variants`: of each
change the perturbation, the column, and in words why there is no part for it, empty where there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlspec.core.problem import fail
from mlspec.steps.predictions import Predictions, read_beside, read_predictions, write
from mlspec.steps.wire import MOST_WORDS


@dataclass(frozen=True, eq=False)
class Answered:
    """What was said of a change, None where nothing was, and why in words."""

    perturbation: str
    column: str
    said: Predictions | None
    words: str = ""


def alike(one: Predictions, other: Predictions) -> bool:
    """Say whether two answers have the same classes, and the same columns of the same types."""
    return one.classes == other.classes and all(
        _form(getattr(one, name)) == _form(getattr(other, name)) for name in ("predicted", "scores", "decision")
    )


def _form(values: np.ndarray[Any, Any] | None) -> tuple[str, int] | None:
    return None if values is None else (values.dtype.kind, values.ndim)


def write_variants(base: Predictions, answered: Sequence[Answered], path: Path) -> None:
    """Write the predictions of the rows as they are, and all that was said of the changes and is `alike`.

    Raises:
        MlspecError, OSError: as `predictions.write`.
    """
    parts = [base, *(one.said for one in answered if one.said is not None)]
    told = [[one.perturbation, one.column, one.words] for one in answered]
    write(_joined(parts), path, rows=len(base.predicted), variants=told)


def read_variants(path: Path, rows: int) -> tuple[Predictions, tuple[Answered, ...]]:
    """Read a file that `write_variants` wrote, of so many rows.

    Raises:
        MlspecError: it is no such file (`predict/damaged`).
    """
    every, told = read_predictions(path), read_beside(path, "variants")
    is_list = isinstance(told, list) and all(
        isinstance(one, list) and len(one) == 3 and all(isinstance(part, str) for part in one) for one in told
    )
    parts = 1 + sum(not words for _, _, words in told) if is_list else 0
    if not is_list or len(every.predicted) != parts * rows:
        raise fail("predict/damaged", f"{path.name} does not hold the predictions of {rows:,} rows and their changes")
    slices = iter([slice(n * rows, (n + 1) * rows) for n in range(parts)])
    base = _cut(every, next(slices))
    return base, tuple(
        Answered(perturbation, column, None if words else _cut(every, next(slices)), words[:MOST_WORDS])
        for perturbation, column, words in told
    )


def _joined(parts: Sequence[Predictions]) -> Predictions:
    def joined(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    return Predictions(joined("predicted"), parts[0].classes, joined("scores"), joined("decision"))


def _cut(whole: Predictions, rows: slice) -> Predictions:
    scores, decision = (None if values is None else values[rows] for values in (whole.scores, whole.decision))
    return Predictions(whole.predicted[rows], whole.classes, scores, decision)
