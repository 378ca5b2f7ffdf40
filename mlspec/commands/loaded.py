"""`mlspec.load`: a recorded model, ready to predict; one whose loading runs code does so in a child process."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.commands import surroundings
from mlspec.commands.choose import Chosen, choose
from mlspec.commands.kept_as import kept_as
from mlspec.core.problem import fail
from mlspec.executors.local import LocalExecutor
from mlspec.formats.named import format_named
from mlspec.steps.frames import Field, fields_of, typed
from mlspec.steps.predict import Limits, PredictRequest, predict
from mlspec.steps.predictions import Predictions, read_predictions
from mlspec.steps.uv import Means

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A recorded model, ready to predict. `estimator` is the fitted object itself."""

    reference: str
    version: int | None
    task: str
    estimator: Any
    fields: tuple[Field, ...]

    def __repr__(self) -> str:
        """Return one line: the fitted object or the run would fill a page."""
        return _in_a_line(self)

    def predict(self, frame: pd.DataFrame) -> Any:
        """Return one prediction for each row, shape (rows,); `frame` has the feature columns, in any order.

        Raises:
            MlspecError: a feature column is missing, or holds something else than its declared type.
        """
        return self.estimator.predict(typed(frame, self.fields))

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        """Return the probability of each class, shape (rows, classes), in the order of `estimator.classes_`.

        Raises:
            MlspecError: as `predict`.
            AttributeError: the model gives no probabilities.
        """
        return self.estimator.predict_proba(typed(frame, self.fields))


@dataclass(frozen=True, slots=True)
class ModelWithCode:
    """A recorded model that needs code of its repository, or is a pickle: it predicts in a child process.

    A call takes a second or so.
    """

    reference: str
    version: int | None
    task: str
    fields: tuple[Field, ...]
    chosen: Chosen

    def __repr__(self) -> str:
        """Return one line: the fitted object or the run would fill a page."""
        return _in_a_line(self)

    def predict(self, frame: pd.DataFrame) -> Any:
        """Return one prediction for each row, shape (rows,); `frame` has the feature columns, in any order.

        Raises:
            MlspecError: a feature column is missing or holds something else than its declared type, or predicting
                failed; with the end of its log.
        """
        return self.ask(frame).predicted

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        """Return the probability of each class, shape (rows, classes), in the order of `ask(frame).classes`.

        Raises:
            MlspecError: as `predict`; or the model gives no probabilities (`predict/no-probabilities`).
        """
        scores = self.ask(frame).scores
        if scores is None:
            raise fail("predict/no-probabilities", f"{self.reference} gives no probabilities")
        return scores

    def ask(self, frame: pd.DataFrame) -> Predictions:
        """Return all that the model says of rows.

        Raises:
            MlspecError: as `predict`.
        """
        run = self.chosen.run
        limits = Limits(run.fields.get("train.seed", 0), run.fields.get("train.threads", 1))
        means = Means(surroundings.folder_in(self.chosen.cache), os.environ, LocalExecutor(), threading.Event())
        with _artifact(self.chosen) as artifact, tempfile.TemporaryDirectory(prefix="mlspec-predict-") as folder:
            request = PredictRequest(
                task=self.task,
                fields=self.fields,
                features=frame,
                artifact=artifact,
                kept=kept_as(run, self.chosen.store),
                folder=Path(folder),
                environ=os.environ,
                limits=limits,
                python=surroundings.to_ask(run, self.chosen.store, means),
            )
            return read_predictions(predict(request, means.executor, means.cancel).path)


def load(reference: str, path: str | Path = ".") -> LoadedModel | ModelWithCode:
    """Return a recorded model: `income@v3`, `income@production` or `income`; `path` lies in the project.

    Raises:
        MlspecError: as `choose`; or the store does not hold the model, or holds other bytes.
    """
    chosen = choose(Path(path), reference)
    fields = fields_of([column for column in chosen.columns if column.role == "feature"])
    task = chosen.run.fields["task"]
    kept = kept_as(chosen.run, chosen.store)
    if kept.runs_code:
        return ModelWithCode(reference, chosen.version, task, fields, chosen)
    with _artifact(chosen) as artifact:
        estimator = format_named(kept.form).load(artifact, kept.trusted)
    return LoadedModel(reference, chosen.version, task, estimator, fields)


def _in_a_line(model: LoadedModel | ModelWithCode) -> str:
    name, count = model.reference.partition("@")[0].removeprefix("model/"), len(model.fields)
    return f"<mlspec model/{name} v{model.version}: {model.task} by {count} feature{'' if count == 1 else 's'}>"


@contextmanager
def _artifact(chosen: Chosen) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mlspec-load-") as folder:
        artifact = Path(folder) / "model"
        chosen.store.fetch(chosen.run.artifact, artifact)
        yield artifact
