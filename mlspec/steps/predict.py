"""The step `predict`, from the side of apply: has a child load a model and predict the test rows without labels.

What it leaves is a parquet file, described in `steps.predictions`, which `read_predictions` reads. A model in skops
form holds only scikit-learn's classes, so the child needs none of the user's code and sees none of `train.env`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlspec.core.ports import Cancel, Executor, JobResult
from mlspec.specs.dataset import Dataset
from mlspec.specs.model import Model, seconds
from mlspec.steps import environment, frames, launch, wire
from mlspec.steps.failures import of_disk
from mlspec.steps.predictions import Predictions, read_predictions

__all__ = ["PredictRequest", "Predicted", "Predictions", "predict", "read_predictions"]


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Which model to ask, about which rows, where."""

    model: Model
    dataset: Dataset
    features: pd.DataFrame
    """The test rows; only their feature columns are handed on."""
    artifact: Path
    trusted: tuple[str, ...]
    """As recorded when the model was trained."""
    folder: Path
    """An empty folder, all of the step's."""
    environ: Mapping[str, str]
    """The environment to pick from."""


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions, one for each row."""

    path: Path
    log: Path
    rows: int
    result: JobResult


def predict(request: PredictRequest, executor: Executor, cancel: Cancel) -> Predicted:
    """Predict in a child process.

    Raises:
        StepFailed: predicting failed; it says whether trying again may help.
        MlspecError: the table is not what the dataset declares.
    """
    spec = request.model.train
    folder = request.folder.resolve()
    table = frames.table_of(request.features, frames.fields_of(request.dataset.with_role("feature")))
    try:
        frames.write(table, folder / "table.arrow")
    except OSError as error:
        raise of_disk(error, "the run folder of `predict`") from error
    order = wire.PredictOrder(
        parent=os.getpid(),
        table=str(folder / "table.arrow"),
        task=request.model.task,
        artifact=str(request.artifact.resolve()),
        trusted=request.trusted,
        predictions=str(folder / "predictions.parquet"),
    )
    child = launch.Launch(
        folder=folder,
        cwd=folder,
        env=environment.scrubbed(request.environ, folder, spec.seed, spec.threads),
        timeout=spec.timeout,
        timeout_s=seconds(spec.timeout),
    )
    answer, result = launch.run(order, wire.PredictAnswer, child, executor, cancel)
    return Predicted(launch.left(folder / "predictions.parquet", child), child.log, answer.rows, result)
