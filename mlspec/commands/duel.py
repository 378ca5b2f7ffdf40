"""A version beside the champion: the champion predicts the same test rows, less those that it was trained on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlspec.commands.asking import ask, fetched
from mlspec.commands.fields import recorded_dataset
from mlspec.commands.of_model import snapshot_fields
from mlspec.commands.session import Session
from mlspec.commands.tables import load_table
from mlspec.commands.trial import Trial
from mlspec.core.head import Run
from mlspec.core.ports import Store
from mlspec.core.problem import MlspecError
from mlspec.core.types import TEXTS
from mlspec.planner.garbage import ROW_KEY
from mlspec.specs.dataset import Dataset
from mlspec.stats.case import Duel, NoDuel
from mlspec.stats.evidence import Evidence
from mlspec.steps import trained_rows
from mlspec.steps.failures import StepFailed
from mlspec.steps.frames import Field, fields_of
from mlspec.steps.predictions import Predictions
from mlspec.steps.score import evidence


def row_key(store: Store) -> bytes:
    """Return the key of the hashes of training rows: drawn once, and kept in the store alone."""
    return store.note(ROW_KEY, secrets.token_hex(32).encode())


class _Away(Exception):
    """The champion cannot be asked, and why."""


def duel(trial: Trial, champion: str) -> Duel | NoDuel:
    """Set a version beside the run of the champion; without one there is no duel.

    Raises:
        MlspecError: the world is in the way (a full disk, a lost store), so that trying again may help.
    """
    run = trial.head.runs.get(champion)
    if run is None:
        return NoDuel()
    version = trial.head.version_of(champion)
    name = f"v{version.n}" if version else "the champion"
    try:
        return _duel(trial, champion, run, name)
    except _Away as away:
        return NoDuel(name, str(away))


def _duel(trial: Trial, champion: str, run: Run, name: str) -> Duel:
    model = trial.model
    asked = (run.fields.get("task", model.task), run.fields.get("positive"))
    if asked != (model.task, model.positive):
        raise _Away("it predicts something else: its task or positive value differs")
    if run.dataset != trial.run.dataset:
        _check_target(trial, run)
    predictions = _predictions(trial, champion, run)
    try:
        theirs = evidence(model, trial.table.dataset, trial.table.tested, predictions)
    except MlspecError as error:
        raise _Away(f"what it says of these rows cannot be judged: {error.problems[0].message}") from error
    if run.dataset == trial.run.dataset:  # the split is the same: no test row was for training
        return Duel(name, trial.evidence, theirs)
    strange = _of_strange_classes(theirs, predictions)
    if strange:
        raise _Away(f"it does not know the class of {strange:,} of {len(theirs):,} test rows")
    fresh = np.flatnonzero(~_trained_on(trial, run))
    left_out = len(theirs) - len(fresh)
    return Duel(name, trial.evidence.subset(fresh), theirs.subset(fresh), left_out)


def _check_target(trial: Trial, run: Run) -> None:
    """Refuse a champion that was trained to predict another column, or one of another type."""
    try:
        then = _dataset(trial, run).target
    except MlspecError as error:
        raise _Away("what it was trained to predict is not known any more") from error
    now = trial.table.dataset.target
    assert now is not None  # else the version itself could not be judged
    if then is None or then.name != now.name:
        raise _Away(f"it predicts something else: the target is `{now.name}` now")
    if then.type != now.type and not {then.type, now.type} <= TEXTS:
        raise _Away(f"it predicts something else: `{now.name}` was {then.type}, and is {now.type} now")


def _of_strange_classes(theirs: Evidence, predictions: Predictions) -> int:
    """Return how many rows are of a class that a model does not know; those follow the ones that it knows."""
    return 0 if predictions.classes is None else int(np.sum(theirs.labels >= len(predictions.classes)))


def _predictions(trial: Trial, champion: str, run: Run) -> Predictions:
    store, test = trial.session.workspace.store, trial.run.dataset
    known = run.predictions.get(test)
    if known is not None and store.has(known):
        return fetched(trial.session, known)
    if run.expired or not store.has(run.artifact):
        raise _Away("its model is no longer kept")
    fields = _fields(trial, run)
    try:
        asked = ask(trial.session, trial.model, run, trial.table.tested, fields)
    except StepFailed as failed:
        if failed.retryable or trial.session.cancel.is_set():
            raise
        raise _Away(f"it cannot predict these rows: {failed.problems[0].message}") from failed
    trial.predicted[champion] = asked.output
    return asked.predictions


def _fields(trial: Trial, run: Run) -> tuple[Field, ...]:
    """Return the features the champion was trained on, which the test rows must have, of the same types."""
    wanted = json.loads(trial.session.workspace.store.read(run.manifest))["features"]
    fields = {field.name: field for field in fields_of(_dataset(trial, run).columns)}
    now = {column.name: column.type for column in trial.table.dataset.columns}
    target = trial.table.dataset.target
    for feature in wanted:
        if target is not None and feature == target.name:
            raise _Away(f"it needs the column `{feature}`, which is what is to be predicted now")
        if feature not in now:
            raise _Away(f"it needs the column `{feature}`, which these data do not have")
        if feature not in fields or now[feature] != fields[feature].type:
            raise _Away(f"the column `{feature}` is of another type than when it was trained")
    return tuple(fields[feature] for feature in wanted)


def _dataset(trial: Trial, run: Run) -> Dataset:
    return recorded_dataset(trial.session.workspace.store, trial.model.dataset, _snapshot(trial, run))


def _snapshot(trial: Trial, run: Run) -> Mapping[str, Any]:
    return snapshot_fields(trial.session, trial.view, run.dataset)


def _trained_on(trial: Trial, run: Run) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Say which test rows were among those that a run was trained on, by their hashes, else by its snapshot."""
    store, rows, dataset = trial.session.workspace.store, trial.table.tested, trial.table.dataset
    key, found = row_key(store), None
    if run.rows is not None and store.has(run.rows):
        found = trained_rows.among(store.read(run.rows), rows, dataset, key)
    if found is None:
        found = trained_rows.among(_sealed_anew(trial, run, key), rows, dataset, key)
    if found is None:
        raise _Away("which rows it was trained on cannot be told: the columns that tell are not there any more")
    return found


def _sealed_anew(trial: Trial, run: Run, key: bytes) -> bytes:
    """Return the hashes of a run's training rows, from its snapshot: of the columns that today's rows have as well."""
    try:
        table = load_table(trial.session, _snapshot(trial, run), _named(trial.session, trial.model.dataset))
    except MlspecError as error:
        raise _Away("which rows it was trained on is not known any more") from error
    return trained_rows.seal(table.trained, trained_rows.shared(table.dataset, trial.table.dataset), key)


def _named(session: Session, dataset: str) -> Dataset:
    return session.workspace.specs.datasets[dataset]
