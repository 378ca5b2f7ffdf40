"""`mlspec show`: what is in production, trained on what, by whom, since when; from the heads alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlspec.commands.recorded import Recorded, Tell, open_recorded, unheard
from mlspec.commands.versions import find_head
from mlspec.core import digest
from mlspec.core.address import is_project
from mlspec.core.head import Head, VerdictFact, evaluated, newest
from mlspec.core.heads import mentioning, of_kind
from mlspec.core.overview import Overview, ResourceView, StageView, VersionView
from mlspec.core.plan import Plan
from mlspec.core.problem import fail
from mlspec.lineage.read import read_at
from mlspec.lineage.share import outbox
from mlspec.planner.fields import DERIVED


def run(start: Path, address: str | None = None, tell: Tell = unheard) -> Overview:
    """Return what is recorded, of everything or of one resource.

    Raises:
        MlspecError: no project or repository, a damaged lineage, or nothing of that address is recorded.
    """
    recorded = open_recorded(start, tell)
    heads = recorded.state.heads
    if address is None:
        heads = dict(sorted(heads.items()))  # each is looked at more than once; datasets, asked for most, come first
    chosen = [find_head(recorded, address)] if address else every(heads)
    deployed = recorded.state.layout.commit if recorded.state.layout else None
    return overview(recorded, heads, chosen, deployed)


def every(heads: Mapping[str, Head]) -> list[Head]:
    """Return the heads of all resources."""
    return [head for key, head in heads.items() if not is_project(key)]


def overview(recorded: Recorded, heads: Mapping[str, Head], chosen: list[Head], deployed: str | None) -> Overview:
    """Lay out chosen heads, looked at among all; `deployed` is the commit that was deployed last."""
    order = {"model": 0, "dataset": 1, "gate": 2}
    chosen.sort(key=lambda head: (order.get(head.address.partition("/")[0], 3), head.address))
    views = [_view(head, heads, recorded.project.stages) for head in chosen]
    shared = _shared(recorded)
    return Overview(
        project=recorded.project.project,
        lineage=recorded.state.tip,
        deployed=deployed,
        resources=tuple(_provisional(view, shared) for view in views),
    )


def saved_plan(path: Path) -> Plan:
    """Read a saved plan to show it.

    Raises:
        MlspecError: the file cannot be read, or is no plan.
    """
    try:
        content: Any = json.loads(path.read_bytes())
        return Plan.model_validate_json(json.dumps(content))
    except OSError as error:
        raise fail("show/unreadable", f"{path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise fail("show/unknown-document", f"{path} is no plan of this mlspec: {where}: {first['msg']}") from None
    except ValueError as error:
        raise fail("show/unknown-document", f"{path} is not JSON: {error}") from None


def _shared(recorded: Recorded) -> Mapping[str, Head] | None:
    """Return the heads that the remote was last seen to have, where it lacks something; else None."""
    box = outbox(recorded.home)
    if recorded.home.remote is None or box.is_empty:
        return None
    return read_at(recorded.repository, box.seen).heads if box.seen else {}


def _provisional(view: ResourceView, shared: Mapping[str, Head] | None) -> ResourceView:
    """Mark the versions whose number the remote has not confirmed."""
    if shared is None:
        return view
    known = {(version.n, version.fingerprint) for version in _head(shared, view.address).versions}
    versions = [
        version.model_copy(update={"provisional": (version.n, version.fingerprint) not in known})
        for version in view.versions
    ]
    return view.model_copy(update={"versions": tuple(versions)})


def _head(heads: Mapping[str, Head], address: str) -> Head:
    return heads.get(address) or Head(address=address)


def _view(head: Head, heads: Mapping[str, Head], stages: tuple[str, ...]) -> ResourceView:
    facts = head.facts
    contract = next((known for known in head.contracts.values() if known.fingerprint == head.current), None)
    snapshot = head.snapshots.get(head.current or "")
    return ResourceView(
        address=head.address,
        owner=facts.get("owner"),
        description=facts.get("description") or facts.get("purpose"),
        retired=head.retired,
        stages=tuple(_stages(head, stages)),
        versions=tuple(_versions(head, heads)),
        failed=tuple(f"{failed.verb}: {failed.failure.message}" for failed in head.failed.values()),
        current=head.current,
        rows=contract.rows if contract else None,
        size=snapshot.size if snapshot and not snapshot.packs else None,  # of many files, it is the manifest's
        rejected=tuple(_rejected(head)),
        used_by=tuple(_users(head, heads)),
        evaluations=_evaluations(head, heads),
    )


def _rejected(head: Head) -> list[str]:
    """Say what was rejected since the current version kept its contract; what was mended is for the log to tell."""
    kept = {key: known for key, known in head.contracts.items() if known.outcome == "passed"}
    current = newest({key: known for key, known in kept.items() if known.fingerprint == head.current})
    return [
        f"version {digest.short(known.fingerprint, 8)}: {known.summary}"
        for known in sorted(head.contracts.values(), key=lambda known: (known.at, known.record))
        if known.outcome == "rejected" and (current is None or known.at > current.at)
    ]


def _stages(head: Head, order: tuple[str, ...]) -> list[StageView]:
    known = sorted(head.stages, key=lambda stage: order.index(stage) if stage in order else -1, reverse=True)
    return [
        StageView(
            stage=name,
            version=state.version,
            since=state.since,
            by=state.by,
            commit=state.commit,
            conforming=state.conforming,
            override=state.override,
            waivers=state.waivers,
        )
        for name, state in ((name, head.stages[name]) for name in known)
    ]


def _holds(fact: VerdictFact, heads: Mapping[str, Head]) -> bool:
    """Say whether a verdict is of the gate as it is recorded now, not as it was before."""
    gate = heads.get(fact.gate)
    return gate is None or gate.facts.get(DERIVED) in (None, fact.gate_digest)


def _versions(head: Head, heads: Mapping[str, Head]) -> list[VersionView]:
    views = []
    for version in reversed(head.versions):
        run = head.runs[version.fingerprint]
        judged = [fact for fact in head.verdicts.values() if fact.run == version.fingerprint and _holds(fact, heads)]
        views.append(
            VersionView(
                n=version.n,
                fingerprint=version.fingerprint,
                at=run.at,
                ref=run.ref,
                dataset=_dataset(run.dataset, heads),
                format=run.fields.get("train.format"),
                metrics=run.metrics,
                spread=run.spread,
                verdicts={_gate(fact, head): fact.outcome.value for fact in judged},
                expired=run.expired,
                reproduced=run.reproduced,
            )
        )
    return views


def _gate(fact: VerdictFact, head: Head) -> str:
    """Return a gate with the champion that it compared with: `gate/quality against v2`."""
    version = head.version_of(fact.champion)
    return fact.gate + (f" against v{version.n}" if version else "")


def _dataset(version: str, heads: Mapping[str, Head]) -> str:
    owner = next((head.address for head in heads.values() if version in head.snapshots), "dataset")
    return f"{owner}@{version}"


def _evaluations(head: Head, heads: Mapping[str, Head]) -> int:
    """Return how many versions were judged on the test rows of the current version of a dataset."""
    if head.current is None or head.current not in head.snapshots:
        return 0
    return len({run for model in mentioning(heads, head.current) for run in evaluated(model, head.current)})


def _users(head: Head, heads: Mapping[str, Head]) -> list[str]:
    users: list[str] = []
    if not head.snapshots:
        return users
    for model in of_kind(heads, "model"):
        for stage, state in sorted(model.stages.items()):
            version = model.version(state.version) if state.version else None
            run = model.runs.get(version.fingerprint) if version else None
            if run is not None and run.dataset in head.snapshots:
                users.append(f"{model.address} v{state.version} in {stage}")
    return users
