"""A project of N models with everything recorded, made without training: the records are those an apply would write."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from mlspec.commands.drafts import Author, author
from mlspec.commands.plan import look
from mlspec.commands.workspace import Workspace, open_workspace
from mlspec.core.digest import of
from mlspec.core.plan import Action
from mlspec.core.record import Object, Record
from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome
from mlspec.io.clock import SystemClock
from mlspec.lineage.read import EMPTY
from mlspec.lineage.write import append
from mlspec.planner import diff, fingerprint
from mlspec.planner.diff import Outlook
from mlspec.planner.world import Options

PROJECT = """\
version: 1
project: bench
deploy: main
stages: [staging, production]
teams:
  data: {members: [octocat]}
  risk: {members: [hubot]}
"""
DATASET = """\
kind: Dataset
name: rows
owner: data
purpose: A benchmark.
source: data/rows.csv
schema:
  - {name: id, type: integer, role: id}
  - {name: x, type: number, min: -100, max: 100}
  - {name: y, type: string, role: target, values: [a, b]}
checks: {max_missing: 0.05, unique: [id], min_rows: 10}
split: {test: 0.25, by: hash, seed: 7}
"""
GATE = """\
kind: Gate
name: quality
owner: risk
checks:
  - {check: metric, metric: roc_auc, min: 0.7, confidence: 0.95}
"""
MODEL = """\
kind: Model
name: m{number}
owner: risk
description: Model number {number} of the benchmark, a spec of the usual length.
dataset: rows
task: classification
positive: b
train:
  estimator: sklearn.ensemble.HistGradientBoostingClassifier
  params:
    max_iter: {iterations}
    learning_rate: 0.1
    max_leaf_nodes: 31
    l2_regularization: 0.0
  seed: 7
metrics: [roc_auc, accuracy, brier_score]
stages:
  staging: {{version: latest, gates: [quality]}}
  production: {{version: latest, gates: [quality]}}
"""


def make(folder: Path, models: int) -> Path:
    """Make the project and its lineage in a new git repository; return its folder."""
    specs = folder / "specs"
    (specs / "models").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "mlspec.yaml").write_text(PROJECT)
    (specs / "rows.yaml").write_text(DATASET)
    (specs / "quality.yaml").write_text(GATE)
    rows = "".join(f"{n},{n % 7 - 3},{'ab'[n % 2]}\n" for n in range(100))
    (folder / "data" / "rows.csv").write_text("id,x,y\n" + rows)
    for number in range(models):
        text = MODEL.format(number=number, iterations=100 + number)
        (specs / "models" / f"m{number}.yaml").write_text(text)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    for argv in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "specs"]):
        subprocess.run(["git", *argv], cwd=folder, check=True)
    for key, value in (("user.name", "bench"), ("user.email", "bench@example.org")):
        subprocess.run(["git", "config", key, value], cwd=folder, check=True)
    _record(folder)
    return folder


def _record(folder: Path) -> None:
    workspace = open_workspace(folder)
    seen = diff.outlook(look(workspace, Options()))
    writer = author(workspace, deploys=True, clock=SystemClock())
    drafts = [*_dataset_records(workspace, seen, writer), *_gate_records(workspace, writer)]
    for name in seen.models:
        drafts += _model_records(workspace, seen, writer, name)
    append(workspace.branch, EMPTY, drafts, lambda: datetime.now(UTC))


def _dataset_records(workspace: Workspace, seen: Outlook, writer: Author) -> list[Record]:
    view, now = seen.datasets["rows"], datetime.now(UTC)
    spec = workspace.specs.datasets["rows"]
    assert view.version is not None and view.content is not None
    content = Object(name="content", digest=view.content, size=1000)
    action = Action(verb="snapshot", address=view.address, effect=of("bench"))
    facts = {"fingerprint": view.version.digest}
    return [
        writer.draft("snapshot", action, now, fields=view.version.fields, outputs=(content,), **facts),
        writer.draft("check", action, now, fields=fingerprint.contract(spec).fields, rows=100, **facts),
        writer.draft("update", action, now, fields=fingerprint.facts(spec).fields),
    ]


def _gate_records(workspace: Workspace, writer: Author) -> list[Record]:
    gate = workspace.specs.gates["quality"]
    action = Action(verb="update", address=str(gate.address), effect=of("bench"))
    return [writer.draft("update", action, datetime.now(UTC), fields=fingerprint.facts(gate).fields)]


def _model_records(workspace: Workspace, seen: Outlook, writer: Author, name: str) -> list[Record]:
    view, now = seen.models[name], datetime.now(UTC)
    assert view.wanted is not None and view.dataset.version is not None
    run, test = view.wanted.digest, view.dataset.version.digest
    action = Action(verb="train", address=view.address, effect=of(["bench", name]))
    outputs = tuple(Object(name=kind, digest=of([kind, name]), size=1000) for kind in ("model", "manifest"))
    estimate = Estimate(value=0.9, low=0.8, high=0.95, n=1000, method="delong")
    check = CheckVerdict(check="metric", outcome=Outcome.PASS, metric="roc_auc", estimate=estimate, reason="passes")
    verdict = GateVerdict(gate="gate/quality", digest=view.gates["quality"], outcome=Outcome.PASS, checks=(check,))
    predictions = (Object(name="predictions", digest=of(["predictions", name]), size=1000),)
    facts = fingerprint.facts(workspace.specs.models[name]).fields
    drafts = [
        writer.draft(
            "train", action, now, fingerprint=run, fields=view.wanted.fields, inputs={"dataset": test}, outputs=outputs
        ),
        writer.draft("register", action, now, fingerprint=run),
        writer.draft(
            "evaluate",
            action,
            now,
            fingerprint=run,
            inputs={"test": test},
            outputs=predictions,
            metrics=dict.fromkeys(view.model.metrics, estimate),
            verdicts=(verdict,),
        ),
        writer.draft("update", action, now, fields=facts),
    ]
    return [*drafts, *(writer.draft("promote", action, now, fingerprint=run, stage=stage) for stage in view.stages)]
