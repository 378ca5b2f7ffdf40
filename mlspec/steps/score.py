"""Scoring: test rows and stored predictions become evidence, and evidence metrics; no model is loaded, no project code runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlspec.core.problem import fail
from mlspec.core.verdict import Estimate
from mlspec.specs.dataset import Column, Dataset
from mlspec.specs.model import Model
from mlspec.stats.evidence import MISSING, Array, Codes, Evidence, Floats, codes
from mlspec.stats.metrics import estimate

CONFIDENCE = 0.95
SEED = 0
"""One seed for all: the draws of a bootstrap are part of the method, not something to choose."""
_SUM_TOLERANCE = 1e-3


class Predictions(Protocol):
    """What a model said of the test rows, in their order."""

    @property
    def predicted(self) -> Array:
        """Classes or numbers, of shape (n,)."""
        ...

    @property
    def classes(self) -> tuple[Any, ...] | None:
        """The classes the model knows, None for regression or where it does not say."""
        ...

    @property
    def scores(self) -> Floats | None:
        """Probabilities of shape (n, k), a column for each class, or None."""
        ...


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
        MlspecError: the predictions are of another length, type or class, or no probabilities; a label or a weight
            is missing. Row numbers are of the test split, from 1.
    """
    target = dataset.target
    if target is None:
        raise fail("model/no-target", f"dataset/{dataset.name} has no target")
    if len(predictions.predicted) != len(test):
        message = f"there are {len(predictions.predicted):,} predictions for {len(test):,} test rows"
        raise fail("predict/rows", message)
    _check_labels(test[target.name], target)
    weights = _weights(dataset, test)
    columns = {column.name: _column(test[column.name], column) for column in dataset.columns if column.name in test}
    if model.task == "regression":
        labels, predicted = _numbers(test[target.name]), _numbers(pd.Series(predictions.predicted))
        return Evidence(model.task, None, (), labels, predicted, None, weights, columns, SEED)
    return _classified(model, target, test, predictions)
