"""Predicting as the child process does it: load the model by its record's trust list, ask it, check, write."""

from __future__ import annotations

from pathlib import Path

from mlspec.steps import frames
from mlspec.steps.asking import ask
from mlspec.steps.boundary import Boundary
from mlspec.steps.child_train import ModelFormat
from mlspec.steps.predictions import check, write
from mlspec.steps.wire import PredictAnswer, PredictOrder


def run(order: PredictOrder, models: ModelFormat) -> PredictAnswer:
    """Carry out an order.

    Raises:
        ChildFailed: the model raised something.
        MlspecError: it can't be loaded, or its predictions can't be what a model says.
    """
    features = frames.read(Path(order.table))
    model = models.load(Path(order.artifact), order.trusted)
    boundary = Boundary(Path(order.table).parent, "the model", "predict/raised")
    predictions = boundary.call(lambda: ask(model, features, order.task))
    check(predictions, len(features), order.task)
    write(predictions, Path(order.predictions))
    return PredictAnswer(rows=len(features))
