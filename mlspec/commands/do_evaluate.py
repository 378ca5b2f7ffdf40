"""The step `evaluate`: predict the test rows in a child, without their labels; then measure and judge, here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from mlspec.commands.asking import ask, fetched
from mlspec.commands.judging import brief, evaluations, judged, worn
from mlspec.commands.kept_as import repeat_seeds
from mlspec.commands.of_model import snapshot_fields, total, view_of
from mlspec.commands.probing import Asking
from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.commands.tables import Table, load_table
from mlspec.commands.trial import Trial
from mlspec.core.fold import fold
from mlspec.core.head import Head, Run
from mlspec.core.plan import Action
from mlspec.core.record import Cost, Object, Record
from mlspec.core.verdict import Estimate, GateVerdict, Spread
from mlspec.io.clock import stamp
from mlspec.planner.conformity import conformity
from mlspec.planner.view import ModelView
from mlspec.specs.model import Model
from mlspec.stats.evidence import Evidence
from mlspec.stats.metrics import point
from mlspec.steps.frames import fields_of
from mlspec.steps.predictions import Predictions
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
    predictions, outputs, cost = _predictions(session, model, run, table)
    shown = evidence(model, table.dataset, table.tested, predictions)
    repeated, more_outputs = _repeated(session, model, run, table)
    metrics = score(model, shown)
    asking = Asking(session, model, run, table)
    trial = Trial(session, view, head, model, run, table, predictions, shown, asking, repeated)
    every = view.judged_by(action.run or "")
    verdicts, count = judged(trial, every), evaluations(session, run.dataset, action.run or "")
    recorded, more = brief(session, verdicts)
    draft = session.author.draft(
        "evaluate",
        action,
        started,
        fingerprint=action.run,
        inputs={"test": run.dataset},
        outputs=(*outputs, *more_outputs, *asking.found.values(), *more),
        rows=len(shown.labels),
        metrics=metrics,
        spread=_spread(model, shown, repeated),
        verdicts=recorded,
        evaluations=count,
        probes={key: answer.digest for key, answer in asking.found.items()},
        gates={asked.gate: asked.digest for asked in every},
        cost=total(cost, *asking.costs),
    )
    now = view.beside(head, stamp(started))
    draft = with_conformity(now, draft) if session.author.origin.deploys else draft
    return Result(
        _told(head, metrics, verdicts),
        (*_of_champions(session, action, started, trial), draft),
        metrics=tuple(metrics.items()),
        verdicts=verdicts,
        remarks=worn(session, every, count),
        negative=negative(now, draft),
        spread=draft.spread,
    )


def _of_champions(session: Session, action: Action, started: datetime, trial: Trial) -> Iterator[Record]:
    """Yield the records of what champions said of these test rows, so that they need not be asked again."""
    for run, output in trial.predicted.items():
        yield session.author.draft(
            "evaluate", action, started, fingerprint=run, inputs={"test": trial.run.dataset}, outputs=(output,)
        )


def negative(view: ModelView, draft: Record) -> bool:
    """Say whether a gate turned the run of an evaluation down, and no waiver lets it through."""
    after = _after(view, draft)
    found = (after.standing(draft.fingerprint or "", asked) for asked in after.judged_by(draft.fingerprint or ""))
    return any(one is not None and not one.passes for one in found)


def with_conformity(view: ModelView, draft: Record) -> Record:
    """Return the record of an evaluation that also says whether its run conforms in the stages that it holds."""
    after = _after(view, draft)
    held = [stage for stage in view.stages if after.occupant(stage) == draft.fingerprint]
    found = {stage: one for stage in held if (one := conformity(after, stage)) is not None}
    update = {
        "conforming": {stage: one.conforms for stage, one in found.items()},
        "waivers": {stage: one.waivers for stage, one in found.items() if one.waivers},
    }
    return draft.model_copy(update=update)


def _after(view: ModelView, draft: Record) -> ModelView:
    """Return the view as it will be when the draft is recorded."""
    return view.beside(fold({view.address: view.head}, draft)[view.address] or view.head)


def _predictions(
    session: Session, model: Model, run: Run, table: Table
) -> tuple[Predictions, tuple[Object, ...], Cost | None]:
    known = run.predictions.get(run.dataset)
    if known is not None and session.workspace.store.has(known):
        return fetched(session, known), (), None
    asked = ask(session, model, run, table.tested, fields_of(table.dataset.with_role("feature")))
    return asked.predictions, (asked.output,), asked.cost


def _repeated(
    session: Session, model: Model, run: Run, table: Table
) -> tuple[Mapping[int, Evidence], tuple[Object, ...]]:
    """Return what each repeat of a run says of the test rows, by its seed, and what of that is new in the store."""
    known, fields = run.repeated.get(run.dataset, ()), fields_of(table.dataset.with_role("feature"))
    if not all(map(session.workspace.store.has, known)):
        known = ()
    said, outputs = [fetched(session, one) for one in known], list[Object]()
    for repeat in range(1, len(run.repeats) + 1) if not known else ():
        asked = ask(session, model, run, table.tested, fields, repeat)
        said.append(asked.predictions)
        outputs.append(asked.output)
    every = (evidence(model, table.dataset, table.tested, one) for one in said)
    seeds = repeat_seeds(run, session.workspace.store) if said else ()
    return dict(zip(seeds, every, strict=True)), tuple(outputs)


def _spread(model: Model, first: Evidence, repeated: Mapping[int, Evidence]) -> dict[str, Spread]:
    """Return each metric of the model and of its repeats; nothing where there are none."""
    if not repeated:
        return {}
    seed, every = min(repeated) - 1, (first, *repeated.values())
    return {name: Spread(seed=seed, values=tuple(point(name, one) for one in every)) for name in model.metrics}


def _as_trained(model: Model, run: Run) -> Model:
    """Return the model with the task and positive value that the run was trained for."""
    update = {"task": run.fields.get("task", model.task), "positive": run.fields.get("positive")}
    return model.model_copy(update=update)


def _told(head: Head, metrics: dict[str, Estimate], verdicts: tuple[GateVerdict, ...]) -> str:
    parts = [
        f"{name} {estimate.value:.4g}" if estimate.value is not None else f"{name} undefined"
        for name, estimate in metrics.items()
    ]
    parts += [f"{called(head, verdict)} {verdict.outcome.value}" for verdict in verdicts]
    return ", ".join(parts)


def called(head: Head, verdict: GateVerdict) -> str:
    """Return a gate as a verdict is of it: with the champion that it compared with, `gate/quality against v3`."""
    version = head.version_of(verdict.champion)
    return verdict.gate + (f" against v{version.n}" if version else "")
