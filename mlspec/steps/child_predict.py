"""Predicting as the child process does it: load the model as it is kept, ask it, check, write."""

from __future__ import annotations

from pathlib import Path

from mlspec.steps import frames
from mlspec.steps.boundary import RETURNING, Boundary
from mlspec.steps.kept import Formats, opened
from mlspec.steps.predictions import check, write
from mlspec.steps.wire import PredictAnswer, PredictOrder


def run(order: PredictOrder, formats: Formats) -> PredictAnswer:
    """Carry out an order.

    Raises:
        ChildFailed: the model, or code that it brings, raised something.
        MlspecError: it can't be loaded, or its predictions can't be what a model says.
    """
    features = frames.read(Path(order.table))
    code = Path(order.code)
    loading = Boundary(code, "loading the model", "predict/raised")
    ask = loading.call(lambda: opened(order.kept, Path(order.model), code, order.task, formats))
    predicting = Boundary(code, "the model", "predict/raised", RETURNING)
    predictions = predicting.call(lambda: ask(features))
    check(predictions, len(features), order.task)
    write(predictions, Path(order.predictions))
    return PredictAnswer(rows=len(features))
