"""Simple models that a version must beat: made here, from mlspec's own recipe; no project code runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from mlspec.core.problem import fail
from mlspec.specs.dataset import Dataset
from mlspec.stats.evidence import Mask
from mlspec.steps import prepare
from mlspec.steps.asking import ask
from mlspec.steps.frames import Field, fields_of, typed, with_role
from mlspec.steps.predictions import Predictions

_MOST_ROWS = 50_000
"""A linear model is fitted on so many rows at most: more would hardly move it, and every gate pays for them."""


def natural(task: str, dataset: Dataset) -> tuple[str, ...]:
    """Return the baselines that any version of a task on a dataset should beat."""
    last = ("persistence",) if dataset.with_role("time") else ()
    return ("majority" if task == "classification" else "mean", *last)


def predictions(name: str, task: str, dataset: Dataset, frame: pd.DataFrame, test: Mask) -> Predictions:
    """Return what a baseline says of the test rows of a table, having seen the others.

    `majority` says the most frequent class, with the share of each class; `mean` the mean; `persistence` the target of
    the row before in time (of the same group, where there is one), which may be a test row; `linear` is a logistic or
    a ridge regression on all feature columns but prose.

    Raises:
        MlspecError: `gate/no-baseline`: it does not go with the task, or the dataset lacks what it needs; `train/…`:
            the target cannot be learned from.
    """
    fields = fields_of(dataset.columns)
    table = typed(frame, fields)
    if name == "persistence":
        return _persistence(task, fields, table, test)
    if (name == "mean") is (task == "classification") and name != "linear":
        raise fail("gate/no-baseline", f"the baseline `{name}` is not for {task}")
    train = table[~test].reset_index(drop=True)
    features = [field for field in fields if field.role == "feature" and field.type != "text"]
    if name == "linear":
        if not features:
            raise fail("gate/no-baseline", "a linear baseline needs a feature column that is no prose")
        train = _some(train)
        model: Any = prepare.pipeline(_linear(task), features)
        arguments = prepare.fit_arguments(_linear(task), prepare.weights(train, fields))
    else:
        model = DummyClassifier(strategy="prior") if task == "classification" else DummyRegressor()
        weight = prepare.weights(train, fields)
        arguments = {} if weight is None else {"sample_weight": weight.to_numpy()}
    names = [field.name for field in features]
    model.fit(train[names], prepare.labels(prepare.target(train, fields, task)), **arguments)
    return ask(model, table.loc[test, names].reset_index(drop=True), task)


def _linear(task: str) -> Any:
    return LogisticRegression(max_iter=1000) if task == "classification" else Ridge()


def _some(train: pd.DataFrame) -> pd.DataFrame:
    if len(train) <= _MOST_ROWS:
        return train
    chosen = np.random.RandomState(0).permutation(len(train))[:_MOST_ROWS]
    return train.iloc[np.sort(chosen)].reset_index(drop=True)


def _persistence(task: str, fields: Sequence[Field], table: pd.DataFrame, test: Mask) -> Predictions:
    times, targets = with_role(fields, "time"), with_role(fields, "target")
    if not times or not targets:
        raise fail("gate/no-baseline", "the baseline `persistence` needs a column with `role: time`")
    target = prepare.target(table, fields, task)
    order = table[times[0]].sort_values(kind="stable").index
    ordered = target.loc[order]
    groups = [table.loc[order, name] for name in with_role(fields, "group")]
    before = ordered.groupby(groups, sort=False, dropna=False).shift() if groups else ordered.shift()
    said = before.reindex(table.index)
    first = said.isna()
    usual = target[~test]
    said = said.astype(object).where(~first, usual.mean() if task == "regression" else usual.mode().iloc[0])
    chosen = said[test]
    if task == "regression":
        return Predictions(chosen.to_numpy(dtype=np.float64))
    classes = sorted(set(target.tolist()))
    values = prepare.labels(chosen.astype(target.dtype))
    scores = (values[:, None] == np.array(classes, dtype=values.dtype)[None, :]).astype(np.float64)
    return Predictions(values, tuple(classes), scores)
