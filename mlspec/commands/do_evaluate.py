"""The step `evaluate`: predict the test rows in a child, without their labels; then measure and judge, here."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from mlspec.commands.judging import Trial, brief, case_of, judged
from mlspec.commands.kept_as import kept_as
from mlspec.commands.of_model import cost_of, snapshot_fields, view_of
from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.commands.tables import Table, load_table
from mlspec.core.head import Head, Run
from mlspec.core.plan import Action
from mlspec.core.record import Cost, Object
from mlspec.core.verdict import Estimate, GateVerdict, Outcome
from mlspec.planner.models import ModelView
from mlspec.specs.model import Model
from mlspec.steps.frames import fields_of
from mlspec.steps.predict import Limits, PredictRequest, predict
from mlspec.steps.predictions import Predictions, read_predictions
from mlspec.steps.score import evidence, score


def evaluate(session: Session, action: Action, started: datetime) -> Result:
    """Predict on the test rows without their labels, then join the labels, measure, and judge the gates.

    Raises:
        MlspecError: predicting failed, a metric does not apply, or the store lacks what is needed.
    """
    view = view_of(session, action)
    head = session.head(action.address)
    run = head.runs[action.run or ""]
    model = _as_trained(view.model, run)
    table = load_table(
        session, snapshot_fields(session, view, run.dataset), session.workspace.specs.datasets[model.dataset]
    )
    with session.folder() as folder:
        predictions, outputs, cost = _predictions(session, model, run, table, folder)
    shown = evidence(model, table.dataset, table.tested, predictions)
    metrics = score(model, shown)
    gates = view.judged_by(action.run or "")
    trial = Trial(session, view, model, run, table, shown)
    case = case_of(trial)
    verdicts = tuple(judged(trial, name, gate_digest, case) for name, gate_digest in gates.items())
    recorded, more = brief(session, verdicts)
    draft = session.author.draft(
        "evaluate",
        action,
        started,
        fingerprint=action.run,
        inputs={"test": run.dataset},
        outputs=(*outputs, *trial.kept, *more),
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
        features=table.tested[features],
        artifact=artifact,
        kept=kept_as(run, store),
        folder=folder,
        environ=session.environ,
        limits=Limits(model.train.seed, model.train.threads, model.train.timeout),
    )
    predicted = predict(request, session.executor, session.cancel)
    stored = store.put(predicted.path)
    output = Object(name="predictions", digest=stored.digest, size=stored.size)
    return read_predictions(predicted.path), (output,), cost_of(predicted.result)


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


def _told(metrics: dict[str, Estimate], verdicts: tuple[GateVerdict, ...]) -> str:
    parts = [
        f"{name} {estimate.value:.4g}" if estimate.value is not None else f"{name} undefined"
        for name, estimate in metrics.items()
    ]
    parts += [f"{verdict.gate} {verdict.outcome.value}" for verdict in verdicts]
    return ", ".join(parts)
