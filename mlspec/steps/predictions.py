"""The file that predicting leaves and scoring reads: parquet, one row for each test row, in their order.

Columns:
- `prediction`: what `predict` returned; text, integer, boolean or number as the target. For regression a number.
- `p_0` .. `p_<k-1>`: for a classifier with `predict_proba`, the probability of each class.
- `d_0` ..: for one with `decision_function` only, its values: one column for two classes, else one for each class.

The parquet metadata key `mlspec` holds JSON: `{"format": 1, "classes": [...] | null}`, the classes in the order of
the columns. A prediction that is missing is NaN among numbers, else null; whoever scores decides what it means.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from mlspec.core.problem import fail

_KEY = b"mlspec"
_SUM_TOLERANCE = 1e-6
_AS_IN_THE_TARGET = "give classes as they are in the target: where they were encoded for fitting, decode them again"
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Predictions:
    """Predictions for n rows: `predicted` (n,), `scores` (n, k) probabilities by class, `decision` (n,) or (n, k)."""

    predicted: np.ndarray[Any, Any]
    classes: tuple[Scalar, ...] | None = None
    scores: np.ndarray[Any, np.dtype[np.float64]] | None = None
    decision: np.ndarray[Any, np.dtype[np.float64]] | None = None


def check(predictions: Predictions, rows: int, task: str) -> None:
    """Refuse predictions that can't be what a model says about so many rows.

    Raises:
        MlspecError: too few or many (`predict/wrong-length`), text for a regression (`predict/not-numbers`), a class
            that training never saw (`predict/unknown-class`), one class twice (`predict/classes`), or no probabilities
            (`predict/not-probabilities`); rows are counted from 1.
    """
    predicted = predictions.predicted
    if predicted.ndim != 1 or len(predicted) != rows:
        message = f"the model returned predictions of shape {predicted.shape} for {rows} rows"
        raise fail("predict/wrong-length", message)
    if task == "regression" and predicted.dtype.kind not in "iuf":
        raise fail("predict/not-numbers", "the model predicts something else than numbers, and the task is regression")
    if predictions.classes is not None:
        _check_distinct(predictions.classes)
        _check_classes(predicted, predictions.classes)
    if predictions.scores is not None:
        _check_probabilities(predictions.scores, (rows, len(predictions.classes or ())))


def check_known(predictions: Predictions, classes: set[Scalar]) -> None:
    """Refuse predictions of classes that the target does not have.

    Raises:
        MlspecError: `predict/unknown-class`, with the row, or with the class that probabilities are given for.
    """
    for value in predictions.classes or ():
        if value not in classes:
            message = f"the model gives probabilities for a class `{str(value)[:40]}` that training never saw"
            raise fail("predict/unknown-class", message, help=_AS_IN_THE_TARGET)
    _check_classes(predictions.predicted, tuple(classes))


def write(predictions: Predictions, path: Path, **more: Any) -> None:
    """Write predictions to a new file; equal predictions give equal bytes. `more` is kept beside them, as JSON.

    Raises:
        MlspecError: the predictions have no type that a column can have (`predict/mixed`).
        OSError: the disk is full, for one.
    """
    try:
        columns = {"prediction": pa.array(predictions.predicted, from_pandas=False)}
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise fail("predict/mixed", "the model predicts values of mixed types, or of none that can be kept") from error
    columns |= _numbered("p", predictions.scores)
    columns |= _numbered("d", predictions.decision)
    classes = None if predictions.classes is None else list(predictions.classes)
    about = json.dumps({"format": 1, "classes": classes, **more}, ensure_ascii=False)
    table = pa.table(columns).replace_schema_metadata({_KEY: about.encode()})
    pa.parquet.write_table(table, str(path))


def read_predictions(path: Path) -> Predictions:
    """Read a file that `write` wrote.

    Raises:
        MlspecError: it is no such file, or a probability is none (`predict/damaged`, `predict/not-probabilities`).
    """
    try:
        table = pa.parquet.read_table(str(path))
        about = json.loads((table.schema.metadata or {})[_KEY])
        predicted = table["prediction"].to_numpy()
        classes = None if about["classes"] is None else tuple(about["classes"])
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        raise fail("predict/damaged", f"{path.name} holds no predictions") from error
    read = Predictions(predicted, classes, _matrix(table, "p"), _decision(table))
    if read.scores is not None:
        _check_probabilities(read.scores, (table.num_rows, len(classes or ())))
    return read


def read_beside(path: Path, name: str) -> Any:
    """Return what `write` kept beside predictions by a name, or None.

    Raises:
        MlspecError: it is no such file (`predict/damaged`).
    """
    try:
        return json.loads((pa.parquet.read_schema(str(path)).metadata or {})[_KEY]).get(name)
    except (pa.ArrowInvalid, AttributeError, KeyError, ValueError) as error:
        raise fail("predict/damaged", f"{path.name} holds no predictions") from error


def _check_distinct(classes: tuple[Scalar, ...]) -> None:
    if len(set(classes)) < len(classes):
        message = f"the model names {len(classes)} classes, and only {len(set(classes))} of them are distinct"
        raise fail("predict/classes", message, help="set `classes_` to each class once, in the order of probabilities")


def _check_classes(predicted: np.ndarray[Any, Any], classes: tuple[Scalar, ...]) -> None:
    known = set(classes)
    for row, value in enumerate(predicted.tolist(), start=1):
        missing = value is None or value != value  # noqa: PLR0124 -- NaN, of whatever type
        if not missing and value not in known:
            message = f"row {row}: the model predicts a class that training never saw"
            raise fail("predict/unknown-class", message, help=_AS_IN_THE_TARGET)


def _check_probabilities(scores: np.ndarray[Any, np.dtype[np.float64]], shape: tuple[int, int]) -> None:
    if scores.shape != shape:
        message = f"the model's probabilities have the shape {scores.shape}, not {shape} (rows, classes)"
        raise fail("predict/not-probabilities", message)
    # NaN passes here as it does in `prediction`: it is kept, and fails what is computed from it.
    outside = ((scores < 0) | (scores > 1)).any(axis=1)
    off = np.abs(scores.sum(axis=1) - 1) > _SUM_TOLERANCE
    if outside.any():
        row = int(np.argmax(outside))
        values = [float(value) for value in scores[row] if not 0 <= value <= 1]
        raise fail("predict/not-probabilities", f"row {row + 1}: a probability is {values[0]:g}, outside 0 to 1")
    if off.any():
        row = int(np.argmax(off))
        message = f"row {row + 1}: the probabilities sum to {scores[row].sum():.9g}, not 1"
        raise fail("predict/not-probabilities", message)


def _numbered(letter: str, values: np.ndarray[Any, Any] | None) -> dict[str, pa.Array]:
    if values is None:
        return {}
    matrix = values.reshape(len(values), -1).astype("float64")
    return {f"{letter}_{i}": pa.array(np.ascontiguousarray(matrix[:, i])) for i in range(matrix.shape[1])}


def _matrix(table: pa.Table, letter: str) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    names = [name for name in table.column_names if name.startswith(f"{letter}_")]
    if not names:
        return None
    return np.column_stack([table[f"{letter}_{i}"].to_numpy() for i in range(len(names))]).astype("float64")


def _decision(table: pa.Table) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    matrix = _matrix(table, "d")
    return matrix[:, 0] if matrix is not None and matrix.shape[1] == 1 else matrix
