"""The steps of a model that cost something: train in a child, predict in a child, score here."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from mlspec.commands.kept_as import kept_as
from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.commands.tables import Table, load_table
from mlspec.core.finished import Finished, note_of
from mlspec.core.head import Head, Run
from mlspec.core.heads import mentioning, of_kind
from mlspec.core.plan import Action
from mlspec.core.ports import JobResult
from mlspec.core.problem import MlspecError, fail
from mlspec.core.record import Cost, Environment, Object, Record, to_bytes, to_json
from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome, worst
from mlspec.planner.models import ModelView
from mlspec.planner.program import code_of
from mlspec.plugins.catalog import implementation
from mlspec.specs.model import Model
from mlspec.stats.case import Case
from mlspec.stats.evidence import Evidence
from mlspec.steps import baselines
from mlspec.steps.frames import fields_of
from mlspec.steps.predict import Limits, PredictRequest, predict
from mlspec.steps.predictions import Predictions, read_predictions
from mlspec.steps.score import evidence, score
from mlspec.steps.train import Trained, TrainRequest
from mlspec.steps.train import train as run_training

_VERDICT_BYTES = 6 * 1024
_BRIEF_CHECKS = 8
_REASON = 600
"""So many characters of a reason are in a record that has no room for all checks."""


def train(session: Session, action: Action, started: datetime) -> Result:
    """Train the run this commit asks for, and register it where the commit deploys.

    Raises:
        MlspecError: the step failed, the store lacks the data, or the code changed after it was planned.
    """
    view = _view(session, action)
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
    """Train, and put what came of it into the store."""
    fields = _snapshot_fields(session, view, view.dataset.version.digest if view.dataset.version else "")
    table = load_table(session, fields, session.workspace.specs.datasets[view.model.dataset])
    with session.folder() as folder:
        request = TrainRequest(
            model=view.model,
            dataset=table.dataset,
            frame=table.frame[~table.test].reset_index(drop=True),
            code=_code(session, view.model),
            folder=folder,
            environ=session.environ,
        )
        trained = run_training(request, session.executor, session.cancel)
        return _stored(session, action, view, trained)


def _stored(session: Session, action: Action, view: ModelView, trained: Trained) -> Finished:
    store = session.workspace.store
    model, log = store.put(trained.artifact), store.put(trained.log)
    packages = store.put_bytes(_json(dict(trained.packages)))
    manifest = store.put_bytes(
        _json(
            {
                "format": "mlspec.run/1",
                "fingerprint": action.run,
                "model": model.digest,
                "trusted": list(trained.kept.trusted),
                "kept": asdict(trained.kept),
                "rows": trained.rows,
                "features": [
                    column.name for column in session.workspace.specs.datasets[view.model.dataset].with_role("feature")
                ],
                "packages": packages.digest,
                "python": trained.python,
                "platform": trained.platform,
                "log": log.digest,
            }
        )
    )
    named = {"model": model, "manifest": manifest, "packages": packages, "log": log}
    return Finished(
        fingerprint=action.run or "",
        outputs=tuple(Object(name=name, digest=stored.digest, size=stored.size) for name, stored in named.items()),
        rows=trained.rows,
        features=trained.features,
        environment=Environment(python=trained.python, platform=trained.platform, packages=packages.digest),
        cost=_cost(trained.result),
        warnings=trained.warnings,
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
        rows=finished.rows,
        environment=finished.environment,
        cost=finished.cost,
    )
    return draft, *_registration(session, action, started)


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
    outputs = (Object(name="model", digest=run.artifact, size=0), Object(name="manifest", digest=run.manifest, size=0))
    draft = session.author.draft(
        "train",
        action,
        started,
        fingerprint=action.run,
        fields=run.fields,
        inputs={"dataset": run.dataset, "adopted": run.record},
        outputs=outputs,
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


def evaluate(session: Session, action: Action, started: datetime) -> Result:
    """Predict on the test rows without their labels, then join the labels, measure, and judge the gates.

    Raises:
        MlspecError: predicting failed, a metric does not apply, or the store lacks what is needed.
    """
    view = _view(session, action)
    head = session.head(action.address)
    run = head.runs[action.run or ""]
    model = _as_trained(view.model, run)
    table = load_table(
        session, _snapshot_fields(session, view, run.dataset), session.workspace.specs.datasets[model.dataset]
    )
    with session.folder() as folder:
        predictions, outputs, cost = _predictions(session, model, run, table, folder)
    test = table.frame[table.test].reset_index(drop=True)
    shown = evidence(model, table.dataset, test, predictions)
    metrics = score(model, shown)
    gates = view.judged_by(action.run or "")
    case = _case(model, table, test, shown)
    verdicts = tuple(_judge(session, name, gate_digest, case) for name, gate_digest in gates.items())
    recorded, more = _brief(session, verdicts)
    draft = session.author.draft(
        "evaluate",
        action,
        started,
        fingerprint=action.run,
        inputs={"test": run.dataset},
        outputs=(*outputs, *more),
        rows=len(shown.labels),
        metrics=metrics,
        verdicts=recorded,
        gates=gates,
        conforming=_conforming(view, head, action, verdicts) if session.author.origin.deploys else {},
        cost=cost,
    )
    negative = any(verdict.outcome is not Outcome.PASS for verdict in verdicts)
    return Result(
        _told(metrics, verdicts), (draft,), metrics=tuple(metrics.items()), verdicts=verdicts, negative=negative
    )


def _predictions(
    session: Session, model: Model, run: Run, table: Table, folder: Path
) -> tuple[Predictions, tuple[Object, ...], Cost | None]:
    store = session.workspace.store
    known = run.predictions.get(run.dataset)
    path = folder / "predictions.parquet"
    if known is not None and store.has(known):
        store.fetch(known, path)
        return read_predictions(path), (), None
    artifact = folder / "model.artifact"
    store.fetch(run.artifact, artifact)
    features = [column.name for column in table.dataset.with_role("feature")]
    request = PredictRequest(
        task=model.task,
        fields=fields_of(table.dataset.with_role("feature")),
        features=table.frame[table.test][features].reset_index(drop=True),
        artifact=artifact,
        kept=kept_as(run, store),
        folder=folder,
        environ=session.environ,
        limits=Limits(model.train.seed, model.train.threads, model.train.timeout),
    )
    predicted = predict(request, session.executor, session.cancel)
    stored = store.put(predicted.path)
    output = Object(name="predictions", digest=stored.digest, size=stored.size)
    return read_predictions(predicted.path), (output,), _cost(predicted.result)


def _case(model: Model, table: Table, test: pd.DataFrame, shown: Evidence) -> Case:
    """Return what the gates judge; a baseline is made when a check first asks for it."""

    @cache
    def baseline(name: str) -> Evidence:
        said = baselines.predictions(name, model.task, table.dataset, table.frame, table.test)
        return evidence(model, table.dataset, test, said)

    return Case(shown, baseline, baselines.natural(model.task, table.dataset))


def _judge(session: Session, name: str, gate_digest: str, case: Case) -> GateVerdict:
    checks = []
    for check in session.workspace.specs.gates[name].checks:
        checks += implementation(check.implementation)(check, case)
    return GateVerdict(gate=f"gate/{name}", digest=gate_digest, outcome=worst(tuple(checks)), checks=tuple(checks))


def _brief(session: Session, verdicts: tuple[GateVerdict, ...]) -> tuple[tuple[GateVerdict, ...], tuple[Object, ...]]:
    """Return verdicts that fit into a record: of many checks only those that decide, all of them in the store."""
    content = _json([to_json(verdict) for verdict in verdicts])
    if len(content) <= _VERDICT_BYTES:
        return verdicts, ()
    stored = session.workspace.store.put_bytes(content)
    share = max(1, _BRIEF_CHECKS // len(verdicts))
    brief = [verdict.model_copy(update={"checks": _deciding(verdict)[:share]}) for verdict in verdicts]
    return tuple(brief), (Object(name="verdicts", digest=stored.digest, size=stored.size),)


def _deciding(verdict: GateVerdict) -> tuple[CheckVerdict, ...]:
    """Return the checks without what may be long, those that decide first."""
    first = sorted(verdict.checks, key=lambda check: check.outcome is not verdict.outcome)
    return tuple(
        check.model_copy(update={"groups": (), "why": "", "reason": check.reason[:_REASON]}) for check in first
    )


def _conforming(view: ModelView, head: Head, action: Action, verdicts: tuple[GateVerdict, ...]) -> dict[str, bool]:
    """Say, for the stages this run holds, whether it passes every gate on the way there."""
    passes = {verdict.gate.partition("/")[2]: verdict.outcome is Outcome.PASS for verdict in verdicts}
    version = head.version_of(action.run)
    held = [
        stage for stage in view.stages if version and stage in head.stages and head.stages[stage].version == version.n
    ]
    return {stage: all(passes.get(gate, False) for gate in view.chain(stage)) for stage in held}


def _as_trained(model: Model, run: Run) -> Model:
    """Return the model with the task and positive value that the run was trained for."""
    update = {"task": run.fields.get("task", model.task), "positive": run.fields.get("positive")}
    return model.model_copy(update=update)


def _view(session: Session, action: Action) -> ModelView:
    return session.seen.models[action.address.partition("/")[2]]


def _snapshot_fields(session: Session, view: ModelView, version: str) -> dict[str, Any]:
    own = session.head(view.dataset.address)
    for head in chain((own,), of_kind(session.state.heads, "dataset")):
        if version in head.snapshots:
            return head.snapshots[version].fields
    raise fail("lineage/no-snapshot", f"the dataset version {version} of {view.address} is not recorded")


def _told(metrics: dict[str, Estimate], verdicts: tuple[GateVerdict, ...]) -> str:
    parts = [
        f"{name} {estimate.value:.4g}" if estimate.value is not None else f"{name} undefined"
        for name, estimate in metrics.items()
    ]
    parts += [f"{verdict.gate} {verdict.outcome.value}" for verdict in verdicts]
    return ", ".join(parts)


def _cost(result: JobResult) -> Cost:
    return Cost(
        wall_s=round(result.wall_s, 3), cpu_s=round(result.cpu_s, 3), peak_memory_bytes=result.peak_memory_bytes
    )


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=1).encode() + b"\n"
