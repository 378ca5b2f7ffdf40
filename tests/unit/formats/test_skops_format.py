"""Saving and loading models: what is trusted, what is refused, and that nothing runs."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import sklearn.utils.validation
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC, SVR

from mlspec.core.problem import MlspecError
from mlspec.formats import skops_format

RANDOM = np.random.default_rng(0)
X = RANDOM.exponential(size=(80, 4))
Y = np.where(X[:, 0] + RANDOM.normal(size=80) > 1, "yes", "no").astype(object)
TREE = ("sklearn.tree._tree.Tree",)
MODELS = [
    (LogisticRegression(), ()),
    (SGDClassifier(random_state=0), ()),
    (GaussianNB(), ()),
    (SVC(), ()),
    (GradientBoostingClassifier(n_estimators=5, random_state=0), TREE),
    (
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",),
    ),
    (
        KNeighborsClassifier(),
        ("sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree"),
    ),
    (
        MLPClassifier(max_iter=3, random_state=0),
        ("sklearn.neural_network._stochastic_optimizers.AdamOptimizer",),
    ),
    (
        CalibratedClassifierCV(LogisticRegression()),
        ("sklearn.calibration._CalibratedClassifier", "sklearn.calibration._SigmoidCalibration"),
    ),
    (LinearRegression(), ()),
    (Ridge(), ()),
    (SVR(), ()),
    (RandomForestRegressor(n_estimators=3, random_state=0), TREE),
    (make_pipeline(FunctionTransformer(np.log1p), Ridge()), ()),
]


class Mine(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A user's own class."""


def fitted(model: Any) -> Any:
    """Fit a copy: an object that is fitted again keeps its attributes in another order."""
    model = clone(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, Y if is_classifier(model) else X[:, 0] * 2)


@pytest.mark.parametrize(("model", "trusted"), MODELS, ids=[type(model).__name__ for model, _ in MODELS])
def test_round_trip(tmp_path: Path, model: Any, trusted: tuple[str, ...]) -> None:
    fit = fitted(model)
    path = tmp_path / "model.skops"
    assert skops_format.save(fit, path) == trusted
    assert skops_format.untrusted(path) == trusted
    loaded = skops_format.load(path, trusted)
    assert type(loaded) is type(fit)
    np.testing.assert_array_equal(loaded.predict(X), fit.predict(X))


@pytest.mark.parametrize("model", [model for model, _ in MODELS], ids=[type(model).__name__ for model, _ in MODELS])
def test_equal_models_give_equal_bytes(tmp_path: Path, model: Any) -> None:
    skops_format.save(fitted(model), tmp_path / "one")
    skops_format.save(fitted(model), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (FunctionTransformer(os.system), "posix.system"),
        (FunctionTransformer(eval), "builtins.eval"),
        (FunctionTransformer(Ridge().fit), "Ridge.fit"),
        (make_pipeline(Mine()), f"{__name__}.Mine"),
        (FunctionTransformer(fitted), f"{__name__}.fitted"),
    ],
    ids=["os.system", "eval", "method", "own class", "own function"],
)
def test_refused_when_saved(tmp_path: Path, model: object, name: str) -> None:
    path = tmp_path / "model.skops"
    with pytest.raises(MlspecError, match=name.replace(".", r"\.")) as refused:
        skops_format.save(model, path)
    assert refused.value.problems[0].code == "model/untrusted-type"
    assert list(tmp_path.iterdir()) == []


def test_refused_when_loaded_without_the_list(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops_format.save(fitted(GradientBoostingClassifier(n_estimators=2)), path)
    with pytest.raises(MlspecError, match=r"sklearn\.tree\._tree\.Tree") as refused:
        skops_format.load(path, ())
    assert refused.value.problems[0].code == "model/untrusted-type"


@pytest.mark.parametrize(
    "name",
    [
        "posix.system",
        "builtins.eval",
        "sklearn.utils.fixes.os",
        "sklearn.utils._testing.check_call",
        "sklearn.no_such.Thing",
        "sklearn.nothing",
        "sklearn",
        "sklearnish.Thing",
        "",
    ],
)
def test_a_forged_list_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.skops"
    skops_format.save(Ridge(), path)
    with pytest.raises(MlspecError) as refused:
        skops_format.load(path, (name,))
    assert refused.value.problems[0].code == "model/untrusted-type"


def test_a_class_that_sklearn_only_imports_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn.utils.validation, "Popen", subprocess.Popen, raising=False)
    path = tmp_path / "model.skops"
    skops_format.save(Ridge(), path)
    with pytest.raises(MlspecError, match="Popen"):
        skops_format.load(path, ("sklearn.utils.validation.Popen",))


class Bomb:
    """Runs code when unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


def test_never_falls_back_to_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.skops"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(MlspecError) as refused:
        skops_format.load(path, ())
    assert refused.value.problems[0].code == "model/unreadable"
    assert not (tmp_path / "exploded").exists()


def _edited(path: Path, change: Any) -> Path:
    with ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(members["schema.json"])
    members["schema.json"] = json.dumps(change(schema)).encode()
    with ZipFile(path, "w") as target:
        for name, content in members.items():
            target.writestr(name, content)
    return path


def test_a_crafted_file_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.skops"
    skops_format.save(FunctionTransformer(np.log1p), path)

    def swap(value: Any) -> Any:
        if isinstance(value, dict):
            if value.get("__loader__") == "FunctionNode":
                return {
                    **value,
                    "__class__": "system",
                    "__module__": "posix",
                    "content": {"module_path": "posix", "function": "system"},
                }
            return {key: swap(item) for key, item in value.items()}
        return [swap(item) for item in value] if isinstance(value, list) else value

    with pytest.raises(MlspecError, match=r"posix\.system"):
        skops_format.load(_edited(path, swap), ())


@pytest.mark.parametrize("damage", ["cut", "empty", "no schema", "not JSON", "other protocol", "other class"])
def test_damaged(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model.skops"
    skops_format.save(fitted(Ridge()), path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage in ("no schema", "not JSON"):
        with ZipFile(path, "w") as target:
            target.writestr("schema.json" if damage == "not JSON" else "other", "{")
    elif damage == "other protocol":
        _edited(path, lambda schema: {**schema, "protocol": 99})
    else:
        _edited(path, lambda schema: {**schema, "__loader__": "NoSuchNode"})
    with pytest.raises(MlspecError) as refused:
        skops_format.load(path, ())
    assert refused.value.problems[0].code == "model/unreadable"


def test_a_class_of_another_package_is_refused_before_it_is_fitted() -> None:
    skops_format.check(LogisticRegression)
    with pytest.raises(MlspecError, match=r"`fractions\.Fraction`, which is neither scikit-learn's"):
        skops_format.check(Fraction)
