"""In what form the model of a recorded run is kept; a pickle only where the run's own spec asked for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlspec.core.head import Run
from mlspec.core.ports import Store
from mlspec.core.problem import fail
from mlspec.planner.compact import object_of
from mlspec.steps.wire import Kept, kept_in


def kept_as(run: Run, store: Store, repeat: int = 0) -> Kept:
    """Return how to open the model of a run, or one of its repeats, counted from 1.

    Raises:
        MlspecError: training left a pickle and had not been asked for one (`model/unasked-pickle`); the store does not
            hold what training wrote beside the model.
    """
    manifest = json.loads(store.read(run.manifest))
    kept = kept_in(manifest["repeats"][repeat - 1] if repeat else manifest)
    if kept.form == "pickle":
        refuse_unasked(kept, asked(run.fields, "train.format", store))
    return kept


def refuse_unasked(kept: Kept, form: Any) -> None:
    """Refuse a pickle where the spec asked for another format.

    Raises:
        MlspecError: training left one all the same (`model/unasked-pickle`).
    """
    if kept.form == "pickle" and form != "pickle":
        message = "the model is kept as a pickle, which its spec did not ask for: it is not loaded"
        raise fail("model/unasked-pickle", message, help="see what the training did; it may have meant harm")


def repeat_seeds(run: Run, store: Store) -> tuple[int, ...]:
    """Return the seeds of the repeats of a run, in order.

    Raises:
        MlspecError: the store does not hold what training wrote beside the model.
    """
    return tuple(one["seed"] for one in json.loads(store.read(run.manifest)).get("repeats", ()))


def asked(fields: Mapping[str, Any], name: str, store: Store) -> Any:
    """Return what a run's spec asked for below `train`, None for the default; a large `train` is in the store."""
    moved = object_of(fields, "train")
    return (json.loads(store.read(moved)) if moved else fields).get(name)
