"""Judging, from the side of apply: has a child call the user's function on the test rows and stored predictions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname
from typing import Any

import pandas as pd

from mlspec.core.ports import Cancel, Executor
from mlspec.steps import environment, frames, launch, wire
from mlspec.steps.failures import of_disk
from mlspec.steps.judgement import checked
from mlspec.steps.predictions import Predictions, write


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """Which function to ask, about which rows and predictions, where."""

    function: str
    params: Mapping[str, Any]
    timeout: str
    timeout_s: float
    code: Mapping[str, bytes]
    """The files that the function consists of; only these are handed on."""
    rows: pd.DataFrame
    """The test rows, with their target."""
    fields: tuple[frames.Field, ...]
    """The columns to hand on."""
    predictions: Predictions
    seed: int
    folder: Path
    """An empty folder, all of the step's."""
    environ: Mapping[str, str]
    """The environment to pick from."""


def judge(request: JudgeRequest, executor: Executor, cancel: Cancel) -> wire.JudgeAnswer:
    """Call the function in a child process.

    Raises:
        StepFailed: it gave no answer that is one; it says whether trying again may help.
        MlspecError: the table is not what the dataset declares.
    """
    folder = request.folder.resolve()
    table = frames.table_of(request.rows, request.fields)
    try:
        frames.write(table, folder / "table.arrow")
        write(request.predictions, folder / "predictions.parquet")
        launch.stage(request.code, folder / "code")
    except OSError as error:
        raise of_disk(error, "the run folder of `judge`") from error
    order = wire.JudgeOrder(
        parent=os.getpid(),
        table=str(folder / "table.arrow"),
        fields=request.fields,
        predictions=str(folder / "predictions.parquet"),
        function=request.function,
        params=request.params,
        seed=request.seed,
        code=str(folder / "code"),
        home=dirname(request.function.rpartition(":")[0]),
    )
    child = launch.Launch(
        folder=folder,
        cwd=folder / "code",
        env=environment.scrubbed(request.environ, folder, request.seed, 1),
        timeout=request.timeout,
        timeout_s=request.timeout_s,
    )
    answer, _ = launch.run(order, wire.JudgeAnswer, child, executor, cancel)
    return checked(answer)
