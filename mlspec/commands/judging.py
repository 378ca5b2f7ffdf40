"""Judging a version by its gates: what a check may ask for, made when it first does; verdicts as records keep them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from mlspec.commands.of_model import json_bytes
from mlspec.commands.session import Session
from mlspec.commands.tables import Table
from mlspec.core.head import Run
from mlspec.core.record import Object, to_json
from mlspec.core.verdict import CheckVerdict, GateVerdict, worst
from mlspec.planner.models import ModelView
from mlspec.plugins.catalog import implementation
from mlspec.specs.model import Model
from mlspec.stats.case import Case
from mlspec.stats.evidence import Evidence
from mlspec.steps import baselines
from mlspec.steps.score import evidence

_VERDICT_BYTES = 6 * 1024
_BRIEF_CHECKS = 8
_REASON = 600
"""So many characters of a reason are in a record that has no room for all checks."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A version being judged: its run, the data it was trained and is tested on, and what it said of the test rows."""

    session: Session
    view: ModelView
    model: Model
    """With the task and positive value that the run was trained for."""
    run: Run
    table: Table
    evidence: Evidence
    kept: list[Object] = field(default_factory=list)
    """What judging put into the store and its record is to name."""


def case_of(trial: Trial) -> Case:
    """Return what the gates judge; what costs something is made when a check first asks for it."""
    model, table = trial.model, trial.table

    @cache
    def baseline(name: str) -> Evidence:
        said = baselines.predictions(name, model.task, table.dataset, table.frame, table.test)
        return evidence(model, table.dataset, table.tested, said)

    return Case(trial.evidence, baseline, baselines.natural(model.task, table.dataset))


def judged(trial: Trial, name: str, gate_digest: str, case: Case) -> GateVerdict:
    """Return the verdict of a gate."""
    checks: list[CheckVerdict] = []
    for check in trial.session.workspace.specs.gates[name].checks:
        checks += implementation(check.implementation)(check, case)
    return GateVerdict(gate=f"gate/{name}", digest=gate_digest, outcome=worst(tuple(checks)), checks=tuple(checks))


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
