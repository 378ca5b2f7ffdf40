"""The pipeline of recipe 1 as an ONNX model: each column is an input, its preparation is plain operators.

skl2onnx converts the estimator; it has no converter for imputers with indicators, encoders of rare categories, or
missing text, so that part is written here. Inputs have the shape (rows, 1): numbers, booleans (1 and 0) and times
(microseconds since 1970) are doubles with NaN for what is missing, text is strings with "" for it.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.pipeline import Pipeline

from mlspec.core.problem import MlspecError, fail

OPSET = {"": 18, "ai.onnx.ml": 3}
_IR_VERSION = 8
_DENSE = "prepared"


def check(kind: type[Any]) -> None:
    """Refuse a class of estimators that skl2onnx cannot convert.

    Raises:
        MlspecError: `train/no-onnx`.
    """
    if kind not in sklearn_operator_name_map:
        message = f"`{kind.__name__}` can't be kept as ONNX: skl2onnx has no converter for it"
        raise fail("train/no-onnx", message, help="use another estimator, or leave out `format: onnx`")


def converted(pipeline: Pipeline) -> bytes:
    """Return a fitted pipeline of recipe 1 as an ONNX model; classes with probabilities are named in its metadata.

    Raises:
        MlspecError: the estimator, or the values of a column, have no equal in ONNX (`train/no-onnx`).
    """
    graph = _Graph()
    blocks = [part for part in pipeline["prepare"].transformers_ if part[0] != "remainder"]
    dense = graph.node("Concat", [part for block in blocks for part in graph.block(*block)], axis=1)
    model = pipeline["model"]
    core, kind = _estimator(model)
    graph.into(_DENSE, dense, TensorProto.DOUBLE if kind is DoubleTensorType else TensorProto.FLOAT)
    made = helper.make_model(
        helper.make_graph(
            [*graph.nodes, *core.graph.node],
            "model",
            [graph.inputs[name] for name in pipeline.feature_names_in_ if name in graph.inputs],
            list(core.graph.output),
            [*graph.constants, *core.graph.initializer],
        ),
        producer_name="mlspec",
        ir_version=_IR_VERSION,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in OPSET.items()],
    )
    if hasattr(model, "predict_proba"):
        helper.set_model_props(made, {"classes": json.dumps(np.asarray(model.classes_).tolist())})
    return bytes(made.SerializeToString(deterministic=True))


def _estimator(model: Any) -> tuple[ModelProto, type[Any]]:
    """Convert a fitted estimator of a dense matrix, in double precision where its operators have that."""
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    why = ""
    for kind in (DoubleTensorType, FloatTensorType):
        try:
            return _with(kind, model, options), kind
        except Exception as error:  # noqa: BLE001 -- converters and the runtime raise anything for what they lack
            why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    raise fail("train/no-onnx", f"`{type(model).__name__}` can't be converted to ONNX: {why}")


def _with(kind: type[Any], model: Any, options: Any) -> ModelProto:
    """Convert an estimator for rows of one type, and see that the runtime takes it."""
    rows = [(_DENSE, kind([None, model.n_features_in_]))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own, of what protobuf will refuse
        made: ModelProto = to_onnx(model, name="model", initial_types=rows, options=options, target_opset=OPSET)
    onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return made


@dataclass
class _Graph:
    """Operators in the making; a name stands for the result of one."""

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    inputs: dict[str, ValueInfoProto] = field(default_factory=dict)

    def node(self, operator: str, inputs: Sequence[str], domain: str = "", **attributes: Any) -> str:
        """Add an operator."""
        name = f"prepare_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], domain=domain, **attributes))
        return name

    def constant(self, values: Any, kind: str = "float64") -> str:
        """Add a constant of shape (1, n)."""
        name = f"prepare_constant_{len(self.constants)}"
        array = np.asarray(values, dtype=kind).reshape(1, -1)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def column(self, name: str, kind: int) -> str:
        """Add an input: a column."""
        self.inputs[name] = helper.make_tensor_value_info(name, kind, [None, 1])
        return name

    def into(self, name: str, result: str, kind: int) -> None:
        """Give a result the name and type that the estimator expects."""
        self.nodes.append(helper.make_node("Cast", [result], [name], to=kind))

    def numbers(self, results: str) -> str:
        """Turn booleans or whole numbers into numbers."""
        return self.node("Cast", [results], to=TensorProto.DOUBLE)

    def block(self, name: str, fitted: Any, columns: Sequence[str]) -> Iterator[str]:
        """Prepare the columns of a block of the recipe, by what it learned."""
        if name == "categorical":
            yield from (self._one_hot(column, fitted, at) for at, column in enumerate(columns))
            return
        if name == "ordered":
            ranked = [self._rank(column, fitted["rank"].categories_[at]) for at, column in enumerate(columns)]
        else:
            ranked = [self.column(column, TensorProto.DOUBLE) for column in columns]
        yield self._scaled(ranked, fitted)

    def _scaled(self, columns: Sequence[str], fitted: Any) -> str:
        fill, scale = fitted["fill"], fitted["scale"]
        values = self.node("Concat", columns, axis=1)
        missing = self.node("IsNaN", [values])
        filled = self.node("Where", [missing, self.constant(np.nan_to_num(fill.statistics_)), values])
        flagged = fill.indicator_.features_ if fill.indicator_ is not None else []
        if len(flagged):
            where = self.node("Gather", [missing, self._indices(flagged)], axis=1)
            filled = self.node("Concat", [filled, self.numbers(where)], axis=1)
        centred = self.node("Sub", [filled, self.constant(scale.mean_)])
        return self.node("Div", [centred, self.constant(scale.scale_)])

    def _rank(self, column: str, values: Sequence[Any]) -> str:
        texts = [str(value) for value in values if value == value]  # noqa: PLR0124 -- NaN, of whatever type
        ranks = [float(rank) for rank in range(len(texts))]
        found = self.node(
            "LabelEncoder",
            [self.column(column, TensorProto.STRING)],
            "ai.onnx.ml",
            keys_strings=texts,
            values_floats=ranks,
            default_float=float("nan"),
        )
        return self.numbers(found)

    def _one_hot(self, column: str, encoder: Any, at: int) -> str:
        values = encoder.categories_[at].tolist()
        rare = encoder.infrequent_categories_[at]
        rare = set() if rare is None else {_key(value, column) for value in rare.tolist()}
        if all(isinstance(value, bool) or value != value for value in values):  # noqa: PLR0124 -- NaN
            return self._booleans(column, values)
        keys = [_key(value, column) for value in values]
        frequent = [key for key in keys if key not in rare]
        places = {key: place for place, key in enumerate(frequent)}
        other = len(frequent) if rare else -1
        place = self.node(
            "LabelEncoder",
            [self.column(column, TensorProto.STRING)],
            "ai.onnx.ml",
            keys_strings=keys,
            values_int64s=[places.get(key, other) for key in keys],
            default_int64=other,
        )
        every = np.arange(len(frequent) + bool(rare))
        return self.numbers(self.node("Equal", [place, self.constant(every, "int64")]))

    def _booleans(self, column: str, values: Sequence[Any]) -> str:
        name = self.column(column, TensorProto.DOUBLE)
        parts = [
            self.node("Equal", [name, self.constant([float(value)])])
            if isinstance(value, bool)
            else self.node("IsNaN", [name])
            for value in values
        ]
        return self.numbers(self.node("Concat", parts, axis=1))

    def _indices(self, values: Any) -> str:
        name = f"prepare_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values, dtype="int64"), name))
        return name


def _key(value: Any, column: str) -> str:
    if value == "":
        raise _empty_text(column)
    return value if isinstance(value, str) else ""


def _empty_text(column: str) -> MlspecError:
    message = f"column `{column}` has the empty text as a value, which ONNX can't tell from a missing one"
    return fail("train/no-onnx", message, help="leave out `format: onnx`")
