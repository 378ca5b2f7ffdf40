"""Training and predicting in real child processes: what works, and one clear error for each thing that does not."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlspec.core.problem import MlspecError
from mlspec.executors.local import LocalExecutor
from mlspec.formats import skops_format
from mlspec.specs.dataset import Dataset
from mlspec.specs.model import Model
from mlspec.steps import wire
from mlspec.steps.failures import StepFailed
from mlspec.steps.frames import fields_of
from mlspec.steps.predict import Predicted, PredictRequest, predict, read_predictions
from mlspec.steps.train import Trained, TrainRequest, train

COLUMNS = [
    {"name": "id", "type": "integer", "role": "id"},
    {"name": "age", "type": "integer"},
    {"name": "height", "type": "number"},
    {"name": "city", "type": "string"},
    {"name": "member", "type": "boolean"},
]
LABEL = {"name": "label", "type": "string", "role": "target"}
GOOD = """
from sklearn.linear_model import LogisticRegression

def train(data, params, seed):
    return LogisticRegression(**params).fit(data.X[["age"]].to_numpy(), data.y)
"""


def table(rows: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": random.integers(17, 90, rows),
            "height": random.normal(170, 10, rows),
            "city": random.choice(["Ulm", "Köln", "Rome"], rows),
            "member": random.random(rows) > 0.5,
            "worth": random.exponential(10, rows),
        }
    )
    frame["label"] = np.where(frame["age"] + random.normal(0, 10, rows) > 50, "old", "young")
    frame["amount"] = frame["height"] * 2 + frame["age"]
    frame.loc[3, "height"] = np.nan
    frame["city"] = frame["city"].astype(object)
    frame.loc[5, "city"] = None
    return frame


def dataset(*more: Mapping[str, str], columns: list[dict[str, str]] | None = None) -> Dataset:
    schema = [*(COLUMNS if columns is None else columns), *more]
    spec = {"name": "people", "owner": "team", "source": "people.csv", "schema": schema}
    return Dataset.model_validate_json(json.dumps(spec))


def model(task: str = "classification", **how: Any) -> Model:
    spec = {"name": "age", "owner": "team", "dataset": "people", "task": task, "train": how}
    return Model.model_validate_json(json.dumps(spec))


Runs = Callable[..., Trained]


@pytest.fixture
def run(tmp_path: Path) -> Runs:
    """Train in a new folder; keywords override parts of the request."""

    def go(asked: Model, name: str = "run", cancel: threading.Event | None = None, **parts: Any) -> Trained:
        folder = tmp_path / name
        folder.mkdir()
        request = TrainRequest(asked, dataset(LABEL), table(), {}, folder, dict(os.environ))
        executor = LocalExecutor(grace_s=0.5)
        return train(dataclasses.replace(request, **parts), executor, cancel or threading.Event())

    return go


def code(source: str, path: str = "src/train.py", **more: str) -> dict[str, bytes]:
    return {path: textwrap.dedent(source).encode(), **{name: text.encode() for name, text in more.items()}}


def ask(trained: Trained, asked: Model, folder: Path, frame: pd.DataFrame) -> Predicted:
    folder.mkdir()
    fields = fields_of(dataset().columns[1:])
    request = PredictRequest(asked.task, fields, frame, trained.artifact, trained.kept, folder, dict(os.environ))
    return predict(request, LocalExecutor(), threading.Event())


def test_estimator_from_training_to_predictions(run: Runs, tmp_path: Path) -> None:
    asked = model(estimator="sklearn.linear_model.LogisticRegression", params={"C": 0.5}, seed=7)
    trained = run(asked)
    assert (trained.rows, trained.features) == (300, 4)
    assert trained.kept.trusted == ("numpy.dtype",)
    assert trained.packages["scikit-learn"]
    assert trained.packages["numpy"]
    assert trained.python == ".".join(map(str, sys.version_info[:3]))
    assert trained.result.code == 0
    assert 50 << 20 < trained.result.peak_memory_bytes < 1 << 30
    assert trained.warnings == ()
    test_rows = table(40).drop(columns="label")
    test_rows.loc[0, "city"] = "Oslo"
    test_rows.loc[0, "height"] = np.nan
    read = read_predictions(ask(trained, asked, tmp_path / "predict", test_rows).path)
    assert read.classes == ("old", "young")
    assert set(read.predicted.tolist()) == {"old", "young"}
    assert read.scores is not None
    assert read.scores.shape == (40, 2)
    loaded = skops_format.load(trained.artifact, trained.kept.trusted)
    assert loaded["model"].C == 0.5
    assert loaded["model"].random_state == 7
    plain = test_rows.assign(city=test_rows["city"].astype("str").where(test_rows["city"].notna(), np.nan))
    assert loaded.predict(plain).tolist() == read.predicted.tolist()


def test_same_inputs_give_the_same_bytes(run: Runs) -> None:
    asked = model(estimator="sklearn.ensemble.RandomForestClassifier", params={"n_estimators": 5}, seed=3)
    digests = {hashlib.sha256(run(asked, name).artifact.read_bytes()).hexdigest() for name in ("one", "two")}
    assert len(digests) == 1


def test_regression_with_weights(run: Runs, tmp_path: Path) -> None:
    asked = model("regression", estimator="sklearn.linear_model.Ridge")
    weighted = dataset(
        {"name": "worth", "type": "number", "role": "weight"}, {"name": "amount", "type": "number", "role": "target"}
    )
    trained = run(asked, "weighted", dataset=weighted)
    unweighted = dataset({"name": "amount", "type": "number", "role": "target"})
    other = run(asked, "plain", dataset=unweighted)
    assert trained.artifact.read_bytes() != other.artifact.read_bytes()
    read = read_predictions(ask(trained, asked, tmp_path / "predict", table(40)).path)
    assert read.classes is None
    assert read.scores is None
    assert read.predicted.dtype == np.float64


def test_entrypoint_sees_the_split_its_modules_and_its_files(run: Runs, tmp_path: Path) -> None:
    source = """
    import json, os, sys
    from pathlib import Path
    import features
    from shared import NUMBER
    from sklearn.dummy import DummyClassifier

    def train(data, params, seed):
        seen = {
            "X": {name: str(kind) for name, kind in data.X.dtypes.items()},
            "missing": int(data.X["city"].isna().sum()),
            "y": data.y.name, "weight": data.weight is None, "group": data.group.name,
            "frame": list(data.frame.columns),
            "params": params, "seed": seed, "cwd": Path.cwd().name, "file": Path("src/words.txt").read_text(),
            "number": NUMBER + features.ONE, "env": sorted(os.environ), "hash": os.environ["PYTHONHASHSEED"],
        }
        print(json.dumps(seen))
        os.chdir("/")
        return DummyClassifier(strategy="prior").fit(data.X, data.y)
    """
    files = {"src/features.py": "ONE = 1\n", "shared.py": "NUMBER = 41\n", "src/words.txt": "hello"}
    grouped = dataset(
        LABEL, columns=[{**column, "role": "group"} if column["name"] == "id" else column for column in COLUMNS]
    )
    asked = model(entrypoint="src/train.py:train", params={"deep": [1, 2.5, None]}, seed=11, threads=2, env=["TOKEN"])
    environ = {**os.environ, "TOKEN": "sesame-street", "CANARY": "tweet"}
    trained = run(asked, dataset=grouped, code=code(source, **files), environ=environ)
    seen = json.loads(trained.log.read_text())
    assert seen["X"]["age"] == "int64"
    assert seen["X"]["height"] == "float64"
    assert seen["X"]["member"] == "object"
    assert (seen["missing"], seen["y"], seen["weight"], seen["group"]) == (1, "label", True, "id")
    assert seen["frame"] == ["id", "age", "height", "city", "member", "label"]
    assert (seen["params"], seen["seed"], seen["cwd"]) == ({"deep": [1, 2.5, None]}, 11, "code")
    assert (seen["file"], seen["number"], seen["hash"]) == ("hello", 42, "11")
    assert "TOKEN" in seen["env"]
    assert "CANARY" not in seen["env"]
    assert not list((tmp_path / "run" / "code").rglob("__pycache__"))


@pytest.mark.parametrize(
    ("entry", "files"),
    [
        ("pkg/train.py:train", {"pkg/__init__.py": "", "pkg/numbers_.py": "X = 1\n"}),
        ("src/pkg/train.py:train", {"src/pkg/__init__.py": "", "src/pkg/numbers_.py": "X = 1\n"}),
        ("loose/train.py:train", {"loose/numbers_.py": "X = 1\n"}),
    ],
)
def test_relative_imports(run: Runs, entry: str, files: dict[str, str]) -> None:
    source = f"""
    from .numbers_ import X
    {"from pkg import numbers_ as again" if "pkg" in entry else ""}
    from sklearn.dummy import DummyClassifier

    def train(data, params, seed):
        return DummyClassifier().fit(data.X, data.y)
    """
    run(model(entrypoint=entry), code=code(source, entry.partition(":")[0], **files))


@dataclasses.dataclass(frozen=True)
class Broken:
    """A function that trains nothing, and what is said of it."""

    body: str
    code: str
    message: str
    line: int = 0
    help: str = ""


BROKEN = {
    "returns nothing": Broken("pass", "train/no-model", "`train` returned nothing"),
    "no predict": Broken("return 3", "train/no-model", "`train` returned a int, which has no `predict`"),
    "raises": Broken("raise ValueError('bad luck')", "train/raised", "`train` raised ValueError: bad luck", 4),
    "sys.exit": Broken("sys.exit(3)", "train/exited", "`train` called sys.exit(3)", 4),
    "os._exit": Broken("os._exit(3)", "train/exited", "training ended its process with exit code 3"),
    "exits 0": Broken("os._exit(0)", "train/exited", "training ended its process with exit code 0"),
    "segfault": Broken("os.kill(os.getpid(), 11)", "train/crashed", "training crashed: SIGSEGV", 4),
    "killed": Broken("os.kill(os.getpid(), 9)", "train/killed", "training was killed by SIGKILL, likely out of memory"),
    "no module": Broken(
        "import mine.own", "train/raised", "`train` raised ModuleNotFoundError: No module named 'mine'", 4, "`code:`"
    ),
    "no file": Broken("open('words.txt')", "train/raised", "`train` raised FileNotFoundError: ", 4, "`code:`"),
    "memory": Broken("raise MemoryError", "train/raised", "`train` raised MemoryError", 4, "memory"),
    "own path": Broken("raise ValueError(__file__)", "train/raised", "`train` raised ValueError: src/train.py", 4),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_broken_entrypoint(run: Runs, broken: Broken) -> None:
    source = f"import os, sys, time\n\ndef train(data, params, seed):\n    {broken.body}\n"
    with pytest.raises(StepFailed) as failed:
        run(model(entrypoint="src/train.py:train"), code={"src/train.py": source.encode()})
    (problem,) = failed.value.problems
    assert (problem.code, failed.value.retryable) == (broken.code, False)
    assert problem.message.startswith(broken.message)
    assert broken.help in (problem.help or "")
    if broken.line:
        assert problem.place is not None
        assert (problem.place.file, problem.place.line) == ("src/train.py", broken.line)
    if broken.code == "train/raised":
        assert "Traceback" in failed.value.tail


@pytest.mark.parametrize(
    ("source", "name", "line"),
    [
        ("x = 1\ndef train(:\n", "train/import-failed", 2),
        ("1 / 0\n", "train/import-failed", 1),
        ("trian = 1\n", "train/no-entrypoint", 0),
        ("\ndef train(data):\n    pass\n", "train/signature", 2),
    ],
    ids=["syntax", "raises on import", "no function", "other arguments"],
)
def test_broken_module(run: Runs, source: str, name: str, line: int) -> None:
    with pytest.raises(StepFailed) as failed:
        run(model(entrypoint="src/train.py:train"), code={"src/train.py": source.encode()})
    (problem,) = failed.value.problems
    assert problem.code == name
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("src/train.py", line)


def test_place_is_the_users_innermost_line(run: Runs) -> None:
    deep = "import json\n\ndef read():\n    return json.loads('{')\n"
    source = "import deep\n\ndef train(data, params, seed):\n    deep.read()\n"
    with pytest.raises(StepFailed) as failed:
        run(
            model(entrypoint="src/train.py:train"), code={"src/train.py": source.encode(), "src/deep.py": deep.encode()}
        )
    assert str(failed.value.problems[0].place) == "src/deep.py:4"


def test_forks_print_much_and_leave_threads(run: Runs) -> None:
    source = """
    import os, threading, time
    from sklearn.dummy import DummyClassifier

    def train(data, params, seed):
        for _ in range(400):
            os.write(1, b"x" * (1 << 20))
        threading.Thread(target=time.sleep, args=(60,)).start()
        os.fork()
        if os.fork() == 0:
            time.sleep(60)
        return DummyClassifier(strategy="prior").fit(data.X, data.y)
    """
    trained = run(model(entrypoint="src/train.py:train"), code=code(source))
    assert trained.log.stat().st_size < (2 << 20) + 100
    assert trained.result.wall_s < 30


def test_hanging_is_a_timeout(run: Runs) -> None:
    source = "import time\n\ndef train(data, params, seed):\n    print('started', flush=True)\n    time.sleep(60)\n"
    with pytest.raises(StepFailed) as failed:
        run(model(entrypoint="src/train.py:train", timeout="6s"), code={"src/train.py": source.encode()})
    assert failed.value.problems[0].code == "train/timeout"
    assert failed.value.problems[0].message == "training did not end within 6s"
    assert not failed.value.retryable
    assert failed.value.tail == "started"


def test_interrupted_may_be_tried_again(run: Runs) -> None:
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    with pytest.raises(StepFailed) as failed:
        run(model(estimator="sklearn.linear_model.Ridge"), cancel=cancel)
    assert (failed.value.problems[0].code, failed.value.retryable) == ("train/interrupted", True)


FOREIGN = """
import fractions, os, sys
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

class Mine(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = sorted(set(y))
        return self
    def predict(self, X):
        return [self.classes_[0]] * len(X)

class Forgetful(DummyClassifier):
    def predict(self, X):
        return super().predict(X)[1:]

def same(X):
    return X

def mine(data, params, seed):
    return Mine().fit(data.X, data.y)

def function(data, params, seed):
    return make_pipeline(FunctionTransformer(same), DummyClassifier()).fit(data.X, data.y)

def short(data, params, seed):
    return Forgetful().fit(data.X, data.y)

def foreign(data, params, seed):
    model = DummyClassifier().fit(data.X, data.y)
    model.half = fractions.Fraction(1, 2)
    return model

def unfitted(data, params, seed):
    return DummyClassifier()

def encoded(data, params, seed):
    return DummyClassifier(strategy="prior").fit(data.X, data.y.map({"old": 0, "young": 1}))

def bare(data, params, seed):
    model = Bare()
    model.code = 1
    return model

class Ends(Mine):
    def predict(self, X):
        if self.how == "exit":
            sys.exit(3)
        os.kill(os.getpid(), 11)

def exits(data, params, seed):
    model = Ends().fit(data.X, data.y)
    model.how = "exit"
    return model

def crashes(data, params, seed):
    model = exits(data, params, seed)
    model.how = "crash"
    return model

def nameless(data, params, seed):
    return make_pipeline(FunctionTransformer(lambda X: X), DummyClassifier()).fit(data.X, data.y)

def local(data, params, seed):
    class Local(DummyClassifier):
        pass
    return Local().fit(data.X, data.y)

class Bare:
    def predict(self, X):
        return [self.code] * len(X)

class Twice(Mine):
    def predict_proba(self, X):
        return [[0.5, 0.25, 0.25]] * len(X)

def twice(data, params, seed):
    model = Twice().fit(data.X, data.y)
    model.classes_ = ["old", "young", "young"]
    return model
"""


@pytest.mark.parametrize(
    ("function", "name", "message"),
    [
        ("foreign", "model/untrusted-type", "`fractions.Fraction`, which is neither scikit-learn's nor of this"),
        ("short", "predict/wrong-length", "shape (299,) for 300 rows"),
        ("unfitted", "train/predict-failed", "NotFittedError"),
        ("encoded", "predict/unknown-class", "probabilities for a class `0` that training never saw"),
        (
            "nameless",
            "model/nameless",
            "the model holds a lambda of `src.train`, which can't be found there by its name",
        ),
        ("local", "model/nameless", "the model holds `Local` of `src.train`, which can't be found there by its name"),
        ("bare", "predict/unknown-class", "row 1: the model predicts a class that training never saw"),
        ("twice", "predict/classes", "the model names 3 classes, and only 2 of them are distinct"),
    ],
)
def test_models_that_cannot_be_kept(run: Runs, function: str, name: str, message: str) -> None:
    with pytest.raises(StepFailed) as failed:
        run(model(entrypoint=f"src/train.py:{function}"), code=code(FOREIGN))
    assert failed.value.problems[0].code == name
    assert message in failed.value.problems[0].message


@pytest.mark.parametrize(
    ("body", "code_", "help_"),
    [
        ("if len(X) < 99: sys.exit(3)", "predict/exited", "return the predictions instead"),
        ("if len(X) < 99: os.kill(os.getpid(), 11)", "predict/crashed", "the log's last lines say where"),
    ],
    ids=["exits", "crashes"],
)
def test_a_model_that_ends_its_process_when_it_predicts(
    run: Runs, tmp_path: Path, body: str, code_: str, help_: str
) -> None:
    source = f"""
    import os, sys
    from sklearn.dummy import DummyClassifier

    class Ends(DummyClassifier):
        def predict(self, X):
            {body}
            return super().predict(X)

    def train(data, params, seed):
        return Ends().fit(data.X, data.y)
    """
    asked = model(entrypoint="src/train.py:train")
    trained = run(asked, code=code(source))
    with pytest.raises(StepFailed) as failed:
        ask(trained, asked, tmp_path / "predict", table(40))
    assert (failed.value.problems[0].code, failed.value.problems[0].help) == (code_, help_)


def test_a_lambda_cannot_be_pickled(run: Runs) -> None:
    with pytest.raises(StepFailed) as failed:
        run(model(entrypoint="src/train.py:nameless", format="pickle"), code=code(FOREIGN))
    (problem,) = failed.value.problems
    assert (problem.code, "use `def`" in (problem.help or "")) == ("train/save-failed", True)


@pytest.mark.parametrize(("function", "name"), [("mine", "src.train.Mine"), ("function", "src.train.same")])
def test_classes_and_functions_of_the_repository_are_kept_with_their_code(
    run: Runs, tmp_path: Path, function: str, name: str
) -> None:
    asked = model(entrypoint=f"src/train.py:{function}")
    trained = run(asked, code=code(FOREIGN, **{"src/words.txt": "hello"}))
    assert name in trained.kept.trusted
    assert (trained.kept.form, trained.kept.home, trained.kept.entry) == ("skops", "src", "src/train.py")
    with zipfile.ZipFile(trained.artifact) as archive:
        assert archive.namelist() == ["code/src/train.py", "code/src/words.txt", "model/model.skops"]
    assert read_predictions(ask(trained, asked, tmp_path / "predict", table(40)).path).predicted.shape == (40,)
    with pytest.raises(MlspecError, match="neither scikit-learn's nor of this repository"):
        unpacked = zipfile.ZipFile(trained.artifact).extract("model/model.skops", tmp_path / "alone")
        skops_format.load(Path(unpacked), trained.kept.trusted)


def test_a_pickle_keeps_what_nothing_else_does_with_its_code(run: Runs, tmp_path: Path) -> None:
    asked = model(entrypoint="src/train.py:foreign", format="pickle")
    trained = run(asked, code=code(FOREIGN))
    assert trained.kept == wire.Kept("pickle", (), "src", "src/train.py")
    with zipfile.ZipFile(trained.artifact) as archive:
        assert archive.namelist() == ["code/src/train.py", "model/model.pickle"]
    assert read_predictions(ask(trained, asked, tmp_path / "predict", table(40)).path).predicted.shape == (40,)


def test_a_pickle_of_an_estimator_is_one_file_of_equal_bytes(run: Runs, tmp_path: Path) -> None:
    asked = model(estimator="sklearn.ensemble.RandomForestClassifier", params={"n_estimators": 5}, format="pickle")
    one, two = run(asked, "one"), run(asked, "two")
    assert one.kept == wire.Kept("pickle")
    assert one.artifact.name == "model.pickle"
    assert one.artifact.read_bytes() == two.artifact.read_bytes()
    assert ask(one, asked, tmp_path / "predict", table(40)).rows == 40


PICKLES = """
import os
import pathlib
import pickle

import halves
import pandas

rows = pandas.read_parquet(os.environ["MLSPEC_TRAIN"])
model = halves.Same("old")
pathlib.Path(os.environ["MLSPEC_OUTPUT"], "model.pickle").write_bytes(pickle.dumps(model))
"""
HALVES = """
class Same:
    def __init__(self, value):
        self.value = value

    def predict(self, frame):
        return [self.value] * len(frame)

    def __setstate__(self, state):
        if state["value"] == "late":
            raise RuntimeError("not today")
        self.__dict__.update(state)
"""


def test_a_command_leaves_a_pickle(run: Runs, tmp_path: Path) -> None:
    asked = model(command="python src/fit.py", format="pickle")
    trained = run(asked, code=code(PICKLES, "src/fit.py", **{"src/halves.py": HALVES}))
    assert (trained.kept.form, trained.kept.home) == ("pickle", "src")
    assert set(read_predictions(ask(trained, asked, tmp_path / "predict", table(9)).path).predicted) == {"old"}


@pytest.mark.parametrize(
    ("how", "made", "name", "words"),
    [
        ({}, PICKLES, "train/other-format", "the command left model.pickle, and the model's format is skops"),
        ({"format": "pickle"}, "", "train/no-model", "the command left no model.pickle in MLSPEC_OUTPUT"),
        ({"format": "pickle"}, PICKLES.replace("old", "late"), "train/load-failed", "RuntimeError: not today"),
    ],
)
def test_pickles_that_are_refused(run: Runs, how: dict[str, Any], made: str, name: str, words: str) -> None:
    with pytest.raises(StepFailed) as failed:
        run(model(command="python src/fit.py", **how), code=code(made, "src/fit.py", **{"src/halves.py": HALVES}))
    (problem,) = failed.value.problems
    assert problem.code == name
    assert words in problem.message


class Late:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise RuntimeError('not today')",)


def test_a_pickle_that_raises_when_it_is_loaded_to_predict_is_told(run: Runs, tmp_path: Path) -> None:
    asked = model(estimator="sklearn.tree.DecisionTreeClassifier", format="pickle")
    late = tmp_path / "late.pickle"
    late.write_bytes(pickle.dumps(Late()))
    with pytest.raises(StepFailed) as failed:
        ask(dataclasses.replace(run(asked), artifact=late), asked, tmp_path / "predict", table(10))
    (problem,) = failed.value.problems
    assert (problem.code, problem.message) == ("predict/raised", "loading the model raised RuntimeError: not today")


def test_a_class_of_a_module_beside_it(run: Runs, tmp_path: Path) -> None:
    source = """
    from features import Half
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import make_pipeline

    def train(data, params, seed):
        return make_pipeline(Half(), DummyClassifier(strategy="prior")).fit(data.X[["age"]], data.y)
    """
    half = "from sklearn.base import BaseEstimator, TransformerMixin\n\nclass Half(TransformerMixin, BaseEstimator):\n"
    half += "    def fit(self, X, y=None):\n        return self\n"
    half += "    def transform(self, X):\n        return X[['age']] / 2\n"
    asked = model(entrypoint="src/train.py:train")
    trained = run(asked, code=code(source, **{"src/features.py": half}))
    assert "features.Half" in trained.kept.trusted
    assert read_predictions(ask(trained, asked, tmp_path / "predict", table(40)).path).predicted.shape == (40,)


def test_a_model_that_loading_does_not_reproduce(run: Runs) -> None:
    source = """
    from sklearn.dummy import DummyClassifier

    class Sly(DummyClassifier):
        __module__ = "sklearn.dummy"
        def predict(self, X):
            return ["young"] * len(X)

    Sly.__name__ = Sly.__qualname__ = "DummyClassifier"

    def train(data, params, seed):
        return Sly(strategy="constant", constant="old").fit(data.X, data.y)
    """
    with pytest.raises(StepFailed) as failed:
        run(model(entrypoint="src/train.py:train"), code=code(source))
    assert failed.value.problems[0].code == "train/not-reproduced-by-load"


def test_secrets_are_starred_out(run: Runs) -> None:
    source = """
    import os

    def train(data, params, seed):
        print("using", os.environ["TOKEN"], "\\x1b[31m")
        raise ValueError(f"refused: {os.environ['TOKEN']}")
    """
    with pytest.raises(StepFailed) as failed:
        run(
            model(entrypoint="src/train.py:train", env=["TOKEN"]),
            code=code(source),
            environ={**os.environ, "TOKEN": "sesame-street"},
        )
    assert failed.value.problems[0].message == "`train` raised ValueError: refused: ***"
    assert "using *** \\x1b[31m" in failed.value.tail
    assert "sesame" not in failed.value.tail


def test_variables_that_are_not_there(run: Runs) -> None:
    asked = model(entrypoint="src/train.py:train", env=["ONE", "TWO", "THREE"])
    with pytest.raises(MlspecError) as failed:
        run(asked, environ={"TWO": "", "THREE": "secret\n"})
    assert [problem.code for problem in failed.value.problems] == ["env/not-set", "env/empty", "env/line-break"]
    assert not any("secret" in problem.message for problem in failed.value.problems)


@pytest.mark.parametrize(
    ("how", "name", "words"),
    [
        (
            {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": -1}},
            "train/fit-failed",
            "'C' parameter",
        ),
        ({"estimator": "sklearn.linear_model.Ridge"}, "train/wrong-task", "no classifier"),
        ({"estimator": "sklearn.linear_model.LogisticRegresion"}, "train/no-estimator", "LogisticRegresion"),
    ],
)
def test_wrong_estimators(run: Runs, how: dict[str, Any], name: str, words: str) -> None:
    with pytest.raises(StepFailed) as failed:
        run(model(**how))
    assert failed.value.problems[0].code == name
    assert words in failed.value.problems[0].message


def test_a_damaged_model_and_a_wrong_trust_list(run: Runs, tmp_path: Path) -> None:
    asked = model(estimator="sklearn.tree.DecisionTreeClassifier")
    trained = run(asked)
    with pytest.raises(StepFailed) as failed:
        ask(dataclasses.replace(trained, kept=wire.Kept()), asked, tmp_path / "untrusting", table(10))
    assert failed.value.problems[0].code == "model/untrusted-type"
    cut = tmp_path / "cut.skops"
    cut.write_bytes(trained.artifact.read_bytes()[:-100])
    with pytest.raises(StepFailed) as failed:
        ask(dataclasses.replace(trained, artifact=cut), asked, tmp_path / "cut", table(10))
    assert failed.value.problems[0].code == "model/unreadable"


LIVES = {
    "a function": (
        '{"entrypoint": "train.py:train"}',
        b"""
import os, time
from pathlib import Path

def train(data, params, seed):
    Path(params["pid"]).write_text(str(os.getpid()))
    time.sleep(60)
""",
    ),
    "a command": (
        '{"command": "python train.py"}',
        b"""
import json, os, time
from pathlib import Path

Path(json.loads(Path(os.environ["MLSPEC_PARAMS"]).read_text())["pid"]).write_text(str(os.getpid()))
time.sleep(60)
""",
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
@pytest.mark.parametrize(("how", "source"), LIVES.values(), ids=list(LIVES))
def test_no_orphan_when_apply_is_killed(tmp_path: Path, how: str, source: bytes) -> None:
    program = f"""
import threading
from pathlib import Path
import tests.integration.test_training as here
folder = Path({str(tmp_path)!r})
asked = here.model(**{how}, params={{"pid": str(folder / "pid")}})
code = {{"train.py": {source!r}}}
request = here.TrainRequest(asked, here.dataset(here.LABEL), here.table(), code, folder / "run", {{}})
here.train(request, here.LocalExecutor(), threading.Event())
"""
    (tmp_path / "run").mkdir()
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    pid = number(tmp_path / "pid")
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert ends(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")
def test_what_a_command_hid_ends_at_the_timeout(run: Runs, tmp_path: Path) -> None:
    asked = model(command="sh run.sh", timeout="6s")
    script = f"setsid sleep 60 &\necho $! > {tmp_path}/pid\nsleep 60\n"
    with pytest.raises(StepFailed) as failed:
        run(asked, code={"run.sh": script.encode()})
    assert failed.value.problems[0].code == "train/timeout"
    assert ends(number(tmp_path / "pid"))


def number(path: Path) -> int:
    """Return the number that another process writes into a file."""
    until = time.monotonic() + 60
    while not (path.exists() and path.read_text()) and time.monotonic() < until:
        time.sleep(0.05)
    return int(path.read_text())


def ends(pid: int) -> bool:
    """Say whether a process ends within seconds."""
    stat = Path(f"/proc/{pid}/stat")
    until = time.monotonic() + 5
    while stat.exists() and " Z " not in stat.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    return not stat.exists() or " Z " in stat.read_text()


def test_overhead_of_the_parent(run: Runs, tmp_path: Path) -> None:
    asked = model(estimator="sklearn.linear_model.LogisticRegression")
    before = time.process_time()
    trained = run(asked)
    ask(trained, asked, tmp_path / "predict", table())
    assert time.process_time() - before < 0.1
