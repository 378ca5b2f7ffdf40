"""The environment a step runs in: as the spec says when a model is trained, as was recorded when it is asked.

A lock file is kept in the store with what was trained under it, so that a model is asked where it was trained whatever
became of the file. A run that was trained with `use: current` is asked in whichever environment mlspec runs in.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Any

from mlspec.commands.kept_as import asked
from mlspec.commands.session import Session
from mlspec.core import digest
from mlspec.core.head import Run
from mlspec.core.ports import Store, Stored
from mlspec.core.problem import MlspecError, fail
from mlspec.planner.lock import read
from mlspec.specs.model import Model
from mlspec.steps import current, locked
from mlspec.steps.uv import LockFile, Means

_FOLDER = "environments"


def means(session: Session) -> Means:
    """Return what an apply makes environments with."""
    return Means(folder_in(session.workspace.cache), session.environ, session.executor, session.cancel)


def folder_in(cache: Path) -> Path:
    """Return the folder, among the caches, that environments are kept in."""
    return cache / _FOLDER


def planned_lock(session: Session, model: Model) -> LockFile | None:
    """Return the lock file that a model's spec names, None where it names none.

    Raises:
        MlspecError: the file changed after it was planned (`env/lock-changed`).
    """
    if model.train.environment is None:
        return None
    path = model.train.environment.lock
    content = session.workspace.tree.read(path)
    if content is None or digest.of_bytes(content) != session.workspace.loaded.code[model.name].environment:
        raise fail("env/lock-changed", f"`{path}` changed after it was planned", help="plan again")
    return _lock_file(PurePosixPath(path).name, content)


def to_train(session: Session, model: Model, lock: LockFile | None) -> Path | None:
    """Return the Python to train with; None for mlspec's own, which is then as the lock says, if there is one.

    Raises:
        StepFailed, MlspecError: as `steps.locked.python_of` and `steps.current.refuse_other`.
    """
    return python_for(model, lock, means(session))


def python_for(model: Model, lock: LockFile | None, by: Means) -> Path | None:
    """Return the Python that a model is trained with, as `to_train`, by the means of whoever asks."""
    if lock is None or model.train.environment is None:
        return None
    if model.train.environment.use == "current":
        current.refuse_other(lock, by)
        return None
    return locked.python_of(lock, by)


def lock_file(model: Model, content: bytes | None) -> LockFile | None:
    """Return the lock file of a model from its bytes; None where it names none.

    Raises:
        MlspecError: it cannot be read.
    """
    if content is None or model.train.environment is None:
        return None
    return _lock_file(PurePosixPath(model.train.environment.lock).name, content)


def noted(model: Model, lock: LockFile | None) -> dict[str, Any]:
    """Return what the manifest of a run says of its environment; the lock's digest is among the run's fields."""
    if lock is None or model.train.environment is None:
        return {}
    return {"environment": {"file": lock.name, "use": model.train.environment.use}}


def keep(store: Store, lock: LockFile | None) -> dict[str, Stored]:
    """Put a lock into the store; return it by its name among the outputs of training."""
    return {} if lock is None else {"lock": store.put_bytes(lock.content)}


def to_ask(run: Run, store: Store, means: Means) -> Path | None:
    """Return the Python to ask the model of a run with; None for mlspec's own.

    Raises:
        StepFailed, MlspecError: as `steps.locked.python_of`; or the store does not hold the lock.
    """
    lock = trained_under(run, store)
    return locked.python_of(lock, means) if lock is not None else None


def trained_under(run: Run, store: Store) -> LockFile | None:
    """Return the lock of the environment that was made to train a run; None where it was trained in mlspec's own.

    Raises:
        MlspecError: the store does not hold it.
    """
    told = json.loads(store.read(run.manifest)).get("environment")
    kept = asked(run.fields, "train.environment", store)
    if told is None or told["use"] == "current" or kept is None:
        return None
    return _lock_file(PurePosixPath(told["file"]).name, store.read(kept))


def _lock_file(name: str, content: bytes) -> LockFile:
    lock, problems = read(name, content)
    if lock is None:
        raise MlspecError(*problems)
    return LockFile(name, content, lock)
