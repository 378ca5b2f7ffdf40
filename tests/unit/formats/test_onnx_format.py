"""Models as ONNX: what the recipe becomes, how frames are handed over, and models whose signature does not fit."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from mlspec.core.problem import MlspecError
from mlspec.steps import prepare
from mlspec.steps.asking import ask, near, same
from mlspec.steps.frames import Field

if importlib.util.find_spec("onnxruntime") is None or importlib.util.find_spec("skl2onnx") is None:
    pytest.skip("the extra `onnx` is not installed", allow_module_level=True)

import onnx
from onnx import TensorProto, helper

from mlspec.formats import onnx_format

FIELDS = [
    Field("age", "integer", "feature"),
    Field("height", "number", "feature"),
    Field("empty", "number", "feature"),
    Field("day", "date", "feature"),
    Field("size", "category", "feature", ("small", "large")),
    Field("city", "string", "feature"),
    Field("member", "boolean", "feature"),
]
ROWS = 300


def table(rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.integers(17, 90, rows),
            "height": random.normal(170, 10, rows),
            "empty": np.full(rows, np.nan),
            "day": pd.Series(pd.date_range("2026-01-01", periods=rows)).astype("datetime64[us]"),
            "size": pd.Categorical(random.choice(["small", "large"], rows), ["small", "large"], ordered=True),
            "city": random.choice([f"town{n}" for n in range(70)], rows),
            "member": random.random(rows) > 0.5,
        }
    )
    frame["city"] = frame["city"].astype(object)
    frame["member"] = frame["member"].astype(object)
    for column, row in (("height", 3), ("city", 5), ("member", 7), ("day", 9), ("size", 11)):
        frame.loc[row, column] = np.nan
    return frame


def labels(kind: str) -> np.ndarray[Any, Any]:
    age = table()["age"].to_numpy()
    made: dict[str, np.ndarray[Any, Any]] = {
        "two": np.where(age > 50, "old", "young").astype(object),
        "three": np.array(["a", "b", "c"], dtype=object)[np.digitize(age, [40, 60])],
        "numbers": (age > 50).astype("int64"),
        "booleans": age > 50,
        "value": age * 2.5,
    }
    return made[kind]


def kept(estimator: Any, target: str, folder: Path) -> tuple[Any, Any]:
    """Fit the recipe with an estimator; return it and what was saved and loaded of it."""
    fitted = prepare.pipeline(estimator, FIELDS).fit(table(), labels(target))
    path = folder / "model.onnx"
    assert onnx_format.save(fitted, path) == ()
    return fitted, onnx_format.load(path, ())


CASES = [
    (LogisticRegression(), "two"),
    (LogisticRegression(), "three"),
    (LogisticRegression(), "numbers"),
    (LogisticRegression(), "booleans"),
    (HistGradientBoostingClassifier(max_iter=20), "two"),
    (HistGradientBoostingClassifier(max_iter=20), "three"),
    (RandomForestClassifier(n_estimators=10, random_state=0), "three"),
    (LinearSVC(), "two"),
    (Ridge(), "value"),
    (HistGradientBoostingRegressor(max_iter=20), "value"),
    (RandomForestRegressor(n_estimators=10, random_state=0), "value"),
]


@pytest.mark.parametrize(
    ("estimator", "target"), CASES, ids=[f"{type(estimator).__name__}-{target}" for estimator, target in CASES]
)
def test_the_recipe_predicts_as_before(tmp_path: Path, estimator: Any, target: str) -> None:
    fitted, loaded = kept(estimator, target, tmp_path)
    task = "regression" if target == "value" else "classification"
    unseen = table(40)
    unseen.loc[0, "city"] = "Oslo"
    unseen.loc[1, "height"] = np.nan
    for frame in (table(), unseen):
        before, after = ask(fitted, frame, task), ask(loaded, frame, task)
        assert near(before, after)
        assert [type(value) for value in after.predicted.tolist()] == [
            type(value) for value in before.predicted.tolist()
        ]
        assert after.classes in (before.classes, None)
        assert (after.scores is None) == (before.scores is None)


def test_linear_models_keep_double_precision(tmp_path: Path) -> None:
    fitted, loaded = kept(LogisticRegression(), "two", tmp_path)
    before, after = (ask(model, table(), "classification") for model in (fitted, loaded))
    assert before.scores is not None
    assert after.scores is not None
    np.testing.assert_allclose(before.scores, after.scores, rtol=1e-9)


def test_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        kept(RandomForestClassifier(n_estimators=3, random_state=1), "two", tmp_path / name)
        contents.append((tmp_path / name / "model.onnx").read_bytes())
    assert contents[0] == contents[1]


def test_what_has_no_converter_is_refused_before() -> None:
    with pytest.raises(MlspecError, match="skl2onnx has no converter"):
        onnx_format.check(DummyClassifier)
    onnx_format.check(Ridge)


def test_an_empty_text_is_refused(tmp_path: Path) -> None:
    frame = table()
    frame.loc[0, "city"] = ""
    fitted = prepare.pipeline(Ridge(), FIELDS).fit(frame, labels("value"))
    with pytest.raises(MlspecError, match="empty text"):
        onnx_format.save(fitted, tmp_path / "model.onnx")


def graph(
    inputs: Sequence[tuple[str, int, list[Any]]], nodes: Sequence[Any], outputs: Sequence[tuple[str, int, list[Any]]]
) -> onnx.ModelProto:
    made = helper.make_graph(
        list(nodes),
        "own",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
    )
    return helper.make_model(made, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])


def loaded(model: onnx.ModelProto, folder: Path) -> Any:
    (folder / "own.onnx").write_bytes(model.SerializeToString())
    return onnx_format.load(folder / "own.onnx", ())


def test_one_matrix_of_all_features(tmp_path: Path) -> None:
    node = helper.make_node("ReduceSum", ["rows", "axes"], ["sum"], keepdims=1)
    made = graph([("rows", TensorProto.FLOAT, [None, 2])], [node], [("sum", TensorProto.FLOAT, [None, 1])])
    made.graph.initializer.append(helper.make_tensor("axes", TensorProto.INT64, [1], [1]))
    model = loaded(made, tmp_path)
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan]})
    assert same(ask(model, frame, "regression"), ask(_Fixed([1.5, np.nan]), frame, "regression"))
    with pytest.raises(MlspecError, match="asks for 2 columns, and the dataset has 3 features"):
        model.predict(frame.assign(c=1))
    with pytest.raises(MlspecError, match="column `b` is text, and the ONNX model asks for numbers"):
        model.predict(pd.DataFrame({"a": [1], "b": ["x"]}))


class _Fixed:
    def __init__(self, values: list[float]) -> None:
        self.values = values

    def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        return np.array(self.values, dtype="float32")


PASS = [helper.make_node("Identity", ["a"], ["out"])]


def test_inputs_that_no_column_is(tmp_path: Path) -> None:
    two = [("x", TensorProto.FLOAT, [None, 1]), ("a", TensorProto.FLOAT, [None, 1])]
    model = loaded(graph(two, PASS, [("out", TensorProto.FLOAT, [None, 1])]), tmp_path)
    with pytest.raises(MlspecError, match="asks for an input `x`, which is no feature column") as failed:
        model.predict(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    assert failed.value.problems[0].help == "name its inputs by the columns (a, b), or give it one matrix"


def test_whole_numbers_cannot_be_missing(tmp_path: Path) -> None:
    model = loaded(
        graph([("a", TensorProto.INT64, [None, 1])], PASS, [("out", TensorProto.INT64, [None, 1])]), tmp_path
    )
    assert model.predict(pd.DataFrame({"a": [1, 2]})).tolist() == [1, 2]
    with pytest.raises(MlspecError, match="column `a` has missing values"):
        model.predict(pd.DataFrame({"a": [1.0, np.nan]}))


def test_what_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(b"no model")
    with pytest.raises(MlspecError, match=r"own.onnx can't be loaded") as failed:
        onnx_format.load(tmp_path / "own.onnx", ())
    assert failed.value.problems[0].code == "model/unreadable"


def test_a_model_reads_no_other_file(tmp_path: Path) -> None:
    made = graph([("a", TensorProto.FLOAT, [None, 1])], PASS, [("out", TensorProto.FLOAT, [None, 1])])
    outside = helper.make_tensor("w", TensorProto.FLOAT, [1], [0.0])
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="secret.bin")
    (tmp_path / "secret.bin").write_bytes(b"\0\0\0\0")
    made.graph.initializer.append(outside)
    made.graph.node.append(helper.make_node("Add", ["a", "w"], ["more"]))
    made.graph.output.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [None, 1]))
    with pytest.raises(MlspecError) as failed:
        loaded(made, tmp_path)
    assert failed.value.problems[0].code == "model/unreadable"
