"""The step `train`, from the side of apply: lays out a run folder, has a child train there, takes what it left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mlspec.core.ports import Cancel, Executor, JobResult
from mlspec.planner.program import home_of, predictor
from mlspec.specs.dataset import Dataset
from mlspec.specs.model import Model, seconds
from mlspec.steps import bundle, environment, frames, launch, wire
from mlspec.steps.failures import of_disk, redact


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """What to train, on what, where."""

    model: Model
    dataset: Dataset
    frame: pd.DataFrame
    """The training split, with every declared column."""
    code: Mapping[str, bytes]
    """The files that the model's code consists of, by their paths in the repository; exactly these run."""
    folder: Path
    """An empty folder, all of the step's."""
    environ: Mapping[str, str]
    """The environment to pick from."""
    python: Path | None = None
    """The Python to train with, where it is another one than mlspec's."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that was trained, saved, and predicts the same when loaded."""

    artifact: Path
    log: Path
    kept: wire.Kept
    """In what form the artifact keeps the model."""
    rows: int
    features: int
    packages: Mapping[str, str]
    """Every installed distribution and its version."""
    python: str
    platform: str
    result: JobResult
    warnings: tuple[str, ...]


def train(request: TrainRequest, executor: Executor, cancel: Cancel) -> Trained:
    """Train a model in a child process.

    Raises:
        StepFailed: training failed; it says whether trying again may help.
        MlspecError: a variable of `train.env` is not set, or the table is not what the dataset declares.
    """
    spec = request.model.train
    folder = request.folder.resolve()
    secrets = environment.named(request.environ, spec.env)
    order = _order(request, folder)
    table = frames.table_of(request.frame, order.fields)
    try:
        launch.stage(request.code, folder / "code")
        (folder / "output").mkdir()
        frames.write(table, folder / "table.arrow")
    except OSError as error:
        raise of_disk(error, "the run folder of `train`") from error
    child = launch.Launch(
        folder=folder,
        cwd=folder / "code",
        env={**secrets, **environment.scrubbed(request.environ, folder, spec.seed, spec.threads)},
        timeout=spec.timeout,
        timeout_s=seconds(spec.timeout),
        secrets=tuple(secrets.values()),
        python=request.python,
    )
    answer, result = launch.run(order, wire.TrainAnswer, child, executor, cancel)
    return Trained(
        artifact=_artifact(answer.kept, request, child),
        log=child.log,
        kept=answer.kept,
        rows=answer.rows,
        features=answer.features,
        packages=answer.packages,
        python=answer.python,
        platform=answer.platform,
        result=result,
        warnings=tuple(redact(warning, child.secrets) for warning in answer.warnings),
    )


def _artifact(kept: wire.Kept, request: TrainRequest, child: launch.Launch) -> Path:
    """Return the file that is the model; of a model that needs its code, an archive of both."""
    output = child.folder / "output"
    if kept.home is None:
        return launch.left(output / kept.file, child)
    archive = child.folder / "model.zip"
    try:
        bundle.pack(archive, bundle.listed(output), request.code)
    except OSError as error:
        raise of_disk(error, "the model") from error
    return archive


def _order(request: TrainRequest, folder: Path) -> wire.TrainOrder:
    spec = request.model.train
    return wire.TrainOrder(
        parent=os.getpid(),
        table=str(folder / "table.arrow"),
        fields=frames.fields_of(request.dataset.columns),
        task=request.model.task,
        positive=request.model.positive,
        estimator=spec.estimator,
        entrypoint=spec.entrypoint,
        command=spec.argv,
        predict=predictor(spec, request.code),
        params=spec.params,
        seed=spec.seed,
        threads=spec.threads,
        format=spec.format,
        code=str(folder / "code"),
        home=home_of(spec, request.code),
        output=str(folder / "output"),
    )
