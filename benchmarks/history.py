"""The lineage that applies would have left of a project, made without training and packed by git at once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mlspec.commands.drafts import Author, author
from mlspec.commands.plan import PlanRequest, make
from mlspec.commands.workspace import Workspace, open_workspace
from mlspec.core.digest import of
from mlspec.core.fold import fold
from mlspec.core.head import Head
from mlspec.core.plan import Action
from mlspec.core.record import Actor, Cost, Object, Record, sealed, to_bytes
from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome
from mlspec.io.clock import SystemClock
from mlspec.lineage.layout import FORMAT_PATH, Layout, head_path, ref
from mlspec.lineage.read import read
from mlspec.lineage.write import append
from mlspec.planner import fingerprint
from mlspec.planner.diff import Outlook
from mlspec.planner.fingerprint import Wanted
from mlspec.planner.models import ModelView
from mlspec.specs.model import Model

TOGETHER = 100
"""Models that one apply did."""
COST = Cost(wall_s=1.5, cpu_s=1.25, peak_memory_bytes=200_000_000)


@dataclass
class Import:
    """A branch as `git fast-import` is told it: the heads and files of the next commit."""

    branch: str
    layout: Layout
    heads: dict[str, Head] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    records: int = 0

    def record(self, draft: Record) -> None:
        """Chain, seal and fold a draft, as the write transaction does."""
        head = self.heads.get(draft.address) or Head(address=draft.address)
        record = sealed(draft.model_copy(update={"generation": head.generation + 1, "previous": head.record}))
        after = fold({head.address: head}, record)[head.address]
        assert after is not None
        self.heads[head.address] = after
        self.files[record.path] = to_bytes(record)
        self.records += 1

    def commit(self, actor: Actor) -> bytes:
        """Take the commit of what was recorded since the last one."""
        heads = {head_path(head.address): to_bytes(head) for head in self.heads.values()}
        files = {**self.files, **heads, FORMAT_PATH: to_bytes(self.layout)}
        self.files, self.heads = {}, {}
        now = int(datetime.now(UTC).timestamp())
        lines = [f"commit {ref(self.branch)}\ncommitter {actor.name} <{actor.email}> {now} +0000\ndata 0\n".encode()]
        for path, content in files.items():
            lines.append(f"M 100644 inline {path}\ndata {len(content)}\n".encode() + content + b"\n")
        return b"".join(lines)


def write(root: Path) -> int:
    """Record that all a project declares was done, by applies of some models each; return the number of records.

    The last transaction is mlspec's own, so the branch ends as an apply leaves it.
    """
    workspace = open_workspace(root)
    _, seen = make(workspace, PlanRequest(), SystemClock())
    project, names = workspace.project, sorted(seen.models)
    layout = Layout(project=project.project, deploy=project.deploy, commit=workspace.checkout.commit)
    branch = Import(project.lineage.branch, layout)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=root, stdin=subprocess.PIPE) as importer:
        assert importer.stdin is not None
        for first in range(0, len(names), TOGETHER):
            writer = author(workspace, deploys=True, clock=SystemClock())
            for name in names[first : first + TOGETHER]:
                for draft in _of_model(seen.models[name], writer):
                    branch.record(draft)
            importer.stdin.write(branch.commit(writer.actor))
    if importer.returncode != 0:
        raise RuntimeError("git fast-import failed")
    writer = author(workspace, deploys=True, clock=SystemClock())
    last = [*_of_dataset(workspace, seen, writer), *_of_gate(workspace, writer)]
    append(workspace.branch, read(workspace.repository, project), last, lambda: datetime.now(UTC))
    return branch.records + len(last)


def _of_dataset(workspace: Workspace, seen: Outlook, writer: Author) -> Iterator[Record]:
    view, now = seen.datasets["rows"], datetime.now(UTC)
    spec = workspace.specs.datasets["rows"]
    assert view.version is not None
    assert view.content is not None
    content = Object(name="content", digest=view.content, size=1000)
    action = Action(verb="snapshot", address=view.address, effect=of("bench"))
    known = view.version.digest
    yield writer.draft("snapshot", action, now, fingerprint=known, fields=view.version.fields, outputs=(content,))
    contract = fingerprint.contract(spec).fields
    yield writer.draft("check", action, now, fingerprint=known, fields=contract, rows=100)
    yield writer.draft("update", action, now, fields=fingerprint.facts(spec).fields)


def _of_gate(workspace: Workspace, writer: Author) -> Iterator[Record]:
    gate = workspace.specs.gates["quality"]
    action = Action(verb="update", address=str(gate.address), effect=of("bench"))
    yield writer.draft("update", action, datetime.now(UTC), fields=fingerprint.facts(gate).fields)


def _of_model(view: ModelView, writer: Author) -> Iterator[Record]:
    """Yield ten records: an older version that held the first stage, and the one that is wanted now."""
    spec, now = view.model, datetime.now(UTC)
    older = spec.train.model_copy(update={"params": {**spec.train.params, "max_iter": 10}})
    before, wanted = _wanted(view, spec.model_copy(update={"train": older})), _wanted(view, spec)
    action = Action(verb="update", address=view.address, effect=of(["bench", spec.name]))
    first, *rest = view.stages
    yield from _of_run(view, before, 1, writer)
    yield writer.draft("update", action, now, fields=fingerprint.facts(spec).fields)
    yield writer.draft("promote", action, now, fingerprint=before.digest, stage=first, version=1)
    yield from _of_run(view, wanted, 2, writer)
    yield writer.draft("promote", action, now, fingerprint=wanted.digest, stage=first, version=2, replaces=1)
    for stage in rest:
        yield writer.draft("promote", action, now, fingerprint=wanted.digest, stage=stage, version=2)


def _wanted(view: ModelView, spec: Model) -> Wanted:
    assert view.dataset.version is not None
    return fingerprint.run(spec, view.dataset.version.digest, None, None)


def _of_run(view: ModelView, run: Wanted, version: int, writer: Author) -> Iterator[Record]:
    name, test, now = view.model.name, run.fields["dataset"], datetime.now(UTC)
    action = Action(verb="train", address=view.address, effect=of(["bench", name, version]))
    outputs = tuple(_object(kind, name, version) for kind in ("model", "manifest"))
    facts = {"fingerprint": run.digest, "fields": run.fields, "inputs": {"dataset": test}, "outputs": outputs}
    yield writer.draft("train", action, now, **facts, cost=COST)
    yield writer.draft("register", action, now, fingerprint=run.digest, version=version)
    estimate = Estimate(value=0.9123456789, low=0.8765432109, high=0.9456789012, n=1000, method="delong")
    reason = "roc_auc 0.912 [0.877, 0.946] >= 0.7"
    check = CheckVerdict(check="metric", outcome=Outcome.PASS, metric="roc_auc", estimate=estimate, reason=reason)
    verdict = GateVerdict(gate="gate/quality", digest=view.gates["quality"], outcome=Outcome.PASS, checks=(check,))
    yield writer.draft(
        "evaluate",
        action,
        now,
        fingerprint=run.digest,
        inputs={"test": test},
        outputs=(_object("predictions", name, version),),
        metrics=dict.fromkeys(view.model.metrics, estimate),
        verdicts=(verdict,),
        cost=COST,
    )


def _object(kind: str, name: str, version: int) -> Object:
    return Object(name=kind, digest=of([kind, name, version]), size=1000)
