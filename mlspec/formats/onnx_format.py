"""Models as ONNX: computation graphs that onnxruntime runs; they hold no code and read no other file.

How a frame is handed over: each input is a feature column by its name, of shape (rows, 1); or the only input is a
matrix of all feature columns, in their order, which must be numbers. Missing is NaN, in text "". Times are
microseconds since 1970. What comes back: the first output is the prediction; for a classifier a second one may hold
probabilities, as a sequence of maps by class, or as a matrix whose classes the metadata property `classes` lists.
"""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
from onnxruntime.capi import onnxruntime_pybind11_state

from mlspec.core.problem import fail

EXACT = False
"""Whether a model that was saved and loaded predicts the very same: many operators compute in single precision."""
_NUMBERS = {
    "tensor(double)": "float64",
    "tensor(float)": "float32",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}
_TEXT = "tensor(string)"
_ERRORS: tuple[type[Exception], ...] = (
    *(
        kind
        for kind in vars(onnxruntime_pybind11_state).values()
        if isinstance(kind, type) and issubclass(kind, Exception)
    ),
    *(RuntimeError, ValueError, TypeError),
)
"""What the runtime raises: its own errors have no common base below Exception."""


def check(kind: type[Any]) -> None:
    """Refuse a class of estimators that cannot be kept, before it is fitted.

    Raises:
        MlspecError: there is no converter for it, or for anything (`train/no-onnx`, `env/no-extra`).
    """
    _recipe().check(kind)


def save(model: Any, path: Path, _own: object = None) -> tuple[str, ...]:
    """Write a pipeline of an `estimator:` as ONNX.

    Raises:
        MlspecError: it, or what it learned, has no equal there (`train/no-onnx`).
    """
    path.write_bytes(_recipe().converted(model))
    return ()


def untrusted(_path: Path) -> tuple[str, ...]:
    """Return nothing: there is no code in ONNX to trust."""
    return ()


def load(path: Path, _trusted: Iterable[str], _own: object = None) -> OnnxModel:
    """Load a model. It is read as bytes, so that it can name no file beside it.

    Raises:
        MlspecError: the runtime cannot read it (`model/unreadable`).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except _ERRORS as error:
        raise fail("model/unreadable", f"{path.name} can't be loaded: {_first_line(error)}") from error
    return OnnxModel(session)


class OnnxModel:
    """A model that predicts from a frame of the feature columns, as scikit-learn's do."""

    def __init__(self, session: Any) -> None:
        """Take a session of the runtime."""
        self._session = session
        self._classes: list[Any] | None = None
        self._last: tuple[pd.DataFrame, list[Any]] | None = None
        listed = session.get_modelmeta().custom_metadata_map.get("classes")
        if listed is not None:
            self._classes = json.loads(listed)

    def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return one prediction for each row.

        Raises:
            MlspecError: the model asks for other columns or types (`onnx/signature`), or fails on these rows
                (`onnx/failed`).
        """
        first = np.asarray(self._run(frame)[0])
        first = first[:, 0] if first.ndim == 2 and first.shape[1] == 1 else first
        if self._classes and all(isinstance(value, bool) for value in self._classes):
            return first.astype(bool)
        return first.astype(object) if first.dtype.kind == "U" else first

    def __getattr__(self, name: str) -> Any:
        """Have classes and probabilities only where the model has: whoever asks looks for them first."""
        if name == "classes_" and (classes := self._known_classes()) is not None:
            return np.array(classes, dtype=object) if isinstance(classes[0], str) else np.array(classes)
        if name == "predict_proba" and self._known_classes() is not None:
            return self._probabilities
        raise AttributeError(name)

    def _known_classes(self) -> list[Any] | None:
        """Return the classes that there are probabilities for: listed, or those of the maps of the last answer."""
        if self._classes is None and self._last is not None and len(self._last[1]) > 1:
            maps = self._last[1][1]
            if isinstance(maps, list) and maps and isinstance(maps[0], dict):
                self._classes = sorted(maps[0])
        return self._classes

    def _probabilities(self, frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
        second = self._run(frame)[1]
        if isinstance(second, list):
            second = [[row[value] for value in self._classes or ()] for row in second]
        scores = np.asarray(second, dtype="float64")
        sums = scores.sum(axis=1, keepdims=True)
        return np.where(np.abs(sums - 1) < 1e-4, scores / sums, scores)  # single precision sums to almost 1

    def _run(self, frame: pd.DataFrame) -> list[Any]:
        if self._last is None or self._last[0] is not frame:
            given = _given(self._session.get_inputs(), frame)
            try:
                self._last = (frame, self._session.run(None, given))
            except _ERRORS as error:
                raise fail("onnx/failed", f"the ONNX model failed: {_first_line(error)}") from error
        return self._last[1]


def _given(inputs: list[Any], frame: pd.DataFrame) -> dict[str, np.ndarray[Any, Any]]:
    """Return a frame as a model's inputs."""
    if len(inputs) == 1 and inputs[0].name not in frame.columns:
        return {inputs[0].name: _matrix(inputs[0], frame)}
    unknown = [one.name for one in inputs if one.name not in frame.columns]
    if unknown:
        columns = ", ".join(map(str, frame.columns[:8]))
        message = f"the ONNX model asks for an input `{unknown[0][:60]}`, which is no feature column"
        raise fail("onnx/signature", message, help=f"name its inputs by the columns ({columns}), or give it one matrix")
    return {one.name: _column(one, frame[one.name]).reshape(-1, 1) for one in inputs}


def _matrix(one: Any, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    wanted = one.shape[-1] if one.shape else None
    if isinstance(wanted, int) and wanted != len(frame.columns):
        message = f"the ONNX model asks for {wanted} columns, and the dataset has {len(frame.columns)} features"
        raise fail("onnx/signature", message)
    if one.type == _TEXT:
        raise fail("onnx/signature", "the ONNX model asks for a matrix of text", help="give it one input a column")
    return np.column_stack([_column(one, frame[name]) for name in frame.columns])


def _column(one: Any, column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    if one.type == _TEXT:
        return column.astype(object).where(column.notna(), "").map(str).to_numpy(dtype=object)
    if one.type not in _NUMBERS:
        raise fail("onnx/signature", f"the ONNX model's input `{one.name[:60]}` is a {one.type}, which no column is")
    values = _numbers(column)
    kind = np.dtype(_NUMBERS[one.type])
    if kind.kind != "f" and np.isnan(values).any():
        message = f"column `{column.name}` has missing values, and the ONNX model asks for {one.type}"
        raise fail("onnx/signature", message, help="let it take doubles: NaN is what is missing")
    return values.astype(kind)


def _numbers(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    if column.dtype.kind == "M":
        counts = column.astype("datetime64[us]").astype("int64").astype("float64")
        return counts.where(column.notna()).to_numpy()
    try:
        return column.astype("float64").to_numpy()
    except (TypeError, ValueError) as error:
        message = f"column `{column.name}` is text, and the ONNX model asks for numbers"
        raise fail("onnx/signature", message, help="give it an input of strings by the name of the column") from error


def _recipe() -> Any:
    """Return the converter, which is large and which predicting does without."""
    try:
        return importlib.import_module("mlspec.formats.onnx_recipe")
    except ModuleNotFoundError as error:
        message = f"saving a model as ONNX needs `{error.name}`"
        raise fail("env/no-extra", message, help="run: pip install 'mlspec[onnx]'") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
