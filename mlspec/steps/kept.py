"""A kept model, opened again in a child process: a function that says what the model predicts for rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from mlspec.steps import entrypoint
from mlspec.steps.asking import ask, column, in_order, numbers
from mlspec.steps.predictions import Predictions
from mlspec.steps.wire import Kept

PREDICT = ("frame", "folder")
"""What a user's predicting function takes: a frame of the feature columns, and the folder that training filled."""


Own = Callable[[str], bool]
"""Whether a name, such as that of a class, is of the model's own code."""


class ModelFormat(Protocol):
    """How a model is kept: `formats.skops_format` is one."""

    EXACT: bool
    """Whether a model that was saved and loaded predicts the very same."""

    def check(self, kind: type[Any]) -> None:
        """Refuse a class of estimators that cannot be kept, before it is fitted."""
        ...

    def save(self, model: object, path: Path, own: Own, /) -> tuple[str, ...]:
        """Write a model; return the types that loading it must accept."""
        ...

    def load(self, path: Path, trusted: Iterable[str], own: Own, /) -> Any:
        """Load a model, accepting those types only."""
        ...

    def untrusted(self, path: Path, /) -> tuple[str, ...]:
        """Return the types that loading a file must accept, none of it loaded."""
        ...


Formats = Callable[[str], ModelFormat]
"""Formats by their names."""


def opened(kept: Kept, model: Path, code: Path, task: str, formats: Formats) -> Callable[[pd.DataFrame], Predictions]:
    """Open the model whose files are in a folder.

    Raises:
        ChildFailed: importing its code raised something.
        MlspecError: it can't be loaded.
    """
    if kept.form == "files":
        function = entrypoint.find(kept.entry or "", code, kept.home or "", PREDICT)
        return lambda frame: said(in_order(function(frame.copy(deep=False), model), frame.index), task)
    if kept.home is not None:
        entrypoint.enter(kept.entry, code, kept.home)
    own = entrypoint.own(code, kept.home)
    loaded = formats(kept.form).load(model / kept.file, kept.trusted, own)
    return lambda frame: ask(loaded, frame, task)


def said(returned: Any, task: str) -> Predictions:
    """Take what a predicting function returned: one value a row or, in a DataFrame, a probability for each class."""
    if isinstance(returned, pd.DataFrame) and task == "classification":
        classes = np.asarray(returned.columns, dtype=object)
        scores = numbers(returned, "probabilities")
        missing = np.isnan(scores).any(axis=1)
        predicted = classes[np.where(missing[:, None], 0.0, scores).argmax(axis=1)]
        predicted[missing] = None
        return Predictions(predicted, tuple(classes.tolist()), scores=scores)
    return Predictions(column(returned))
