"""The step `train`: has a child train a model, keeps what came of it, and registers it where the commit deploys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlspec.commands import surroundings
from mlspec.commands.duel import row_key
from mlspec.commands.of_model import cost_of, json_bytes, snapshot_fields, view_of
from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.commands.tables import Table, load_table
from mlspec.core.finished import Finished, note_of
from mlspec.core.head import Run
from mlspec.core.heads import mentioning, of_kind
from mlspec.core.plan import Action
from mlspec.core.ports import Stored
from mlspec.core.problem import MlspecError, fail
from mlspec.core.record import Cost, Environment, Object, Record, to_bytes
from mlspec.planner.fields import DERIVED
from mlspec.planner.program import code_of
from mlspec.planner.view import ModelView
from mlspec.specs.model import Model
from mlspec.steps import source as sources
from mlspec.steps.failures import StepFailed, of_disk
from mlspec.steps.source import Source
from mlspec.steps.train import Trained, TrainRequest
from mlspec.steps.train import train as run_training
from mlspec.steps.trained_rows import seal
from mlspec.steps.uv import LockFile


def train(session: Session, action: Action, started: datetime) -> Result:
    """Train the run this commit asks for, and register it where the commit deploys.

    Raises:
        MlspecError: the step failed, the store lacks the data, or the code changed after it was planned.
    """
    view = view_of(session, action)
    adopted = _adoptable(session, action)
    if adopted is not None:
        return _adopt(session, action, started, adopted)
    if not session.begin(action, started):
        told = "another apply trained it meanwhile"
        return Result(told, _registration(session, action, started), "reused", _registered_as(session, action))
    found = _found(session, action.run or "")
    if found is not None:
        drafts = _training_records(session, action, started, view, found)
        return Result(
            "its training had finished; it is recorded now", drafts, "reused", _registered_as(session, action)
        )
    finished = _noted(session, _trained(session, action, view))
    drafts = _training_records(session, action, started, view, finished)
    told = f"{finished.rows:,} rows, {finished.features} features"
    return Result(told, drafts, version=_registered_as(session, action), remarks=finished.warnings)


def _trained(session: Session, action: Action, view: ModelView) -> Finished:
    """Train, as often as the spec says, and put what came of it into the store."""
    lock = surroundings.planned_lock(session, view.model)
    python = surroundings.to_train(session, view.model, lock)
    fields = snapshot_fields(session, view, view.dataset.version.digest if view.dataset.version else "")
    table = load_table(session, fields, session.workspace.specs.datasets[view.model.dataset])
    source = Source(view.model, table.dataset, _code(session, view.model), lock.content if lock else None)
    every = tuple(_fitted(session, source, table, python, repeat) for repeat in range(view.model.train.repeats))
    return _stored(session, action, _Made(source, table, every, lock))


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A model in the store, with its seed and what training said of it."""

    seed: int
    model: Object
    log: Object
    trained: Trained


@dataclass(frozen=True, slots=True)
class _Made:
    """All that a training made, and what of: the model first, then its repeats."""

    source: Source
    table: Table
    every: tuple[_Fitted, ...]
    lock: LockFile | None


def _fitted(session: Session, source: Source, table: Table, python: Path | None, repeat: int) -> _Fitted:
    """Train with the seed of the spec, or the one that lies so many after it.

    Raises:
        StepFailed: training failed; of a repeat, its message names the seed.
    """
    model, store = source.model, session.workspace.store
    seed = model.train.seed + repeat
    seeded = model.model_copy(update={"train": model.train.model_copy(update={"seed": seed})})
    with session.folder() as folder:
        request = TrainRequest(
            model=seeded,
            dataset=table.dataset,
            frame=table.trained,
            code=source.code,
            folder=folder,
            environ=session.environ,
            python=python,
        )
        try:
            trained = run_training(request, session.executor, session.cancel)
        except StepFailed as failed:
            raise (failed.of(f"with seed {seed}") if repeat else failed) from failed.__cause__
        stored, log = store.put(trained.artifact), store.put(trained.log)
    named = Object(name="repeat" if repeat else "model", digest=stored.digest, size=stored.size)
    return _Fitted(seed, named, Object(name="log", digest=log.digest, size=log.size), trained)


def _stored(session: Session, action: Action, made: _Made) -> Finished:
    store, table, every = session.workspace.store, made.table, made.every
    first, *repeats = every
    trained = first.trained
    rows = store.put_bytes(seal(table.trained, table.dataset, row_key(store)))
    packages = store.put_bytes(json_bytes(dict(trained.packages)))
    source = _kept_source(session, made.source)
    manifest = store.put_bytes(
        json_bytes(
            {
                "format": "mlspec.run/1",
                "fingerprint": action.run,
                "model": first.model.digest,
                "trusted": list(trained.kept.trusted),
                "kept": asdict(trained.kept),
                "rows": trained.rows,
                "features": [column.name for column in table.dataset.with_role("feature")],
                "packages": packages.digest,
                "python": trained.python,
                "platform": trained.platform,
                "log": first.log.digest,
                "source": source.digest,
                **({"repeats": [_repeat(one) for one in repeats]} if repeats else {}),
                **surroundings.noted(made.source.model, made.lock),
            }
        )
    )
    named = {"manifest": manifest, "packages": packages, "rows": rows, "source": source}
    named |= surroundings.keep(store, made.lock)
    others = tuple(Object(name=name, digest=stored.digest, size=stored.size) for name, stored in named.items())
    return Finished(
        fingerprint=action.run or "",
        outputs=(first.model, *others, *(one.log for one in every), *(one.model for one in repeats)),
        rows=trained.rows,
        features=trained.features,
        environment=Environment(python=trained.python, platform=trained.platform, packages=packages.digest),
        cost=_together([cost_of(one.trained.result) for one in every]),
        warnings=tuple(dict.fromkeys(warning for one in every for warning in one.trained.warnings)),
    )


def _kept_source(session: Session, source: Source) -> Stored:
    """Keep what the model was trained from: its commit may not stay."""
    with session.folder() as folder:
        try:
            packed = sources.pack(source, folder)
        except OSError as error:
            raise of_disk(error, "the code of the model") from error
        return session.workspace.store.put(packed)


def _repeat(fitted: _Fitted) -> dict[str, Any]:
    kept = fitted.trained.kept
    return {"seed": fitted.seed, "model": fitted.model.digest, "trusted": list(kept.trusted), "kept": asdict(kept)}


def _together(costs: Sequence[Cost]) -> Cost:
    """Return what trainings cost that ran one after another."""
    return Cost(
        wall_s=round(sum(cost.wall_s for cost in costs), 3),
        cpu_s=round(sum(cost.cpu_s for cost in costs), 3),
        peak_memory_bytes=max(cost.peak_memory_bytes for cost in costs),
    )


def _noted(session: Session, finished: Finished) -> Finished:
    """Leave word of a finished training; where someone else's is there already, go by that."""
    there = session.workspace.store.note(finished.note, to_bytes(finished))
    session.sharing.settle()
    return _usable(session, there, finished.fingerprint) or finished


def _found(session: Session, fingerprint: str) -> Finished | None:
    """Return a training that had finished and was not recorded, if its word and its objects are there."""
    try:
        there = session.workspace.store.noted(note_of(fingerprint))
    except MlspecError as error:
        if error.problems[0].code != "store/damaged":
            raise
        return None
    return _usable(session, there, fingerprint) if there is not None else None


def _usable(session: Session, content: bytes, fingerprint: str) -> Finished | None:
    try:
        finished = Finished.model_validate_json(content)
    except ValidationError:
        return None
    whole = all(session.workspace.store.has(output.digest) for output in finished.outputs)
    return finished if whole and finished.fingerprint == fingerprint else None


def _training_records(
    session: Session, action: Action, started: datetime, view: ModelView, finished: Finished
) -> tuple[Record, ...]:
    draft = session.author.draft(
        "train",
        action,
        started,
        fingerprint=action.run,
        fields=view.wanted.fields if view.wanted else {},
        inputs={"dataset": view.dataset.version.digest if view.dataset.version else ""},
        outputs=(*finished.outputs, *session.keep(view.wanted.objects if view.wanted else {})),
        gates=dict(view.gates),
        in_force=in_force(session, view),
        rows=finished.rows,
        environment=finished.environment,
        cost=finished.cost,
    )
    return draft, *_registration(session, action, started)


def in_force(session: Session, view: ModelView) -> dict[str, str]:
    """Return the gates in force on the deployed branch: where this commit deploys, its own; else those recorded."""
    if session.author.origin.deploys:
        return dict(view.gates)
    heads = of_kind(session.state.heads, "gate")
    found = {head.address.partition("/")[2]: head.facts.get(DERIVED) for head in heads if not head.retired}
    return {name: key for name, key in found.items() if key is not None}


def _registration(session: Session, action: Action, started: datetime) -> tuple[Record, ...]:
    if not session.author.origin.deploys:
        return ()
    return (session.author.draft("register", action, started, fingerprint=action.run),)


def _registered_as(session: Session, action: Action) -> int | None:
    """Return the number that a run has or will get, where this commit gives one."""
    if not session.author.origin.deploys:
        return None
    head = session.head(action.address)
    known = head.version_of(action.run)
    return known.n if known else max((version.n for version in head.versions), default=0) + 1


def _adoptable(session: Session, action: Action) -> Run | None:
    """Return an equal run of another model whose bytes are still here."""
    for head in mentioning(session.state.heads, action.run or ""):
        run = head.runs[action.run or ""] if head.trained(action.run) else None
        if run is not None and session.workspace.store.has(run.artifact) and session.workspace.store.has(run.manifest):
            return run
    return None


def _adopt(session: Session, action: Action, started: datetime, run: Run) -> Result:
    named = {"model": run.artifact, "manifest": run.manifest} | ({"rows": run.rows} if run.rows else {})
    source = json.loads(session.workspace.store.read(run.manifest)).get("source")
    named |= {"source": source} if source else {}
    known = [*named.items(), *(("repeat", one) for one in run.repeats)]
    outputs = tuple(Object(name=name, digest=one, size=0) for name, one in known)
    draft = session.author.draft(
        "train",
        action,
        started,
        fingerprint=action.run,
        fields=run.fields,
        inputs={"dataset": run.dataset, "adopted": run.record},
        outputs=outputs,
        in_force=run.in_force,
    )
    return Result(
        "an equal run is recorded; nothing was trained", (draft, *_registration(session, action, started)), "reused"
    )


def _code(session: Session, model: Model) -> dict[str, bytes]:
    """Read the import closure again, and refuse it if it is not what was planned."""
    planned = session.workspace.loaded.code[model.name].closure
    if planned is None:
        return {}
    tree = session.workspace.tree
    now, _ = code_of(model.train, tree)
    contents = {path: tree.read(path) for path in planned.files}
    if now is None or now.digest != planned.digest or None in contents.values():
        raise fail("code/changed", f"the code of model/{model.name} changed after it was planned", help="plan again")
    return {path: content for path, content in contents.items() if content is not None}
