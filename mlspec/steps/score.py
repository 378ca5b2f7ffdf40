"""Scoring: test rows and stored predictions become evidence, evidence becomes metrics; no project code runs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.problem import fail
from mlspec.core.types import NUMBERS, TEXTS
from mlspec.core.verdict import Estimate
from mlspec.specs.dataset import Column, Dataset
from mlspec.specs.model import Model
from mlspec.stats.evidence import Array, Codes, Declared, Evidence, Floats, codes
from mlspec.stats.groups import clusters_of
from mlspec.stats.metrics import estimate
from mlspec.steps.predictions import Predictions

CONFIDENCE = 0.95
SEED = 0
"""One seed for all: the draws of a bootstrap are part of the method, not something to choose."""
_WRONG = object()


def score(model: Model, evidence: Evidence) -> dict[str, Estimate]:
    """Return the metrics that a model declares, with 95 % intervals.

    Raises:
        MlspecError: a metric does not fit the evidence, as `stats.metrics.estimate` says.
    """
    return {name: estimate(name, evidence, CONFIDENCE) for name in model.metrics}


def evidence(model: Model, dataset: Dataset, test: pd.DataFrame, predictions: Predictions) -> Evidence:
    """Join the labels of the test rows with what was predicted of them.

    Values are compared in the type the dataset declares: `1`, `1.0` and `true` of an integer target are not
    `"1"`. A class the model has never seen gets a probability of zero.

    Raises:
        MlspecError: the predictions are of another length, type or class; a label or a weight is missing. Row numbers
            are of the test split, from 1.
    """
    target = dataset.target
    if target is None:
        raise fail("model/no-target", f"dataset/{dataset.name} has no target")
    if len(predictions.predicted) != len(test):
        message = f"there are {len(predictions.predicted):,} predictions for {len(test):,} test rows"
        raise fail("predict/wrong-length", message)
    labels = test[target.name]
    if labels.isna().any():
        message = f"the target `{target.name}` is missing in {int(labels.isna().sum()):,} test rows"
        raise fail("score/missing-target", message)
    if model.task == "regression":
        joined = Evidence(model.task, None, (), _floats(labels), _floats(pd.Series(predictions.predicted)))
    else:
        joined = _classified(model, target, labels, predictions)
    columns = {column.name: _column(test[column.name], column) for column in dataset.columns if column.name in test}
    clusters = _clusters(dataset, test)
    declared = {name: _declared(column) for column in dataset.columns if (name := column.name) in columns}
    weights = _weights(dataset, test)
    return replace(joined, weights=weights, columns=columns, seed=SEED, clusters=clusters, declared=declared)


def _classified(model: Model, target: Column, labels: pd.Series[Any], predictions: Predictions) -> Evidence:
    truth = _of_type(labels.tolist(), target)
    said = _of_type(_values(predictions.predicted, target), target)
    _check_types(truth, said, target)
    known = _known_classes(predictions, target)
    positive = None if model.positive is None else _of_type([model.positive], target)[0]
    classes = _all_classes(known, truth, said, positive)
    if known is not None:
        _check_known(said, known, positive, target)
    scores = None if predictions.scores is None else _probabilities(predictions.scores, len(said), known, len(classes))
    if positive is None and 1 in classes:
        positive = classes[classes.index(1)]  # true and 1 are positive without being named
    decision = _decision(predictions.decision, len(said), positive is None or positive == classes[-1])
    return Evidence(
        "classification", positive, classes, codes(truth, classes), codes(said, classes), scores, decision=decision
    )


def _decision(values: Floats | None, n: int, last: bool) -> Floats | None:
    """Return decisions of two classes as an order by the positive one; they are made for the last."""
    if values is None or values.shape != (n,):
        return None
    return values if last else -values


def _values(predicted: Array, target: Column) -> list[Any]:
    """List what was predicted; of booleans beside NaN numpy makes numbers, which are booleans again."""
    values: list[Any] = predicted.tolist()
    if target.type == "boolean" and predicted.dtype.kind == "f" and any(map(math.isnan, values)):
        return [bool(value) if value in (0, 1) else value for value in values]
    return values


def _of_type(values: list[Any], column: Column) -> list[Any]:
    """Bring values to the declared type of a column: None where missing, `_WRONG` where of another type."""
    pairs = list(zip(map(type, values), values, strict=True))
    try:
        table = {pair: _typed(pair[1], column.type) for pair in set(pairs)}
    except TypeError:  # a list, say, which no column holds
        return [_WRONG] * len(values)
    return [table[pair] for pair in pairs]


def _typed(value: Any, wanted: str) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if wanted in TEXTS:
        return str(value) if isinstance(value, str) else _WRONG
    if wanted == "boolean" or isinstance(value, bool):
        return value if wanted == "boolean" and isinstance(value, bool) else _WRONG
    if not isinstance(value, int | float):
        return _WRONG
    if wanted == "number":
        return float(value)
    return int(value) if value == math.floor(value) else _WRONG


def _check_types(truth: list[Any], said: list[Any], target: Column) -> None:
    if _WRONG in truth:
        raise fail("table/type", f"column `{target.name}` is declared {target.type}, and holds something else")
    if _WRONG in said:
        message = f"the prediction for row {said.index(_WRONG) + 1} of the test split is not {target.type}"
        advice = f"`predict` must return values of the target `{target.name}` as they are"
        raise fail("predict/type", message, help=advice)


def _known_classes(predictions: Predictions, target: Column) -> tuple[Any, ...] | None:
    if predictions.classes is None:
        if predictions.scores is not None:
            raise fail("predict/classes", "the model gives class probabilities and does not say of which classes")
        return None
    known = _of_type(list(predictions.classes), target)
    if _WRONG in known or None in known or len(set(known)) != len(known):
        message = f"the model's classes are not distinct values of type {target.type}, as the target `{target.name}` is"
        raise fail("predict/classes", message)
    return tuple(known)


def _all_classes(known: tuple[Any, ...] | None, truth: list[Any], said: list[Any], positive: Any) -> tuple[Any, ...]:
    if known is not None:
        return (*known, *sorted(set(truth) - set(known)))
    return tuple(sorted({*truth, *said, positive} - {None}))


def _check_known(said: list[Any], known: tuple[Any, ...], positive: Any, target: Column) -> None:
    strange = set(said) - {*known, None}
    if strange:
        row = next(n for n, value in enumerate(said, 1) if value in strange)
        message = f"the prediction for row {row} of the test split is none of the model's own {len(known)} classes"
        raise fail("predict/unknown-class", message)
    if positive is not None and positive not in known:
        message = f"`positive` of the model's spec is no class the model has learned from `{target.name}`"
        raise fail("model/positive", message, help="the training split has no row of that class")


def _probabilities(scores: Floats, n: int, known: tuple[Any, ...] | None, k: int) -> Floats:
    """Check the shape of probabilities, and add a column of zeros for each class that the model has never seen."""
    found = np.asarray(scores, dtype=np.float64)
    wide = 0 if known is None else len(known)
    if found.shape != (n, wide):
        message = f"the probabilities have shape {found.shape}; {n:,} rows and {wide} classes need {(n, wide)}"
        raise fail("predict/shape", message)
    return np.concatenate([found, np.zeros((n, k - wide))], axis=1)


def _weights(dataset: Dataset, test: pd.DataFrame) -> Floats | None:
    column = next(iter(dataset.with_role("weight")), None)
    if column is None:
        return None
    weights = _floats(test[column.name])
    if not np.all(np.isfinite(weights) & (weights >= 0)):
        raise fail("score/weights", f"the weights in `{column.name}` must all be there, finite, and at least 0")
    return weights


def _clusters(dataset: Dataset, test: pd.DataFrame) -> Codes | None:
    column = next(iter(dataset.with_role("group")), None)
    return None if column is None else clusters_of(test[column.name])


def _floats(values: pd.Series[Any]) -> Floats:
    return pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)


def _declared(column: Column) -> Declared:
    low, high = (bound if isinstance(bound, float) else None for bound in (column.min, column.max))
    return Declared(column.values or (), -math.inf if low is None else low, math.inf if high is None else high)


def _column(values: pd.Series[Any], column: Column) -> Array:
    """Return a column for slices: numbers as such, text and booleans as objects, a missing one as None."""
    if column.type in NUMBERS:
        return values.to_numpy() if values.dtype.kind in "iuf" else _floats(values)
    return values.astype(object).where(values.notna(), None).to_numpy()
