"""The step `predict`, from the side of apply: has a child load a model and predict the test rows without labels.

What it leaves is a parquet file, described in `steps.predictions`, which `read_predictions` reads. A model that needs
the user's code brings it along, as it was when the model was trained; none sees anything of `train.env`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mlspec.core.ports import Cancel, Executor, JobResult
from mlspec.specs.model import seconds
from mlspec.steps import bundle, environment, frames, launch, wire
from mlspec.steps.failures import of_disk
from mlspec.steps.predictions import Predictions, read_predictions

__all__ = ["PredictRequest", "Predicted", "Predictions", "predict", "read_predictions"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child that predicts may use; `timeout` as a spec writes it."""

    seed: int = 0
    threads: int = 1
    timeout: str = "24h"


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Which model to ask, about which rows, where."""

    task: str
    fields: tuple[frames.Field, ...]
    """The feature columns; only these are handed on."""
    features: pd.DataFrame
    """The rows."""
    artifact: Path
    kept: wire.Kept
    """As recorded when the model was trained."""
    folder: Path
    """An empty folder, all of the step's."""
    environ: Mapping[str, str]
    """The environment to pick from."""
    limits: Limits = Limits()
    variants: Iterable[tuple[str, str, pd.Series[Any]]] = ()
    """Changes to predict the rows with as well: the perturbation, the column, and what stands in its place."""
    python: Path | None = None
    """The Python to predict with, where it is another one than mlspec's."""


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
    limits = request.limits
    folder = request.folder.resolve()
    table = frames.table_of(request.features, request.fields)
    try:
        frames.write(table, folder / "table.arrow")
        lay_out(request.artifact, request.kept, folder)
        variants = tuple(_variants(request, folder))
    except OSError as error:
        raise of_disk(error, "the run folder of `predict`") from error
    order = wire.PredictOrder(
        parent=os.getpid(),
        table=str(folder / "table.arrow"),
        task=request.task,
        model=str(folder / "model"),
        code=str(folder / "code"),
        kept=request.kept,
        predictions=str(folder / "predictions.parquet"),
        variants=variants,
    )
    child = launch.Launch(
        folder=folder,
        cwd=folder / "code",
        env=environment.scrubbed(request.environ, folder, limits.seed, limits.threads),
        timeout=limits.timeout,
        timeout_s=seconds(limits.timeout),
        python=request.python,
    )
    answer, result = launch.run(order, wire.PredictAnswer, child, executor, cancel)
    return Predicted(launch.left(folder / "predictions.parquet", child), child.log, answer.rows, result)


def _variants(request: PredictRequest, folder: Path) -> Iterator[wire.Variant]:
    by_name = {field.name: field for field in request.fields}
    for n, (perturbation, column, values) in enumerate(request.variants):
        path = folder / f"variant-{n}.arrow"
        frames.write(frames.table_of(values.to_frame(column), [by_name[column]]), path)
        yield wire.Variant(perturbation, column, str(path))


def lay_out(artifact: Path, kept: wire.Kept, folder: Path) -> None:
    """Put a model's files into `model/`, and the code it needs into `code/`.

    Raises:
        OSError: the disk is full, for one.
    """
    if kept.home is not None:
        bundle.unpack(artifact, folder)
        return
    (folder / "code").mkdir()
    (folder / "model").mkdir()
    (folder / "model" / kept.file).symlink_to(artifact.resolve())
