"""Predictions: asked for in one way, checked, written, and read back as they were."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier

from mlspec.core.problem import MlspecError
from mlspec.steps.asking import ask, column, in_order, same
from mlspec.steps.predict import Predictions, read_predictions
from mlspec.steps.predictions import check, write

X = pd.DataFrame({"x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]})


def scores(*rows: list[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(rows, dtype="float64")


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [(["a", "b"], object), ([3, 7], np.int64), ([False, True], bool)],
)
def test_a_classifier(tmp_path: Path, labels: list[Any], dtype: type) -> None:
    target: np.ndarray[Any, Any] = np.array(labels * 3, dtype=dtype)
    said = ask(LogisticRegression().fit(X, target), X, "classification")
    assert said.classes == tuple(labels)
    check(said, 6, "classification")
    write(said, tmp_path / "p.parquet")
    read = read_predictions(tmp_path / "p.parquet")
    assert same(read, said)
    assert read.classes == tuple(labels)
    assert [type(c) for c in read.classes] == [type(c) for c in labels]
    assert read.scores is not None
    np.testing.assert_array_equal(read.scores, said.scores)


def test_an_index_tells_of_rows_in_another_order() -> None:
    turned = pd.Series(range(6), index=[0, 1, 2, 4, 3, 5])
    with pytest.raises(MlspecError) as failed:
        in_order(turned, X.index)
    assert failed.value.problems[0].code == "predict/row-order"
    assert failed.value.problems[0].message.endswith("the index says so from row 4 on")
    for fine in (turned.loc[X.index], turned.reset_index(drop=True), turned.set_axis(list("abcdef")), turned.tolist()):
        assert in_order(fine, X.index) is fine


def test_a_model_that_answers_in_another_order_is_refused() -> None:
    class Sorting(Ridge):
        def predict(self, X: pd.DataFrame) -> Any:
            return X["x"].sort_values(ascending=False)

    with pytest.raises(MlspecError, match="another order"):
        ask(Sorting().fit(X, X["x"]), X, "regression")


@pytest.mark.parametrize(("labels", "shape"), [(["a", "b"], (6,)), (["a", "b", "c"], (6, 3))])
def test_one_that_only_decides(tmp_path: Path, labels: list[str], shape: tuple[int, ...]) -> None:
    said = ask(RidgeClassifier().fit(X, np.array((labels * 3)[:6], dtype=object)), X, "classification")
    assert said.scores is None
    write(said, tmp_path / "p.parquet")
    read = read_predictions(tmp_path / "p.parquet")
    assert read.decision is not None
    assert read.decision.shape == shape
    assert same(read, said)


def test_a_regressor(tmp_path: Path) -> None:
    said = ask(Ridge().fit(X, X["x"] * 2), X, "regression")
    assert (said.classes, said.scores, said.decision) == (None, None, None)
    write(said, tmp_path / "p.parquet")
    assert same(read_predictions(tmp_path / "p.parquet"), said)


class Column:
    """Predicts a column of one."""

    def predict(self, rows: Any) -> Any:
        """Return shape (n, 1)."""
        warnings.warn("this is noise", stacklevel=1)
        return [[1.0]] * len(rows)


def test_one_column_is_a_column_and_warnings_are_not_ours() -> None:
    assert ask(Column(), X, "regression").predicted.shape == (6,)


NAN = float("nan")


@pytest.mark.parametrize(
    ("returned", "kept"),
    [
        (["a", NAN, None], ["a", None, None]),
        (np.array(["a", NAN, None], dtype=object), ["a", None, None]),
        (pd.Series(["a", None, "b"], dtype="string"), ["a", None, "b"]),
        (pd.Series([True, None, False], dtype="boolean"), [True, None, False]),
    ],
)
def test_a_class_that_is_missing_is_none(tmp_path: Path, returned: Any, kept: list[Any]) -> None:
    said = Predictions(column(returned), ("a", "b") if "a" in kept else (False, True))
    check(said, 3, "classification")
    write(said, tmp_path / "p.parquet")
    read = read_predictions(tmp_path / "p.parquet")
    assert read.predicted.tolist() == kept
    assert same(said, read)


@pytest.mark.parametrize("returned", [[["much", "little"]] * 6, [[0.5, 0.5], [1.0]], [{"a": 1}] * 6])
def test_probabilities_are_numbers(returned: Any) -> None:
    class Wordy(LogisticRegression):
        def predict_proba(self, X: pd.DataFrame) -> Any:
            return returned

    model = LogisticRegression().fit(X, ["a", "b"] * 3)
    model.__class__ = Wordy
    with pytest.raises(MlspecError, match="the model's probabilities are not a table of numbers") as failed:
        ask(model, X, "classification")
    assert failed.value.problems[0].code == "predict/not-probabilities"


NUMBERS = st.lists(st.floats(width=64), min_size=1, max_size=20)


@settings(max_examples=30, deadline=None)
@given(NUMBERS)
def test_numbers_come_back_bit_for_bit(numbers: list[float]) -> None:
    said = Predictions(np.array(numbers))
    with tempfile.TemporaryDirectory() as folder:
        write(said, Path(folder) / "p")
        read = read_predictions(Path(folder) / "p")
    assert read.predicted.dtype == np.float64
    np.testing.assert_array_equal(read.predicted, said.predicted)


def test_equal_predictions_give_equal_bytes(tmp_path: Path) -> None:
    said = Predictions(np.array(["a", "b"], dtype=object), ("a", "b"), scores([1, 0], [0.25, 0.75]))
    write(said, tmp_path / "one")
    write(said, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


TWO = np.array(["a", "b"], dtype=object)


@pytest.mark.parametrize(
    ("predictions", "task", "code", "words"),
    [
        (Predictions(TWO[:1], ("a", "b")), "classification", "predict/wrong-length", "(1,) for 2 rows"),
        (Predictions(np.ones((2, 2))), "regression", "predict/wrong-length", "(2, 2) for 2 rows"),
        (Predictions(TWO), "regression", "predict/not-numbers", "something else than numbers"),
        (Predictions(np.array([True, False])), "regression", "predict/not-numbers", "something else"),
        (Predictions(TWO, ("a", "c")), "classification", "predict/unknown-class", "row 2"),
        (
            Predictions(TWO, ("a", "b"), scores([0.5, 0.5], [0.7, 0.2])),
            "classification",
            "predict/not-probabilities",
            "row 2: the probabilities sum to 0.9, not 1",
        ),
        (
            Predictions(TWO, ("a", "b"), scores([1.5, -0.5], [0.5, 0.5])),
            "classification",
            "predict/not-probabilities",
            "row 1: a probability is 1.5, outside 0 to 1",
        ),
        (
            Predictions(TWO, ("a", "b"), scores([0.5, 0.5])),
            "classification",
            "predict/not-probabilities",
            "shape (1, 2), not (2, 2)",
        ),
        (
            Predictions(TWO, ("a", "b"), scores([1.0], [1.0])),
            "classification",
            "predict/not-probabilities",
            "shape (2, 1), not (2, 2)",
        ),
    ],
)
def test_what_no_model_can_mean(predictions: Predictions, task: str, code: str, words: str) -> None:
    with pytest.raises(MlspecError) as refused:
        check(predictions, 2, task)
    assert refused.value.problems[0].code == code
    assert words in refused.value.problems[0].message


def test_nan_is_kept_for_whoever_scores(tmp_path: Path) -> None:
    said = Predictions(np.array([1.0, np.nan]))
    check(said, 2, "regression")
    write(said, tmp_path / "p")
    assert same(read_predictions(tmp_path / "p"), said)
    unsure = Predictions(TWO, ("a", "b"), scores([np.nan, np.nan], [1.0, 0.0]))
    check(unsure, 2, "classification")


def test_probabilities_may_be_off_by_a_rounding_error() -> None:
    check(Predictions(TWO, ("a", "b"), scores([0.5, 0.5 + 5e-7], [1, 0])), 2, "classification")


def test_mixed_predictions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MlspecError, match="mixed types"):
        write(Predictions(np.array(["a", 1], dtype=object)), tmp_path / "p")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all"])
def test_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(MlspecError) as refused:
        read_predictions(tmp_path / "p")
    assert refused.value.problems[0].code == "predict/damaged"


def test_a_parquet_file_of_something_else(tmp_path: Path) -> None:
    X.to_parquet(tmp_path / "p")
    with pytest.raises(MlspecError, match="holds no predictions"):
        read_predictions(tmp_path / "p")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Predictions(np.array([1.0, np.nan])), Predictions(np.array([1.0 + 1e-14, np.nan])), True),
        (Predictions(np.array([1.0])), Predictions(np.array([1.0 + 1e-9])), False),
        (Predictions(np.array([1.0])), Predictions(np.array([1.0, 1.0])), False),
        (Predictions(TWO), Predictions(TWO[::-1].copy()), False),
        (Predictions(np.array([None, "a"], dtype=object)), Predictions(np.array([None, "a"], dtype=object)), True),
        (Predictions(TWO, ("a", "b")), Predictions(TWO, ("b", "a")), False),
        (Predictions(TWO, None, scores([1.0])), Predictions(TWO), False),
    ],
)
def test_same(one: Predictions, other: Predictions, expected: bool) -> None:
    assert same(one, other) is expected
