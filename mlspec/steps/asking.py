"""Asking a fitted model for its predictions: the one way that training's check and predicting share."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.problem import fail
from mlspec.steps.predictions import Predictions


def ask(model: Any, features: pd.DataFrame, task: str) -> Predictions:
    """Return what a model says about rows: predictions and, for a classifier, probabilities or decision values.

    Raises:
        MlspecError: `predict/row-order`, or probabilities that are no numbers (`predict/not-probabilities`).
        Exception: whatever the model raises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = column(in_order(model.predict(features), features.index))
        if task == "regression" or not hasattr(model, "classes_"):
            return Predictions(predicted)
        classes = tuple(np.asarray(model.classes_).tolist())
        if hasattr(model, "predict_proba"):
            scores = in_order(model.predict_proba(features), features.index)
            return Predictions(predicted, classes, scores=numbers(scores, "probabilities"))
        if hasattr(model, "decision_function"):
            decision = in_order(model.decision_function(features), features.index)
            return Predictions(predicted, classes, decision=numbers(decision, "decision values"))
        return Predictions(predicted, classes)


def in_order(values: Any, rows: pd.Index[Any]) -> Any:
    """Return what was said about rows, in their order; pandas' own labels tell of another one.

    Raises:
        MlspecError: `predict/row-order`.
    """
    labelled = isinstance(values, pd.Series | pd.DataFrame) and len(values) == len(rows)
    if labelled and not values.index.equals(rows) and set(values.index) == set(rows):
        first = int(np.argmax(np.asarray(values.index != rows))) + 1
        message = f"the predictions are in another order than the rows: the index says so from row {first} on"
        raise fail("predict/row-order", message, help="bring them back, as with `predictions.loc[frame.index]`")
    return values


def column(values: Any) -> np.ndarray[Any, Any]:
    """Return one value a row as an array, text as objects, None where one is missing; a matrix of one column is one."""
    array = np.asarray(values)
    if array.dtype.kind == "U":  # of a list numpy makes NaN beside text the text "nan"
        array = np.asarray(values, dtype=object)
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.dtype.kind == "O":
        array = array.copy()
        array[pd.isna(array)] = None
    return array


def numbers(values: Any, what: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return what a classifier said beside classes as numbers.

    Raises:
        MlspecError: they are none (`predict/not-probabilities`).
    """
    try:
        return np.asarray(values, dtype="float64")
    except (TypeError, ValueError) as error:
        message = f"the model's {what} are not a table of numbers, a row for each row that it was asked about"
        raise fail("predict/not-probabilities", message) from error


def same(one: Predictions, other: Predictions) -> bool:
    """Say whether two answers agree: classes exactly, numbers within a relative 1e-12, NaN with NaN."""
    return (
        one.classes == other.classes
        and _agree(one.predicted, other.predicted)
        and _agree(one.scores, other.scores)
        and _agree(one.decision, other.decision)
    )


def near(one: Predictions, other: Predictions) -> bool:
    """Say whether two answers are of one model, in double and in single precision: 99 of 100 rows, within 1e-3.

    What only one of them tells, such as decision values, is not compared.
    """
    if one.predicted.dtype.kind != other.predicted.dtype.kind or one.predicted.shape != other.predicted.shape:
        return False
    if one.predicted.dtype.kind == "f":
        agreed = np.isclose(one.predicted, other.predicted, rtol=1e-3, atol=1e-3, equal_nan=True)
    else:
        agreed = one.predicted == other.predicted
    if one.scores is not None and other.scores is not None:
        agreed = agreed & np.isclose(one.scores, other.scores, atol=1e-3, rtol=0, equal_nan=True).all(axis=1)
    return bool(np.mean(agreed) >= 0.99)


def _agree(one: np.ndarray[Any, Any] | None, other: np.ndarray[Any, Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
        return False
    if one.dtype.kind == "f":
        return bool(np.allclose(one, other, rtol=1e-12, atol=1e-12, equal_nan=True))
    return bool(((one == other) | (pd.isna(one) & pd.isna(other))).all())
