"""Recipe 1: columns prepared by their types, estimators made from their parameters, and clear refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from mlspec.core.problem import MlspecError
from mlspec.core.recipe import RECIPE
from mlspec.steps import prepare
from mlspec.steps.frames import Field, typed

FIELDS = (
    Field("id", "integer", "id"),
    Field("age", "integer", "feature"),
    Field("city", "string", "feature"),
    Field("height", "number", "feature"),
    Field("member", "boolean", "feature"),
    Field("label", "string", "target"),
)
FEATURES = [field for field in FIELDS if field.role == "feature"]


class Columns(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Stands where the estimator would, and shows what reaches it."""

    def fit(self, X: Any, y: Any = None) -> Columns:
        """Learn nothing."""
        self.fitted_ = True
        return self

    def transform(self, X: Any) -> Any:
        """Return the prepared columns."""
        return X


def frame(**columns: list[Any]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    filled: dict[str, list[Any]] = {
        "age": [30] * rows,
        "city": ["Ulm"] * rows,
        "height": [1.7] * rows,
        "member": [True] * rows,
    }
    objects = {name: pd.Series(values, dtype=object) for name, values in (filled | columns).items()}
    return typed(pd.DataFrame(objects), FEATURES)


def prepared(train: pd.DataFrame) -> tuple[Pipeline, list[str]]:
    made = prepare.pipeline(Columns(), FIELDS).fit(train)
    return made, [name.partition("__")[2] for name in made["prepare"].get_feature_names_out()]


def values(made: Pipeline, names: list[str], rows: pd.DataFrame, column: str) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result: list[float] = made.transform(rows)[:, names.index(column)].tolist()
    return result


def test_the_recipe_is_what_its_number_says() -> None:
    """A change here changes what models learn: it needs another number, and the description in `core.recipe`."""
    assert RECIPE == 1
    made = prepare.pipeline(Columns(), FIELDS)["prepare"]
    (_, numbers, numeric), (_, encoder, text) = made.transformers
    assert (numeric, text, made.remainder, made.sparse_threshold) == (["age", "height"], ["city", "member"], "drop", 0)
    assert [(name, type(part).__name__) for name, part in numbers.steps] == [
        ("fill", "SimpleImputer"),
        ("scale", "StandardScaler"),
    ]
    filled = {"strategy": "median", "add_indicator": True, "keep_empty_features": True, "fill_value": None}
    assert {name: numbers["fill"].get_params()[name] for name in filled} == filled
    encoded = {
        "handle_unknown": "infrequent_if_exist",
        "max_categories": 50,
        "sparse_output": False,
        "min_frequency": None,
        "drop": None,
    }
    assert {name: encoder.get_params()[name] for name in encoded} == encoded


def test_numbers_are_filled_marked_and_scaled() -> None:
    made, names = prepared(frame(age=[10, 20, None, 40], height=[1.0, 2.0, 3.0, 4.0]))
    assert names == ["age", "height", "missingindicator_age", "city_Ulm", "member_True"]
    ages = values(made, names, frame(age=[20, None, 25]), "age")
    assert ages[0] == pytest.approx(ages[1])
    spread = np.std([10, 20, 20, 40])
    assert ages[2] == pytest.approx((25 - 22.5) / spread)
    assert np.unique(values(made, names, frame(age=[20, None]), "missingindicator_age")).size == 2


def test_missing_only_when_predicting_is_the_median() -> None:
    made, names = prepared(frame(height=[1.0, 2.0, 3.0]))
    assert values(made, names, frame(height=[None, 2.0]), "height") == [0.0, 0.0]


def test_missing_text_is_a_category() -> None:
    made, names = prepared(frame(city=["Ulm", None, "Rome"], member=[True, None, False]))
    assert [name for name in names if "city" in name] == ["city_Rome", "city_Ulm", "city_nan"]
    assert values(made, names, frame(city=[None, "Ulm"]), "city_nan") == [1.0, 0.0]
    assert values(made, names, frame(member=[None, True]), "member_nan") == [1.0, 0.0]
    assert values(made, names, frame(member=[True, True]), "member_True") == [1.0, 1.0]


def test_unseen_text_is_no_category() -> None:
    made, names = prepared(frame(city=["Ulm", "Rome"]))
    rows = frame(city=["Oslo", None, ""])
    assert all(values(made, names, rows, name) == [0.0] * 3 for name in names if name.startswith("city_"))


def test_rare_text_is_pooled() -> None:
    cities = [f"city {i:03d}" for i in range(80) for _ in range(2 if i < 45 else 1)]
    made, names = prepared(frame(city=cities))
    of_city = [name for name in names if name.startswith("city_")]
    assert len(of_city) == prepare.MAX_CATEGORIES
    assert values(made, names, frame(city=["never seen", "city 060", "city 000"]), "city_infrequent_sklearn") == [
        1.0,
        1.0,
        0.0,
    ]


def test_columns_with_nothing_in_them() -> None:
    nothing: list[Any] = [None, None, None]
    made, names = prepared(frame(age=nothing, city=nothing, height=nothing, member=nothing))
    assert np.isfinite(made.transform(frame(city=["Ulm"], member=[False]))).all()
    assert values(made, names, frame(age=[5]), "age") == [5.0]


def test_only_features_reach_the_model() -> None:
    made, _ = prepared(frame(age=[1, 2]))
    assert list(made.feature_names_in_) == ["age", "city", "height", "member"]
    with pytest.raises(MlspecError, match="no feature columns"):
        prepare.pipeline(Columns(), [field for field in FIELDS if field.role != "feature"])


CELL = {
    "age": st.none() | st.integers(-(2**40), 2**40),
    "city": st.none() | st.sampled_from(["Ulm", "Köln", "", " ", "nan", "None"]),
    "height": st.none() | st.floats(-1e9, 1e9),
    "member": st.none() | st.booleans(),
}
ROWS = st.lists(st.fixed_dictionaries(CELL), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(ROWS, ROWS)
def test_any_table_of_the_declared_types_is_prepared(train: list[dict[str, Any]], later: list[dict[str, Any]]) -> None:
    def as_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
        return frame(**{name: [row[name] for row in rows] for name in CELL})

    made, names = prepared(as_frame(train))
    result = made.transform(as_frame(later))
    assert result.shape == (len(later), len(names))
    assert np.isfinite(result).all()


def test_estimator_gets_its_parameters_the_seed_and_the_threads() -> None:
    made = prepare.estimator("sklearn.ensemble.RandomForestClassifier", {"n_estimators": 3}, 7, 2)
    assert isinstance(made, RandomForestClassifier)
    assert (made.n_estimators, made.random_state, made.n_jobs) == (3, 7, 2)
    own = {"random_state": 1, "n_jobs": 5}
    made = prepare.estimator("sklearn.ensemble.RandomForestClassifier", own, 7, 2)
    assert (made.random_state, made.n_jobs) == (1, 5)
    assert prepare.estimator("sklearn.ensemble.RandomForestClassifier", {}, 7, 1).n_jobs is None
    assert isinstance(prepare.estimator("sklearn.naive_bayes.GaussianNB", {}, 7, 2), BaseEstimator)


@pytest.mark.parametrize(
    ("path", "params", "code", "words", "hint"),
    [
        ("sklearn.linear_model.LogisticRegresion", {}, "train/no-estimator", "no class", "`LogisticRegression`"),
        ("sklearn.liner_model.Ridge", {}, "train/no-estimator", "sklearn.liner_model", "`linear_model`"),
        ("nosuchpackage.Model", {}, "train/no-estimator", "nosuchpackage", "install"),
        ("os.system", {}, "train/no-estimator", "is no estimator", ""),
        ("sklearn.preprocessing.StandardScaler", {}, "train/no-estimator", "is no estimator", ""),
        ("sklearn.linear_model.Ridge", {"alhpa": 1}, "train/unknown-parameter", "no parameter `alhpa`", "`alpha`"),
        ("sklearn.linear_model.Ridge", {"zzz": 1}, "train/unknown-parameter", "no parameter `zzz`", "it has: alpha, "),
        ("sklearn.ensemble.VotingClassifier", {}, "train/invalid-parameter", "estimators", ""),
    ],
)
def test_estimators_that_cannot_be_made(path: str, params: dict[str, Any], code: str, words: str, hint: str) -> None:
    with pytest.raises(MlspecError) as refused:
        prepare.estimator(path, params, 0, 1)
    (problem,) = refused.value.problems
    assert problem.code == code
    assert words in problem.message
    assert hint in (problem.help or "")


def test_the_task_must_fit() -> None:
    prepare.check_task(LogisticRegression(), "classification")
    prepare.check_task(Ridge(), "regression")
    with pytest.raises(MlspecError, match="no regressor") as refused:
        prepare.check_task(SVC(), "regression")
    assert refused.value.problems[0].help == "use a regressor, or set `task: classification`"
    with pytest.raises(MlspecError, match="no classifier"):
        prepare.check_task(Ridge(), "classification")
    with pytest.raises(MlspecError, match="no classifier"):
        prepare.check_other_task(Ridge(), "classification")
    prepare.check_other_task(KMeans(), "classification")


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_model_that_is_no_estimator_says_nothing_of_its_task(task: str) -> None:
    class Constant:
        def predict(self, X: pd.DataFrame) -> list[int]:
            return [1] * len(X)

    prepare.check_other_task(Constant(), task)


@pytest.mark.parametrize(
    ("kind", "cells", "dtype", "back"),
    [
        ("string", ["b", "a"], object, ["b", "a"]),
        ("integer", [1, 0], np.int64, [1, 0]),
        ("boolean", [True, False], bool, [True, False]),
    ],
)
def test_classes_stay_what_they_are(kind: str, cells: list[Any], dtype: type, back: list[Any]) -> None:
    fields = (Field("y", kind, "target"),)
    column = prepare.target(typed(pd.DataFrame({"y": cells}), fields), fields, "classification")
    labels = prepare.labels(column)
    assert (labels.dtype, labels.tolist()) == (np.dtype(dtype), back)
    fit = LogisticRegression().fit(np.array([[0.0], [1.0]]), labels)
    assert sorted(fit.predict([[0.0], [1.0]]).tolist()) == sorted(back)


def test_a_regression_target_is_a_float() -> None:
    fields = (Field("y", "integer", "target"),)
    frame_ = typed(pd.DataFrame({"y": [1, 2]}), fields)
    assert prepare.target(frame_, fields, "regression").dtype == np.float64


@pytest.mark.parametrize(
    ("kind", "cells", "task", "code"),
    [
        ("string", ["a", None, None], "classification", "train/missing-target"),
        ("string", ["a", "a", "a"], "classification", "train/one-class"),
        ("string", ["a", "b", "c"], "regression", "train/target-type"),
        ("number", [1.0, None, 2.0], "regression", "train/missing-target"),
    ],
)
def test_targets_that_will_not_do(kind: str, cells: list[Any], task: str, code: str) -> None:
    fields = (Field("y", kind, "target"),)
    with pytest.raises(MlspecError) as refused:
        prepare.target(typed(pd.DataFrame({"y": cells}), fields), fields, task)
    assert refused.value.problems[0].code == code


def test_no_target() -> None:
    with pytest.raises(MlspecError, match="role target"):
        prepare.target(pd.DataFrame({"x": [1]}), (Field("x", "integer", "feature"),), "regression")


def test_weights_reach_the_estimator_or_are_refused() -> None:
    fields = (Field("x", "number", "feature"), Field("w", "integer", "weight"))
    weight = prepare.weights(pd.DataFrame({"x": [1.0, 2.0], "w": [1, 3]}), fields)
    assert weight is not None
    assert prepare.fit_arguments(Ridge(), weight)["model__sample_weight"].tolist() == [1.0, 3.0]
    assert prepare.fit_arguments(KNeighborsClassifier(), None) == {}
    with pytest.raises(MlspecError, match="takes no weights"):
        prepare.fit_arguments(KNeighborsClassifier(), weight)


@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_weights_that_will_not_do(bad: float) -> None:
    with pytest.raises(MlspecError, match="weights in `w`"):
        prepare.weights(pd.DataFrame({"w": [1.0, bad]}), (Field("w", "number", "weight"),))
