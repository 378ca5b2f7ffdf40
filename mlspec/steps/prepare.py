"""A declared estimator as a scikit-learn pipeline: class, parameters, and columns prepared by `core.recipe`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.utils.validation import has_fit_parameter

from mlspec.core.problem import MlspecError, fail, suggest
from mlspec.core.types import NUMBERS, TEXTS, TIMES
from mlspec.steps.frames import Field, with_role

MAX_CATEGORIES = 50
_NO_TIME = float(np.iinfo(np.int64).min)
"""What numpy makes of a missing time when it counts microseconds."""


def pipeline(model: Any, fields: Sequence[Field]) -> Pipeline:
    """Return the unfitted pipeline of recipe 1: `prepare`, then `model`.

    Raises:
        MlspecError: no column is a feature (`train/no-features`), or one is prose (`train/text`).
    """
    features = [field for field in fields if field.role == "feature"]
    if not features:
        raise fail("train/no-features", "the dataset has no feature columns")
    refuse_prose(features)
    ordered = [field for field in features if field.type == "category"]
    encoded = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False)
    blocks = [
        ("numeric", Pipeline(_scaled(np.nan)), _names(features, *NUMBERS)),
        ("times", Pipeline([("count", _microseconds()), *_scaled(_NO_TIME)]), _names(features, *TIMES)),
        ("ordered", Pipeline([("rank", _ranks(ordered)), *_scaled(np.nan)]), _names(features, "category")),
        ("categorical", encoded, _names(features, "string", "boolean")),
    ]
    prepare = ColumnTransformer([block for block in blocks if block[2]], sparse_threshold=0)
    return Pipeline([("prepare", prepare), ("model", model)])


def refuse_prose(features: Sequence[Field]) -> None:
    """Refuse columns of free text, which an estimator does not take.

    Raises:
        MlspecError: `train/text`.
    """
    for name in _names(features, "text"):
        raise fail(
            "train/text",
            f"column `{name}` is text, which `estimator:` does not prepare",
            help="give it `role: ignore`, declare it a string if it has few values, or use an `entrypoint:`",
        )


def _names(fields: Sequence[Field], *types: str) -> list[str]:
    return [field.name for field in fields if field.type in types]


def _scaled(missing: float) -> list[tuple[str, Any]]:
    filled = SimpleImputer(strategy="median", missing_values=missing, add_indicator=True, keep_empty_features=True)
    return [("fill", filled), ("scale", StandardScaler())]


def _microseconds() -> FunctionTransformer:
    return FunctionTransformer(np.float64, feature_names_out="one-to-one")


def _ranks(ordered: Sequence[Field]) -> OrdinalEncoder:
    return OrdinalEncoder(
        categories=[list(field.values) for field in ordered],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        encoded_missing_value=np.nan,
    )


def estimator(path: str, params: Mapping[str, Any], seed: int, threads: int) -> Any:
    """Make an unfitted estimator from its dotted class and its parameters.

    Raises:
        MlspecError: there is no such class (`train/no-estimator`), it has no such parameter
            (`train/unknown-parameter`), or it refuses them (`train/invalid-parameter`).
    """
    found = _class(path)
    known = _parameters(found)
    for name in params:
        if name not in known:
            message = f"`{found.__name__}` has no parameter `{name}`"
            raise fail("train/unknown-parameter", message, help=suggest(name, known) or _all(known))
    ours = {"random_state": seed} | ({"n_jobs": threads} if threads > 1 else {})  # None, the default, is one
    given = {**{name: value for name, value in ours.items() if name in known}, **params}
    try:
        return found(**given)
    except (TypeError, ValueError) as error:
        raise fail("train/invalid-parameter", f"`{found.__name__}` can't be made: {error}") from error


def check_task(model: Any, task: str) -> None:
    """Refuse an estimator that is made for another task.

    Raises:
        MlspecError: `train/wrong-task`.
    """
    fits = is_classifier(model) if task == "classification" else is_regressor(model)
    if not fits:
        kind = "classifier" if task == "classification" else "regressor"
        message = f"`{type(model).__name__}` is no {kind}, and the model's task is {task}"
        raise fail("train/wrong-task", message, help=_other_task(model))


def check_other_task(model: Any, task: str) -> None:
    """Refuse a fitted model that says it is made for the other task; one that says nothing, by no tags, may pass.

    Raises:
        MlspecError: `train/wrong-task`.
    """
    other = is_regressor if task == "classification" else is_classifier
    if hasattr(model, "__sklearn_tags__") and other(model):
        check_task(model, task)


def target(frame: pd.DataFrame, fields: Sequence[Field], task: str) -> pd.Series[Any]:
    """Return the target: floats for regression, the classes as they are for classification.

    Raises:
        MlspecError: there is no target, something is missing in it, it is no number, or it has fewer than two
            classes (`train/no-target`, `train/missing-target`, `train/target-type`, `train/one-class`).
    """
    names = with_role(fields, "target")
    if not names:
        raise fail("train/no-target", "the dataset has no column with the role target")
    column = frame[names[0]]
    if column.isna().any():
        count = int(column.isna().sum())
        raise fail("train/missing-target", f"the target `{names[0]}` is missing in {count} training rows")
    kind = next(field.type for field in fields if field.name == names[0])
    if task == "regression":
        if kind in TEXTS:
            raise fail("train/target-type", f"the target `{names[0]}` is text; regression needs a number")
        return column.astype("float64")
    if column.nunique() < 2:
        message = f"the target `{names[0]}` has only one class in the {len(column)} training rows"
        raise fail("train/one-class", message, help="classification needs at least two")
    if kind == "category":
        return column.astype(object)
    return column.astype(bool) if kind == "boolean" else column


def weights(frame: pd.DataFrame, fields: Sequence[Field]) -> pd.Series[float] | None:
    """Return the weights of the rows, or None where no column has that role.

    Raises:
        MlspecError: a weight is missing, negative or infinite (`train/weights`).
    """
    names = with_role(fields, "weight")
    if not names:
        return None
    column = frame[names[0]].astype("float64")
    if not bool((np.isfinite(column) & (column >= 0)).all()):
        raise fail("train/weights", f"the weights in `{names[0]}` must all be there, finite, and at least 0")
    return column


def fit_arguments(model: Any, weight: pd.Series[float] | None) -> dict[str, Any]:
    """Return the keyword arguments of the pipeline's `fit`.

    Raises:
        MlspecError: there are weights and the estimator takes none (`train/no-weights`).
    """
    if weight is None:
        return {}
    if not has_fit_parameter(model, "sample_weight"):
        message = f"`{type(model).__name__}` takes no weights, and the dataset has a column with the role weight"
        raise fail("train/no-weights", message, help="give that column the role `ignore`, or use another estimator")
    return {"model__sample_weight": weight.to_numpy()}


def labels(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return a target as an array that scikit-learn takes: text as objects, whatever pandas keeps it as."""
    return column.to_numpy() if column.dtype.kind in "iufb" else column.to_numpy(dtype=object)


def _class(path: str) -> type[Any]:
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise _no_module(path, error) from error
    found = getattr(module, name, None)
    if found is None:
        hint = suggest(name, (word for word in dir(module) if word[0].isupper()))
        raise fail("train/no-estimator", f"`{module_name}` has no class `{name}`", help=hint)
    if not isinstance(found, type) or not all(hasattr(found, part) for part in ("fit", "predict", "get_params")):
        message = f"`{path}` is no estimator: it must be a class with `fit`, `predict` and `get_params`"
        raise fail("train/no-estimator", message)
    return found


def _no_module(path: str, error: ModuleNotFoundError) -> MlspecError:
    package, *rest = path.split(".")
    if package == "sklearn" and error.name != "sklearn":
        hint = suggest(rest[0], sklearn.__all__)
    else:
        hint = f"install the package that holds `{error.name}` where mlspec is installed"
    return fail("train/no-estimator", f"there is no module `{error.name}`, which `{path}` needs", help=hint)


def _parameters(found: Any) -> frozenset[str]:
    names = getattr(found, "_get_param_names", None)
    return frozenset(names() if names is not None else found().get_params(deep=False))


def _all(known: frozenset[str]) -> str:
    return f"it has: {', '.join(sorted(known))}" if known else "it has none"


def _other_task(model: Any) -> str | None:
    if is_classifier(model):
        return "use a regressor, or set `task: classification`"
    return "use a classifier, or set `task: regression`" if is_regressor(model) else None
