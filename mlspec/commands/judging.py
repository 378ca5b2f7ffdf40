"""Judging a version by its gates: what a check may ask for, made when it first does; verdicts as records keep them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

from mlspec.commands.asked import Asker
from mlspec.commands.duel import duel
from mlspec.commands.of_model import json_bytes, snapshot_fields
from mlspec.commands.probing import champion_of, rival_of
from mlspec.commands.session import Session
from mlspec.commands.tables import Table, load_table
from mlspec.commands.trial import Trial
from mlspec.core.head import evaluated
from mlspec.core.heads import mentioning
from mlspec.core.probe import Probe
from mlspec.core.problem import MlspecError
from mlspec.core.record import Object, to_json
from mlspec.core.verdict import CheckVerdict, GateVerdict, Outcome, worst
from mlspec.gates.judge import Bar, margin_of
from mlspec.planner.standing import Asked
from mlspec.plugins.catalog import implementation
from mlspec.stats.asked import Timed
from mlspec.stats.case import Case, Data, Lost
from mlspec.stats.evidence import Evidence
from mlspec.steps import baselines
from mlspec.steps.frames import fields_of, typed
from mlspec.steps.score import evidence

_VERDICT_BYTES = 6 * 1024
_BRIEF_CHECKS = 8
_REASON = 600
"""So many characters of a reason are in a record that has no room for all checks."""
_GONE = frozenset({"store/missing", "lineage/no-snapshot"})
"""What is said of data that was there and is not kept any more; anything else is an error that may pass."""


def judged(trial: Trial, every: Iterable[Asked]) -> tuple[GateVerdict, ...]:
    """Return the verdicts of gates on a run; those that compare with one champion share what it said.

    Raises:
        MlspecError: a check does not apply, or the code of one changed after it was planned.
        StepFailed: a function of the user's was interrupted, or the disk is full.
    """
    cases: dict[str, Case] = {}
    found = []
    for asked in every:
        if asked.champion not in cases:
            cases[asked.champion] = case_of(trial, asked.champion)
        found.append(_judged(trial, asked, cases[asked.champion]))
    return tuple(found)


def case_of(trial: Trial, champion: str = "") -> Case:
    """Return what gates judge; what costs something is made when a check first asks for it."""
    model, table = trial.model, trial.table

    @cache
    def baseline(name: str) -> Evidence:
        said = baselines.predictions(name, model.task, table.dataset, table.frame, table.test)
        return evidence(model, table.dataset, table.tested, said)

    @cache
    def own() -> Data:
        return _data(trial.run.dataset, table)

    rival = champion_of(trial.head, champion)

    def timed(probe: Probe) -> Timed:
        return trial.asking.timed(probe, rival[1] if rival and probe.rival else None)

    return Case(
        trial.evidence,
        baseline,
        baselines.natural(model.task, table.dataset),
        cache(lambda: duel(trial, champion)),
        lambda: trial.repeats,
        own,
        cache(lambda: data_before(trial, champion, own)),
        perturbed=trial.asking.perturbed,
        timed=timed,
        rival=lambda: rival_of(trial.session.workspace.store, trial.run, rival),
        size=trial.asking.size,
    )


def data_before(trial: Trial, champion: str, own: Callable[[], Data]) -> Data | Lost | None:
    """Return what the champion was trained on and tested on; `own` is the same of the version being judged.

    Raises:
        MlspecError: the store cannot be read, which is not to say that it lacks the data.
    """
    run = trial.head.runs.get(champion)
    if run is None or run.dataset == trial.run.dataset:
        return own() if run else None
    session, view = trial.session, trial.view
    try:
        fields = snapshot_fields(session, view, run.dataset)
        table = load_table(session, fields, session.workspace.specs.datasets[trial.model.dataset])
    except MlspecError as error:
        if error.problems[0].code not in _GONE:
            raise
        return Lost(f"the data that the champion was trained on is no longer kept: {run.dataset}")
    return _data(run.dataset, table)


def _data(version: str, table: Table) -> Data:
    return Data(version, table.dataset, typed(table.frame, fields_of(table.dataset.columns)), table.test)


def _judged(trial: Trial, asked: Asked, case: Case) -> GateVerdict:
    seed = case.evidence.seed
    case = replace(case, call=Asker(trial.session, asked.gate, trial.table, trial.predictions, seed).call)
    checks: list[CheckVerdict] = []
    failing = []
    for n, check in enumerate(trial.session.workspace.specs.gates[asked.gate].checks):
        found = implementation(check.implementation)(check, case)
        checks += [_completed(one, seed) for one in found]
        if worst(found) is not Outcome.PASS:
            failing.append(n)
    return GateVerdict(
        gate=f"gate/{asked.gate}",
        digest=asked.digest,
        outcome=worst(tuple(checks)),
        checks=tuple(checks),
        test=trial.run.dataset,
        champion=asked.champion or None,
        failing=tuple(failing),
    )


def _completed(check: CheckVerdict, seed: int) -> CheckVerdict:
    """Return a check with what all have alike: the seed of its draws, and by how much its bound is cleared."""
    margin = check.margin
    if margin is None:
        margin = margin_of(check.estimate, Bar(check.minimum, check.maximum))
    return check.model_copy(update={"seed": seed, "margin": margin})


def evaluations(session: Session, test: str, run: str) -> int:
    """Return how many runs, of whichever model, were evaluated on the test rows of a dataset version, with this one."""
    found = {run}
    for head in mentioning(session.state.heads, test):
        found |= evaluated(head, test)
    return len(found)


def worn(session: Session, every: Iterable[Asked], count: int) -> tuple[str, ...]:
    """Return the warnings of gates whose test rows were looked at more often than they should be."""
    limits = {asked.gate: session.workspace.specs.gates[asked.gate].reuse_limit for asked in every}
    return tuple(
        f"gate/{gate}: {count:,} versions were judged on the same test rows, and its reuse_limit is {limit:,}: "
        "each look makes them less able to tell; take fresh ones"
        for gate, limit in limits.items()
        if limit is not None and count > limit
    )


def brief(session: Session, verdicts: tuple[GateVerdict, ...]) -> tuple[tuple[GateVerdict, ...], tuple[Object, ...]]:
    """Return verdicts that fit into a record: of many checks only those that decide, all of them in the store."""
    content = json_bytes([to_json(verdict) for verdict in verdicts])
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
