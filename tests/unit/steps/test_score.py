"""Joining labels with predictions: types, classes, rows, weights, slices; and the metrics that come out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlspec.core.problem import MlspecError
from mlspec.specs.dataset import Dataset
from mlspec.specs.model import Model
from mlspec.stats.evidence import MISSING, Evidence
from mlspec.steps.frames import fields_of, typed
from mlspec.steps.predictions import Predictions, read_predictions, write
from mlspec.steps.score import evidence, score

HALF = np.full((4, 2), 0.5)


def dataset(target_type: str = "string", **others: Any) -> Dataset:
    """Declare a dataset with a feature, a slice column and a target."""
    columns = [
        {"name": "age", "type": "integer"},
        {"name": "member", "type": "boolean", "role": "ignore"},
        {"name": "sex", "type": "string", "role": "ignore", "sensitive": True},
        {"name": "y", "type": target_type, "role": "target"},
        *others.get("columns", []),
    ]
    return Dataset.model_validate_json(json.dumps({"name": "d", "owner": "team", "source": "d.csv", "schema": columns}))


def model(task: str = "classification", **fields: Any) -> Model:
    train = {"estimator": "sklearn.linear_model.LogisticRegression"}
    content = {"name": "m", "owner": "team", "dataset": "d", "task": task, "train": train, **fields}
    return Model.model_validate_json(json.dumps(content))


def rows(y: list[Any], declared: Dataset, **columns: list[Any]) -> pd.DataFrame:
    """Make test rows as apply does, in the one form of `steps.frames`."""
    n = len(y)
    frame = {
        "age": [30, None, 50, 60][:n],
        "member": [True, False, None, True][:n],
        "sex": ["F", "M", None, "F"][:n],
        "y": y,
        **columns,
    }
    return typed(pd.DataFrame(frame), fields_of(declared.columns))


def joined(
    y: list[Any], said: list[Any], *, target: str = "string", classes: Any = None, scores: Any = None, **fields: Any
) -> Evidence:
    declared = dataset(target)
    predicted = np.array(said) if target != "string" else np.array(said, dtype=object)
    predictions = Predictions(predicted, classes, scores)
    return evidence(model(**fields), declared, rows(y, declared), predictions)


def test_text_labels_become_codes_of_the_models_classes() -> None:
    found = joined(
        ["no", "yes", "yes", "no"], ["yes", "yes", None, "no"], classes=("no", "yes"), scores=HALF, positive="yes"
    )
    assert (found.classes, found.positive) == (("no", "yes"), "yes")
    assert found.labels.tolist() == [0, 1, 1, 0]
    assert found.predicted.tolist() == [1, 1, MISSING, 0]
    assert found.scores is not None and found.scores.shape == (4, 2)


@pytest.mark.parametrize(
    ("target", "y", "said", "classes"),
    [
        ("integer", [0, 1, 1, 0], [0, 1, 0, 0], (0, 1)),
        ("integer", [0, 1, 1, 0], [0.0, 1.0, 0.0, 0.0], (0.0, 1.0)),
        ("integer", [0, 1, 1, 0], [0.0, 1.0, 0.0, 0.0], None),
        ("boolean", [False, True, True, False], [False, True, False, False], (False, True)),
        ("number", [0.0, 1.0, 1.0, 0.0], [0, 1, 0, 0], (0, 1)),
    ],
)
def test_one_class_in_two_numeric_types_is_one_class(target: str, y: list[Any], said: list[Any], classes: Any) -> None:
    found = joined(y, said, target=target, classes=classes)
    assert (found.labels.tolist(), found.predicted.tolist()) == ([0, 1, 1, 0], [0, 1, 0, 0])
    assert found.positive == 1  # without being named
    assert len(found.classes) == 2


@pytest.mark.parametrize(
    ("target", "y", "said"),
    [
        ("string", ["a", "b", "a"], ["a", float("nan"), "a"]),
        ("boolean", [False, True, False], [0.0, float("nan"), 0.0]),
        ("integer", [0, 1, 0], [0.0, float("nan"), 0.0]),
    ],
)
def test_a_missing_prediction_leaves_metrics_without_a_value(target: str, y: list[Any], said: list[Any]) -> None:
    found = joined(y, said, target=target, positive=y[1])
    assert found.predicted[1] == MISSING and found.predicted[0] == found.labels[0]
    metric = score(model(metrics=["accuracy"]), found)["accuracy"]
    assert metric.value is None and "1 of 3 predictions are missing" in metric.method


@pytest.mark.parametrize(
    ("target", "y", "said"),
    [
        ("string", ["0", "1"], [0, 1]),
        ("string", ["True", "False"], [True, False]),
        ("integer", [0, 1], ["0", "1"]),
        ("integer", [0, 1], [False, True]),
        ("integer", [0, 1], [0.0, 0.5]),
        ("boolean", [False, True], [0, 1]),
    ],
)
def test_another_type_is_an_error_that_names_the_row(target: str, y: list[Any], said: list[Any]) -> None:
    with pytest.raises(MlspecError) as caught:
        joined(y, said, target=target)
    (problem,) = caught.value.problems
    assert problem.code == "predict/type"
    assert f"row {2 if said == [0.0, 0.5] else 1} of the test split" in problem.message


def test_numbers_beside_nan_are_booleans_only_where_they_are_0_or_1() -> None:
    with pytest.raises(MlspecError, match="the prediction for row 3 of the test split is not boolean"):
        joined([False, True, False], [0.0, float("nan"), 0.5], target="boolean")


def test_classes_of_another_type_are_an_error() -> None:
    with pytest.raises(MlspecError, match="the model's classes are not distinct values of type integer") as caught:
        joined([0, 1], [0, 1], target="integer", classes=("0", "1"))
    assert caught.value.problems[0].code == "predict/classes"


def test_a_class_the_model_does_not_know_is_an_error_that_names_the_row_and_no_value() -> None:
    with pytest.raises(MlspecError, match="row 2 of the test split is none of the model's own 2 classes") as caught:
        joined(["no", "yes"], ["no", "perhaps"], classes=("no", "yes"))
    assert caught.value.problems[0].code == "predict/unknown-class"
    assert "perhaps" not in str(caught.value)


def test_a_label_that_training_never_saw_has_probability_zero() -> None:
    found = joined(["a", "b", "c", "a"], ["a", "b", "b", "a"], classes=("b", "a"), scores=HALF, metrics=["log_loss"])
    assert found.classes == ("b", "a", "c")
    assert found.scores is not None and found.scores[:, 2].tolist() == [0, 0, 0, 0]
    value = score(model(metrics=["log_loss"]), found)["log_loss"].value
    assert value is not None and value > 9


def test_without_classes_they_are_what_is_seen_and_the_positive_one() -> None:
    assert joined(["a", "b"], ["a", None], positive="c").classes == ("a", "b", "c")


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("model/positive", {"y": ["a", "b"], "said": ["a", "b"], "classes": ("a", "b"), "positive": "c"}),
        ("predict/classes", {"y": ["a", "b"], "said": ["a", "b"], "scores": HALF[:2]}),
        ("predict/shape", {"y": ["a", "b"], "said": ["a", "b"], "classes": ("a", "b", "c"), "scores": HALF[:2]}),
        ("predict/shape", {"y": ["a", "b"], "said": ["a", "b"], "classes": ("a", "b"), "scores": HALF}),
        ("predict/wrong-length", {"y": ["a", "b"], "said": ["a"]}),
        ("score/missing-target", {"y": ["a", None], "said": ["a", "b"]}),
    ],
)
def test_what_cannot_be_joined_is_an_error(code: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(MlspecError) as caught:
        joined(**arguments)
    assert caught.value.problems[0].code == code


@pytest.mark.parametrize(("positive", "order"), [("yes", [-1.0, 2.0]), ("no", [1.0, -2.0])])
def test_a_decision_ranks_by_the_positive_class(positive: str, order: list[float]) -> None:
    declared = dataset()
    said = Predictions(np.array(["no", "yes"], dtype=object), ("no", "yes"), decision=np.array([-1.0, 2.0]))
    found = evidence(model(positive=positive), declared, rows(["no", "yes"], declared), said)
    assert found.ranks is not None and found.ranks.tolist() == order


def test_columns_keep_their_types_for_slices() -> None:
    columns = joined(["a", "b", "a", "b"], ["a", "b", "a", "b"]).columns
    assert columns["sex"].tolist() == ["F", "M", None, "F"]
    assert columns["member"].tolist() == [True, False, None, True]
    assert np.array_equal(columns["age"], [30, np.nan, 50, 60], equal_nan=True)


@pytest.mark.parametrize("weights", [[1, None], [1, -1]])
def test_weights_must_all_be_there(weights: list[Any]) -> None:
    declared = dataset(columns=[{"name": "w", "type": "integer", "role": "weight"}])
    with pytest.raises(MlspecError) as caught:
        evidence(
            model(), declared, rows(["a", "b"], declared, w=weights), Predictions(np.array(["a", "b"], dtype=object))
        )
    assert caught.value.problems[0].code == "score/weights"


def test_weights_count() -> None:
    declared = dataset(columns=[{"name": "w", "type": "integer", "role": "weight"}])
    test = rows(["a", "b", "a", "b"], declared, w=[3, 1, 1, 1])
    found = evidence(model(), declared, test, Predictions(np.array(["a", "a", "b", "a"], dtype=object)))
    assert score(model(metrics=["accuracy"]), found)["accuracy"].value == 0.5


def test_regression_keeps_numbers_and_their_gaps() -> None:
    found = joined([1, 2, 3, 4], [1.5, float("nan"), 3.0, 4.0], target="integer", task="regression")
    assert found.labels.tolist() == [1.0, 2.0, 3.0, 4.0]
    metric = score(model("regression", metrics=["mean_absolute_error"]), found)["mean_absolute_error"]
    assert metric.value is None and "1 of 4 predictions are missing" in metric.method


def test_stored_predictions_score_as_they_were(tmp_path: Any) -> None:
    """From the file that predicting leaves to metrics, for text, booleans and integers."""
    for target, y, classes in (
        ("string", ["a", "b", "b", "a"], ("a", "b")),
        ("boolean", [False, True, True, False], (False, True)),
        ("integer", [3, 7, 7, 3], (3, 7)),
    ):
        declared = dataset(target)
        scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
        said = np.array([classes[code] for code in scores.argmax(axis=1)], dtype=object if target == "string" else None)
        write(Predictions(said, classes, scores), tmp_path / target)
        spec = model(metrics=["accuracy", "roc_auc"], positive=classes[1])
        found = evidence(spec, declared, rows(y, declared), read_predictions(tmp_path / target))
        values = {name: estimate.value for name, estimate in score(spec, found).items()}
        assert values == {"accuracy": 0.75, "roc_auc": 1.0}
