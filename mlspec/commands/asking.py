"""Asking a recorded model about rows: its artifact from the store, a child that predicts, what it says to the store."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mlspec.commands import surroundings
from mlspec.commands.kept_as import kept_as
from mlspec.commands.of_model import cost_of
from mlspec.commands.session import Session
from mlspec.core.head import Run
from mlspec.core.record import Cost, Object
from mlspec.specs.model import Model
from mlspec.steps.frames import Field
from mlspec.steps.predict import Limits, PredictRequest, predict
from mlspec.steps.predictions import Predictions, read_predictions


@dataclass(frozen=True, slots=True)
class Asked:
    """What a model said, how a record names it, and what it cost."""

    predictions: Predictions
    output: Object
    cost: Cost


def ask(
    session: Session, model: Model, run: Run, rows: pd.DataFrame, fields: tuple[Field, ...], repeat: int = 0
) -> Asked:
    """Have a recorded model, or one of its repeats, predict rows, in a child that sees the columns of these fields.

    Raises:
        StepFailed: predicting failed; it says whether trying again may help.
        MlspecError: the store does not hold the model.
    """
    store = session.workspace.store
    with session.folder() as folder:
        artifact = folder / "model.artifact"
        store.fetch(run.repeats[repeat - 1] if repeat else run.artifact, artifact)
        request = PredictRequest(
            task=model.task,
            fields=fields,
            features=rows[[field.name for field in fields]],
            artifact=artifact,
            kept=kept_as(run, store, repeat),
            folder=folder,
            environ=session.environ,
            python=surroundings.to_ask(run, store, surroundings.means(session)),
            limits=Limits(model.train.seed + repeat, model.train.threads, model.train.timeout),
        )
        predicted = predict(request, session.executor, session.cancel)
        stored = store.put(predicted.path)
        output = Object(name="repeated" if repeat else "predictions", digest=stored.digest, size=stored.size)
        return Asked(read_predictions(predicted.path), output, cost_of(predicted.result))


def fetched(session: Session, digest: str) -> Predictions:
    """Return stored predictions.

    Raises:
        MlspecError: the store does not hold them.
    """
    with session.folder() as folder:
        path = folder / "predictions.parquet"
        session.workspace.store.fetch(digest, path)
        return read_predictions(path)
