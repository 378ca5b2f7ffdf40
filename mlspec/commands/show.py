"""`mlspec show`: what is in production, trained on what, by whom, since when; from the heads alone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mlspec.commands.recorded import Recorded, Tell, open_recorded, unheard
from mlspec.core.address import is_project
from mlspec.core.head import Head, VerdictFact
from mlspec.core.heads import of_kind
from mlspec.core.moment import moment as told
from mlspec.core.moment import parse_moment
from mlspec.core.overview import Overview, ResourceView, StageView, VersionView
from mlspec.core.plan import Plan
from mlspec.core.ports import Clock
from mlspec.core.problem import fail, suggest
from mlspec.io.clock import SystemClock, stamp
from mlspec.lineage.journal import records_of
from mlspec.lineage.read import read_at
from mlspec.lineage.share import outbox
from mlspec.lineage.then import state_at
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
    chosen = [_find(heads, address)] if address else _all(heads)
    deployed = recorded.state.layout.commit if recorded.state.layout else None
    return _overview(recorded, heads, chosen, deployed)


def run_at(
    start: Path, at: str, address: str | None = None, tell: Tell = unheard, clock: Clock | None = None
) -> Overview:
    """Return what was recorded at a moment: the end of a day (`2026-11-23`), or a time (`2026-11-23T06:00Z`).

    Raises:
        MlspecError: as `run`; or it is no such moment, lies in the future, or before the first record.
    """
    moment = _moment(at, (clock or SystemClock()).now())
    recorded = open_recorded(start, tell)
    tip = recorded.state.tip
    if tip is None:
        raise fail("show/before-record", f"nothing was recorded by {told(moment)}, and nothing is now")
    names = _names(recorded, tip, address) if address else set[str]()
    then = state_at(recorded.repository, tip, moment, lambda found: not address or _concerns(found, names))
    chosen = [head for head in then.heads.values() if head.address in names] if address else _all(then.heads)
    if not then.heads or (address and not chosen):
        since = f"; recording began {told(then.began)}" if then.began else ""
        what = f" of `{address}`" if address else ""
        known = _names_of(recorded.state.heads)
        hint = suggest(address, known) if address and address not in known else None
        raise fail("show/before-record", f"nothing{what} was recorded by {told(moment)}{since}", help=hint)
    return _overview(recorded, then.heads, chosen, then.deployed).model_copy(update={"at": moment})


def _moment(at: str, now: datetime) -> str:
    try:
        moment = parse_moment(at)
    except ValueError:
        why = f"--at is `{at}`, no date such as 2026-11-23 and no time such as 2026-11-23T06:00Z"
        raise fail("show/at", why) from None
    if moment.date() > now.date():
        raise fail("show/at", f"--at is {told(stamp(moment))}, which is still to come")
    return stamp(moment)


def _names(recorded: Recorded, tip: str, address: str) -> set[str]:
    """Return the addresses that a resource has had, by which its records go."""
    known = recorded.state.heads
    now = next((one for one in (address, f"model/{address}") if one in known), None)
    if now is None:
        return {address, f"model/{address}"}
    return {record.address for record in records_of(recorded.repository, tip, {now})}


def _concerns(found: str, names: Collection[str]) -> bool:
    """Say whether the records of an address are needed to show a resource: its own, and those it is shown with."""
    kind = found.partition("/")[0]
    by_kind = "model" if any(name.startswith("dataset/") for name in names) else "dataset"
    return found in names or kind in (by_kind, "dataset", "gate")


def _all(heads: Mapping[str, Head]) -> list[Head]:
    return [head for key, head in heads.items() if not is_project(key)]


def _overview(recorded: Recorded, heads: Mapping[str, Head], chosen: list[Head], deployed: str | None) -> Overview:
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


def _find(heads: Any, address: str) -> Head:
    for candidate in (address, f"model/{address}"):
        if candidate in heads:
            found: Head = heads[candidate]
            return found
    raise fail(
        "select/unknown",
        f"nothing is recorded of `{address}`",
        help=suggest(address, _names_of(heads)),
    )


def _names_of(heads: Iterable[str]) -> list[str]:
    known = list(heads)
    return [*known, *(address.removeprefix("model/") for address in known)]


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
        size=snapshot.size if snapshot else None,
        rejected=tuple(known.summary for known in head.contracts.values() if known.outcome == "rejected"),
        used_by=tuple(_users(head, heads)),
    )


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
                metrics=run.metrics,
                verdicts={fact.gate: fact.outcome.value for fact in judged},
            )
        )
    return views


def _dataset(version: str, heads: Mapping[str, Head]) -> str:
    owner = next((head.address for head in heads.values() if version in head.snapshots), "dataset")
    return f"{owner}@{version}"


def _users(head: Head, heads: Mapping[str, Head]) -> list[str]:
    users: list[str] = []
    if not head.snapshots:
        return users
    for model in of_kind(heads, "model"):
        for stage, state in model.stages.items():
            version = model.version(state.version) if state.version else None
            run = model.runs.get(version.fingerprint) if version else None
            if run is not None and run.dataset in head.snapshots:
                users.append(f"{model.address} v{state.version} in {stage}")
    return users
