"""Predicting as the child process does it: load the model as it is kept, ask it, check, write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from mlspec.core.problem import MlspecError
from mlspec.steps import frames
from mlspec.steps.boundary import RETURNING, Boundary, ChildFailed
from mlspec.steps.kept import Formats, opened
from mlspec.steps.predictions import Predictions, check, write
from mlspec.steps.variants import Answered, alike, write_variants
from mlspec.steps.wire import PredictAnswer, PredictOrder

Ask = Callable[[pd.DataFrame], Predictions]


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

    def checked(rows: pd.DataFrame) -> Predictions:
        said = predicting.call(lambda: ask(rows))
        check(said, len(rows), order.task)
        return said

    predictions = checked(features)
    if order.variants:
        answered = _answered(order, features, predictions, checked)
        write_variants(predictions, tuple(answered), Path(order.predictions))
    else:
        write(predictions, Path(order.predictions))
    return PredictAnswer(rows=len(features))


def _answered(order: PredictOrder, features: pd.DataFrame, base: Predictions, ask: Ask) -> Iterator[Answered]:
    """Yield what the model says of each change; that it fails at one is an answer, and stops nothing."""
    for variant in order.variants:
        rows = features.assign(**{variant.column: frames.read(Path(variant.table))[variant.column]})
        words, said = "", None
        try:
            said = ask(rows)
        except ChildFailed as failed:
            words = in_words(failed)
        except MlspecError as error:
            words = error.problems[0].message
        if said is not None and not alike(base, said):
            said, words = None, "the model answers in another form than of the rows as they are"
        yield Answered(variant.perturbation, variant.column, said, words)


def in_words(failed: ChildFailed) -> str:
    """Say what was raised, and where in the user's code; not with what message, which may quote the rows."""
    cause, failure = failed.__cause__, failed.failure
    if isinstance(cause, MlspecError) or cause is None:
        return failure.message
    place = f" at {failure.file}:{failure.line}" if failure.file else ""
    return f"the model raised {type(cause).__qualname__}{place}"
