"""Training as the child process does it: fit, save, load back, and see that the loaded model predicts the same.

A command fits and saves by itself: of what it leaves, it is seen that it can be loaded and predicts.
"""

from __future__ import annotations

import platform
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlspec.steps import command, entrypoint, frames, leavings, prepare
from mlspec.steps.asking import ask, near, same
from mlspec.steps.boundary import RETURNING, Boundary, ChildFailed, collected_warnings
from mlspec.steps.kept import Formats, opened
from mlspec.steps.packages import installed
from mlspec.steps.predictions import Predictions, check, check_known
from mlspec.steps.wire import Failure, Kept, TrainAnswer, TrainOrder

_CHECKED_ROWS = 1000
_ARGUMENTS = ("data", "params", "seed")


def run(order: TrainOrder, formats: Formats) -> TrainAnswer:
    """Carry out an order.

    Raises:
        ChildFailed: the user's code, or what it returned, is at fault.
        MlspecError: the data or the parameters are.
    """
    frame = frames.read(Path(order.table))
    features = frames.with_role(order.fields, "feature")
    packages = installed()
    _seed(order.seed)
    with collected_warnings() as warned:
        if order.command:
            kept = _by_command(order, formats, frame)
        elif order.entrypoint is not None:
            kept = _keep(order, formats, _from_entrypoint(order, order.entrypoint, frame), frame)
        else:
            models = formats(order.format)
            model = _from_estimator(order, order.estimator or "", frame, models.check)
            kept = _keep(order, formats, model, frame)
    return TrainAnswer(
        kept=kept,
        rows=len(frame),
        features=len(features),
        packages=packages,
        python=platform.python_version(),
        platform=platform.platform(),
        warnings=tuple(warned),
    )


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)


def _from_estimator(order: TrainOrder, path: str, frame: pd.DataFrame, check_kept: Callable[[type[Any]], None]) -> Any:
    name = path.rpartition(".")[2]
    boundary = Boundary(Path(order.code), f"fitting `{name}`", "train/fit-failed")
    model = boundary.call(lambda: prepare.estimator(path, order.params, order.seed, order.threads))
    prepare.check_task(model, order.task)
    check_kept(type(model))
    pipeline = prepare.pipeline(model, order.fields)
    target = prepare.labels(prepare.target(frame, order.fields, order.task))
    arguments = prepare.fit_arguments(model, prepare.weights(frame, order.fields))
    features = frame[frames.with_role(order.fields, "feature")]
    return boundary.call(lambda: pipeline.fit(features, target, **arguments))


def _from_entrypoint(order: TrainOrder, name: str, frame: pd.DataFrame) -> Any:
    file, _, function = name.rpartition(":")
    boundary = Boundary(Path(order.code), f"`{function}`", "train/raised", "return the fitted model instead")
    training = entrypoint.training_data(frame, order.fields, order.task)
    train = entrypoint.find(name, Path(order.code), order.home, _ARGUMENTS)
    model = boundary.call(lambda: train(training, dict(order.params), order.seed))
    if model is None:
        message = f"`{function}` returned nothing"
        raise ChildFailed(Failure("train/no-model", message, file, 0, "end it with `return model`"))
    if not callable(getattr(model, "predict", None)):
        message = f"`{function}` returned a {type(model).__qualname__}, which has no `predict`"
        hint = "return a fitted estimator with scikit-learn's interface"
        raise ChildFailed(Failure("train/no-model", message, file, 0, hint))
    return model


def _by_command(order: TrainOrder, formats: Formats, frame: pd.DataFrame) -> Kept:
    formats(order.format)  # what it needs may not be installed, which is better known before
    target = prepare.target(frame, order.fields, order.task)
    prepare.weights(frame, order.fields)
    command.run(order)
    kept = leavings.kept(order, formats)
    sample = frame[frames.with_role(order.fields, "feature")].iloc[:_CHECKED_ROWS]
    code = Path(order.code)
    loading = Boundary(code, "loading what the command left", "train/load-failed")
    asked = loading.call(lambda: opened(kept, Path(order.output), code, order.task, formats))
    name = f"`{order.predict.rpartition(':')[2]}`" if order.predict else "what the command left"
    predicting = Boundary(code, f"predicting training rows with {name}", "train/predict-failed", RETURNING)
    predictions = predicting.call(lambda: asked(sample))
    _check(predictions, sample, target, order.task)
    return kept


def _keep(order: TrainOrder, formats: Formats, model: Any, frame: pd.DataFrame) -> Kept:
    models = formats(order.format)
    sample = frame[frames.with_role(order.fields, "feature")].iloc[:_CHECKED_ROWS]
    path = Path(order.output) / Kept(order.format).file
    name = type(model).__qualname__
    predicting = Boundary(
        Path(order.code), f"predicting training rows with `{name}`", "train/predict-failed", RETURNING
    )
    predicting.call(lambda: prepare.check_other_task(model, order.task))
    before = predicting.call(lambda: ask(model, sample, order.task))
    _check(before, sample, prepare.target(frame, order.fields, order.task), order.task)
    saving = Boundary(Path(order.code), f"saving `{name}`", "train/save-failed")
    own = entrypoint.own(Path(order.code), order.home if order.entrypoint is not None else None)
    trusted = saving.call(lambda: models.save(model, path, own))
    loading = Boundary(Path(order.code), f"loading `{name}` back", "train/not-reproduced-by-load")
    after = loading.call(lambda: ask(models.load(path, trusted, own), sample, order.task))
    if not (same(before, after) if models.EXACT else near(before, after)):
        message = f"`{name}`, saved and loaded back, predicts other values than before it was saved"
        hint = "does it keep state outside its attributes, or draw random numbers when predicting?"
        raise ChildFailed(Failure("train/not-reproduced-by-load", message, help=hint))
    if order.entrypoint is not None and (order.format == "pickle" or any(map(own, trusted))):
        return Kept(order.format, trusted, order.home, order.entrypoint.rpartition(":")[0])
    return Kept(order.format, trusted)


def _check(predictions: Predictions, sample: pd.DataFrame, target: pd.Series[Any], task: str) -> None:
    """Refuse what no model says about these rows, or about this target."""
    check(predictions, len(sample), task)
    if task == "classification":
        check_known(predictions, set(target.tolist()))
