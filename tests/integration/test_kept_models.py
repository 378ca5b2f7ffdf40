"""Regression and several classes, kept as skops, as ONNX and as files, from plan to export: real applies."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mlspec
from mlspec.commands.choose import choose
from mlspec.commands.export import export
from mlspec.commands.kept_as import kept_as
from mlspec.commands.loaded import ModelWithCode
from mlspec.core.problem import MlspecError
from mlspec.stores.folder import FolderStore
from tests.integration.bad_world import World, begin

ONNX = importlib.util.find_spec("onnxruntime") is not None and importlib.util.find_spec("skl2onnx") is not None
ROWS = 600
SCHEMA = """\
schema:
  - {name: id, type: integer, role: id}
  - {name: length, type: number}
  - {name: day, type: date}
  - {name: site, type: string}
  - {name: wild, type: boolean}
  - {name: at, type: datetime}
  - {name: size, type: category, values: [small, medium, large]}
"""
SOURCE = '{{path: data/{name}.csv, delimiter: ";", missing: [NA]}}'
WRITTEN: dict[str, Any] = {"index": False, "sep": ";", "na_rep": "NA"}
DATASETS = {
    "flowers": SCHEMA + "  - {name: species, type: string, role: target, values: [a, b, c]}\n",
    "weights": SCHEMA + "  - {name: weight, type: number, role: target}\n",
}
GATES = """\
kind: Gate
name: knows-species
owner: team
checks:
  - {check: metric, metric: f1_macro, min: 0.5}
  - {check: metric, metric: roc_auc_ovr, min: 0.5}
  - {check: metric, metric: log_loss, max: 1.0}
---
kind: Gate
name: knows-weight
owner: team
checks:
  - {check: metric, metric: r2, min: 0.5}
  - {check: metric, metric: mean_absolute_error, max: 5.0}
"""
CLASSES = ["accuracy", "balanced_accuracy", "f1_macro", "roc_auc_ovr", "log_loss"]
NUMBERS = ["r2", "mean_absolute_error", "root_mean_squared_error"]
LINEAR = "estimator: sklearn.linear_model.LogisticRegression"
OWN = """\
import json, os
from pathlib import Path

import pandas as pd

rows = pd.read_parquet(os.environ["MLSPEC_TRAIN"])
columns = json.loads(Path(os.environ["MLSPEC_SCHEMA"]).read_text())["columns"]
target = next(column["name"] for column in columns if column["role"] == "target")
means = rows.groupby(target)["length"].mean() if target == "species" else pd.Series({"mean": rows[target].mean()})
means.to_json(Path(os.environ["MLSPEC_OUTPUT"], "means.json"))
"""
PREDICT = """\
import pandas as pd


def nearest(frame, folder):
    means = pd.read_json(folder / "means.json", typ="series")
    distances = pd.DataFrame({name: 2.0 ** -(frame["length"] - mean).abs() for name, mean in means.items()})
    return distances.div(distances.sum(axis=1), axis=0)


def mean(frame, folder):
    return [pd.read_json(folder / "means.json", typ="series")["mean"]] * len(frame)
"""
TO_ONNX = """\
import os
from pathlib import Path

import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression

rows = pd.read_parquet(os.environ["MLSPEC_TRAIN"])
model = LogisticRegression().fit(rows[["length"]].to_numpy(), rows["species"].to_numpy(object))
made = to_onnx(model, initial_types=[("length", FloatTensorType([None, 1]))])
Path(os.environ["MLSPEC_OUTPUT"], "model.onnx").write_bytes(made.SerializeToString())
"""
FIT = """\
from halves import Half
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline


class Doubled(Ridge):
    def predict(self, X):
        return super().predict(X) * 2


def train(data, params, seed):
    return make_pipeline(Half(), Doubled()).fit(data.X, data.y / 2)
"""
HALVES = """\
from sklearn.base import BaseEstimator, TransformerMixin


class Half(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[["length"]].to_numpy() / 2
"""
MODELS: dict[str, tuple[str, str]] = {
    "species": ("flowers", LINEAR),
    "species-own": ("flowers", "command: python src/own.py\n  predict: predict:nearest"),
    "weight": ("weights", "estimator: sklearn.linear_model.Ridge"),
    "weight-class": ("weights", "entrypoint: src/fit.py:train"),
    "weight-own": ("weights", "command: python src/own.py\n  predict: predict:mean"),
    "species-pickle": ("flowers", LINEAR + "\n  format: pickle"),
    "weight-pickle": ("weights", "entrypoint: src/fit.py:train\n  format: pickle"),
}
IN_ONNX: dict[str, tuple[str, str]] = {
    "species-onnx": ("flowers", LINEAR + "\n  format: onnx"),
    "weight-onnx": ("weights", "estimator: sklearn.ensemble.HistGradientBoostingRegressor\n  format: onnx"),
    "species-program": ("flowers", "command: python src/to_onnx.py"),
}
EVERY = MODELS | (IN_ONNX if ONNX else {})


def table() -> pd.DataFrame:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "id": range(ROWS),
            "length": random.normal(5, 2, ROWS).round(3),
            "day": pd.date_range("2026-01-01", periods=ROWS).strftime("%Y-%m-%d"),
            "site": random.choice(["north", "south", "west"], ROWS),
            "wild": random.choice(["true", "false"], ROWS),
            "at": pd.date_range("2026-01-01T06:00:00.5", periods=ROWS, freq="h").strftime("%Y-%m-%dT%H:%M:%S.%f+02:00"),
            "size": random.choice(["small", "medium", "large"], ROWS),
        }
    )
    frame["species"] = np.array(["a", "b", "c"])[np.digitize(frame["length"] + random.normal(0, 0.5, ROWS), [4, 6])]
    frame["weight"] = (frame["length"] * 10 + random.normal(0, 1, ROWS)).round(3)
    frame.loc[5, "site"] = None
    frame.loc[9, "day"] = None
    frame.loc[11, "at"] = None
    frame.loc[13, "size"] = None
    return frame


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A repository with all of them applied."""
    made = begin(tmp_path_factory.mktemp("kept") / "repository")
    (made.root / "specs" / "good.yaml").unlink()
    frame = table()
    for name, target in (("flowers", "weight"), ("weights", "species")):
        frame.drop(columns=target).to_csv(made.root / "data" / f"{name}.csv", **WRITTEN)
        made.write(
            f"specs/{name}.yaml",
            f"kind: Dataset\nname: {name}\nowner: team\nsource: {SOURCE.format(name=name)}\n{DATASETS[name]}",
        )
    made.write("specs/gates.yaml", GATES)
    code = {"own": OWN, "predict": PREDICT, "to_onnx": TO_ONNX, "fit": FIT, "halves": HALVES}
    for module, text in code.items():
        made.write(f"src/{module}.py", text)
    for name, (dataset, how) in EVERY.items():
        numbers = dataset == "weights"
        gate = "" if name == "weight-own" else f", gates: [{'knows-weight' if numbers else 'knows-species'}]"
        made.write(
            f"specs/{name}.yaml",
            f"kind: Model\nname: {name}\nowner: team\ndataset: {dataset}\n"
            f"task: {'regression' if numbers else 'classification'}\ntrain:\n  {how}\n"
            f"metrics: [{', '.join(NUMBERS if numbers else CLASSES)}]\n"
            f"stages:\n  production: {{version: latest{gate}}}\n",
        )
    made.commit()
    done = made.mlspec("apply", "--yes", "--jobs", "2")
    assert done.code == 0, done.out
    return made


def test_nothing_is_left_to_do(world: World) -> None:
    assert "No changes." in world.mlspec("plan").out


@pytest.mark.parametrize("name", EVERY)
def test_metrics_gates_and_stage(world: World, name: str) -> None:
    text = world.mlspec("show", f"model/{name}").out
    metrics = NUMBERS if EVERY[name][0] == "weights" else CLASSES
    head = world.head("model", name)
    assert head is not None
    (run,) = head["runs"].values()
    assert sorted(run["metrics"]) == sorted(metrics)
    assert all(estimate["value"] is not None for estimate in run["metrics"].values())
    for metric in metrics:
        assert metric in text
    assert "production  v1" in text


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("species-own", "weight-onnx")])
def test_exported_and_loaded_models_agree(world: World, name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(world.root, f"{name}@production", out)
    rows = table().drop(columns=["species", "weight"]).head(30)
    rows.to_csv(tmp_path / "rows.csv", **WRITTEN)
    ran = world.run(sys.executable, str(out / "predict.py"), str(tmp_path / "rows.csv"))
    assert ran.code == 0, ran
    exported = ran.out.split()[1:]
    model = mlspec.load(f"{name}@production", world.root)
    typed = rows.assign(
        day=pd.to_datetime(rows["day"]).astype("datetime64[us]"),
        wild=rows["wild"].map({"true": True, "false": False}),
        at=pd.to_datetime(rows["at"], utc=True).dt.tz_localize(None),
    )
    predicted: list[Any] = model.predict(typed).tolist()
    assert len(predicted) == 30
    if EVERY[name][0] == "weights":
        assert np.allclose([float(value) for value in exported], predicted)
    else:
        assert exported == predicted
        scores = model.predict_proba(typed)
        assert scores.shape == (30, 3)
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("name", ["species-pickle", "weight-pickle"])
def test_a_pickle_is_shown_as_such_and_loaded_in_a_child_only(world: World, name: str) -> None:
    warned = world.mlspec("validate").out
    assert f"specs/{name}.yaml:8:11: warning[model/pickle]: a pickle runs code when it is loaded" in warned
    assert "or set `format: onnx`: loading these runs none" in warned
    assert "a pickle runs code when it is loaded" in world.mlspec("plan").out
    assert "kept as a pickle" in world.mlspec("show", f"model/{name}").out
    model = mlspec.load(name, world.root)
    assert isinstance(model, ModelWithCode)
    assert repr(model).startswith(f"<mlspec model/{name} v1: {model.task} by ")


@pytest.mark.parametrize("name", ["species-pickle", "weight-pickle"])
def test_an_exported_pickle_is_held_against_its_digest(world: World, name: str, tmp_path: Path) -> None:
    export(world.root, name, tmp_path / "out")
    (model,) = (tmp_path / "out").rglob("model.pickle")
    model.write_bytes(model.read_bytes() + b"more")
    table().head(3).to_csv(tmp_path / "rows.csv", **WRITTEN)
    ran = world.run(sys.executable, str(tmp_path / "out/predict.py"), str(tmp_path / "rows.csv"))
    assert ran.code == 1
    assert "is not the model that was exported: it is not loaded" in ran.err


def test_a_pickle_that_no_spec_asked_for_is_not_loaded(world: World) -> None:
    """Such as code that forged mlspec's own answer may leave."""
    plain, pickled = choose(world.root, "species"), choose(world.root, "species-pickle")
    forged = plain.run.model_copy(update={"manifest": pickled.run.manifest})
    with pytest.raises(MlspecError, match="which its spec did not ask for") as refused:
        kept_as(forged, plain.store)
    assert refused.value.problems[0].code == "model/unasked-pickle"
    assert kept_as(pickled.run, pickled.store).form == "pickle"


@pytest.mark.parametrize("asked", ["pickle", "skops"])
def test_what_a_large_train_asked_for_is_in_the_store(world: World, tmp_path: Path, asked: str) -> None:
    pickled = choose(world.root, "species-pickle")
    store = FolderStore(tmp_path / "store")
    moved = store.put_bytes(json.dumps({"train.format": asked}).encode()).digest
    manifest = store.put_bytes(json.dumps(pickled.manifest).encode()).digest
    run = pickled.run.model_copy(update={"manifest": manifest, "fields": {"train.object": moved}})
    if asked == "pickle":
        assert kept_as(run, store).form == "pickle"
    else:
        with pytest.raises(MlspecError, match="which its spec did not ask for"):
            kept_as(run, store)


@pytest.mark.skipif(not ONNX, reason="the extra `onnx` is not installed")
def test_onnx_is_kept_as_such(world: World, tmp_path: Path) -> None:
    done = world.mlspec("export", "species-onnx", str(tmp_path / "out"))
    assert done.code == 0, done
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ask.py",
        "model.json",
        "model.onnx",
        "predict.py",
        "requirements.txt",
    ]
    assert "onnxruntime==" in (tmp_path / "out" / "requirements.txt").read_text()
