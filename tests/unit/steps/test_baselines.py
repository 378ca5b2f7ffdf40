"""Simple models against scikit-learn's own and against a walk through the rows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mlspec.core.problem import MlspecError
from mlspec.specs.dataset import Dataset
from mlspec.steps.baselines import natural, predictions

COLUMNS: list[dict[str, Any]] = [
    {"name": "x", "type": "number"},
    {"name": "city", "type": "string"},
    {"name": "at", "type": "datetime", "role": "time"},
    {"name": "shop", "type": "string", "role": "group"},
]
RANDOM = np.random.default_rng(0)
N = 300
FRAME = pd.DataFrame(
    {
        "x": RANDOM.normal(0, 1, N),
        "city": RANDOM.choice(["a", "b", "c"], N),
        "at": pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(RANDOM.permutation(N), unit="h"),
        "shop": RANDOM.choice(["north", "south"], N),
    }
)
FRAME["sold"] = 3 * FRAME["x"] + RANDOM.normal(0, 0.3, N)
FRAME["kind"] = np.where(FRAME["x"] > 0.4, "high", "low")
TEST = np.arange(N) % 3 == 0


def dataset(target: str, kind: str, *without: str) -> Dataset:
    columns = [column for column in COLUMNS if column["name"] not in without]
    columns = [*columns, {"name": target, "type": kind, "role": "target"}]
    return Dataset.model_validate_json(json.dumps({"name": "d", "owner": "o", "source": "d.csv", "schema": columns}))


def features(frame: pd.DataFrame, fitted: pd.DataFrame) -> np.ndarray:
    scaled = StandardScaler().fit(fitted[["x"]]).transform(frame[["x"]])
    return np.hstack([scaled, OneHotEncoder(sparse_output=False).fit(fitted[["city"]]).transform(frame[["city"]])])


def test_the_usual_ones_are_scikit_learns() -> None:
    train, test = FRAME[~TEST], FRAME[TEST]
    said = predictions("majority", "classification", dataset("kind", "string"), FRAME, TEST)
    dummy = DummyClassifier(strategy="prior").fit(train[["x"]], train["kind"])
    assert said.predicted.tolist() == dummy.predict(test[["x"]]).tolist()
    assert said.classes == ("high", "low") and said.scores == pytest.approx(dummy.predict_proba(test[["x"]]))
    mean = predictions("mean", "regression", dataset("sold", "number"), FRAME, TEST)
    assert mean.predicted == pytest.approx(DummyRegressor().fit(train[["x"]], train["sold"]).predict(test[["x"]]))


def test_linear_ones_are_scikit_learns_on_prepared_columns() -> None:
    train, test = FRAME[~TEST], FRAME[TEST]
    said = predictions("linear", "classification", dataset("kind", "string"), FRAME, TEST)
    model = LogisticRegression(max_iter=1000).fit(features(train, train), train["kind"])
    assert said.scores == pytest.approx(model.predict_proba(features(test, train)), abs=1e-4)
    said = predictions("linear", "regression", dataset("sold", "number"), FRAME, TEST)
    ridge = Ridge().fit(features(train, train), train["sold"])
    assert said.predicted == pytest.approx(ridge.predict(features(test, train)), abs=1e-9)


@pytest.mark.parametrize("grouped", [True, False], ids=["by group", "of all"])
@pytest.mark.parametrize(
    ("target", "kind", "task"), [("sold", "number", "regression"), ("kind", "string", "classification")]
)
def test_persistence_says_what_came_before(grouped: bool, target: str, kind: str, task: str) -> None:
    asked = dataset(target, kind, *(() if grouped else ("shop",)))
    said = predictions("persistence", task, asked, FRAME, TEST)
    last: dict[str, Any] = {}
    expected: dict[int, Any] = {}
    for row in FRAME.sort_values("at").index:
        key = FRAME["shop"][row] if grouped else ""
        expected[row] = last.get(key)
        last[key] = FRAME[target][row]
    wanted = [expected[row] for row in np.flatnonzero(TEST)]
    known = [n for n, value in enumerate(wanted) if value is not None]
    assert len(known) >= len(wanted) - 2
    assert [said.predicted[n] for n in known] == [wanted[n] for n in known]


def test_which_are_natural() -> None:
    assert natural("classification", dataset("kind", "string")) == ("majority", "persistence")
    assert natural("regression", dataset("sold", "number", "at")) == ("mean",)


@pytest.mark.parametrize(
    ("name", "task", "without"),
    [
        ("mean", "classification", ()),
        ("persistence", "classification", ("at",)),
        ("linear", "classification", ("x", "city")),
    ],
)
def test_what_cannot_be_made_is_an_error(name: str, task: str, without: tuple[str, ...]) -> None:
    with pytest.raises(MlspecError) as caught:
        predictions(name, task, dataset("kind", "string", *without), FRAME, TEST)
    assert caught.value.problems[0].code == "gate/no-baseline"
