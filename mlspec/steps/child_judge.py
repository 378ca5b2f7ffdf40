"""Judging as the child process does it: lay out the test rows and what was said of them, call the user's function."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlspec.steps import entrypoint, frames
from mlspec.steps.boundary import Boundary
from mlspec.steps.frames import Field, with_role
from mlspec.steps.judgement import answer_of
from mlspec.steps.predictions import Predictions, read_predictions
from mlspec.steps.wire import JudgeAnswer, JudgeOrder

_ARGUMENTS = ("data", "params")


@dataclass(frozen=True, slots=True)
class JudgedData:
    """What a function that judges gets as its first argument: the test rows, each in the same place everywhere."""

    frame: pd.DataFrame
    """Every declared column but the target and those to ignore."""
    labels: pd.Series[Any]
    """The target."""
    predicted: pd.Series[Any]
    """What the model predicted."""
    scores: pd.DataFrame | None
    """The probability of each class, by class; None where the model gives none."""
    weight: pd.Series[float] | None
    """The column with the role weight."""


def run(order: JudgeOrder) -> JudgeAnswer:
    """Carry out an order.

    Raises:
        ChildFailed: the user's code, or what it returned, is at fault.
        MlspecError: the rows or the predictions cannot be read.
    """
    code = Path(order.code)
    judged = judged_data(frames.read(Path(order.table)), order.fields, read_predictions(Path(order.predictions)))
    random.seed(order.seed)
    np.random.seed(order.seed)
    name = order.function.rpartition(":")[2]
    function = entrypoint.find(order.function, code, order.home, _ARGUMENTS)
    boundary = Boundary(code, f"`{name}`", "judge/raised", "return the verdict instead")
    # What it returns is of its own making, and may do anything when it is asked.
    return boundary.call(lambda: answer_of(function(judged, dict(order.params))))


def judged_data(frame: pd.DataFrame, fields: Sequence[Field], said: Predictions) -> JudgedData:
    """Lay out the test rows for the user.

    Raises:
        MlspecError: there are not as many predictions as rows (`predict/wrong-length`).
    """
    (target,) = with_role(fields, "target")
    weights = with_role(fields, "weight")
    classes = None if said.classes is None else list(said.classes)
    return JudgedData(
        frame=frame[[field.name for field in fields if field.name != target]],
        labels=frame[target],
        predicted=pd.Series(said.predicted, index=frame.index, name="predicted"),
        scores=None if said.scores is None else pd.DataFrame(said.scores, index=frame.index, columns=classes),
        weight=frame[weights[0]].astype("float64") if weights else None,
    )
