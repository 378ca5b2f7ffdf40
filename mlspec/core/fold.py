"""Folding: a head and the next record of its address give the next head. Pure; the whole meaning of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mlspec.core import digest
from mlspec.core.head import (
    Contract,
    Failed,
    Head,
    Reproduced,
    Run,
    Snapshot,
    StageState,
    VerdictFact,
    Version,
    contract_key,
    verdict_key,
)
from mlspec.core.record import Record
from mlspec.core.verdict import GateVerdict, Outcome

Update = dict[str, Any]


def fold(heads: Mapping[str, Head], record: Record) -> dict[str, Head | None]:
    """Return the heads that a record changes: the new head of its address, and None for one that moved away."""
    changed: dict[str, Head | None] = {}
    source = record.moved_from or record.address
    head = heads.get(source) or Head(address=source)
    if record.moved_from:
        changed[record.moved_from] = None
    update: Update = {"address": record.address, "generation": head.generation + 1, "record": record.digest}
    if record.status == "failed":
        update |= _failed(head, record)
    else:
        update |= _FOLDS[record.verb](head, record)
        if record.effect in head.failed:
            update["failed"] = {key: value for key, value in head.failed.items() if key != record.effect}
    if record.cost is not None:
        update["seconds"] = {**head.seconds, record.verb: record.cost.wall_s}
    changed[record.address] = head.model_copy(update=update)
    return changed


def reference(record: Record) -> str:
    """Return where a record came from, as `main@9f0c12ab`; a dirty tree is marked."""
    mark = "+dirty" if record.origin.dirty else ""
    return f"{record.origin.branch or 'detached'}@{record.origin.commit[:8]}{mark}"


def _failed(head: Head, record: Record) -> Update:
    if record.failure is None or record.effect is None:
        return {}
    fact = Failed(verb=record.verb, record=record.digest, failure=record.failure)
    return {"failed": {**head.failed, record.effect: fact}}


def _snapshot(head: Head, record: Record) -> Update:
    content = record.output("content")
    if content is None or record.fingerprint is None:
        return {}
    snapshot = Snapshot(
        record=record.digest,
        content=content.digest,
        size=content.size,
        ref=reference(record),
        at=record.finished,
        fields=record.fields,
        packs=record.named("pack"),
    )
    return {"snapshots": {**head.snapshots, record.fingerprint: snapshot}}


def _check(head: Head, record: Record) -> Update:
    profile = record.output("profile")
    fingerprint = record.fingerprint or ""
    contract = Contract(
        fingerprint=fingerprint,
        outcome="rejected" if record.status == "rejected" else "passed",
        record=record.digest,
        at=record.finished,
        rows=record.rows or 0,
        summary="; ".join(violation.message for violation in record.violations[:3]),
        profile=profile.digest if profile else None,
        fields=record.fields,
    )
    update: Update = {"contracts": {**head.contracts, contract_key(fingerprint, digest.of(record.fields)): contract}}
    if contract.outcome == "passed" and record.origin.deploys:
        update["current"] = fingerprint
    return update


def _train(head: Head, record: Record) -> Update:
    artifact, manifest, rows = (record.output(name) for name in ("model", "manifest", "rows"))
    if artifact is None or manifest is None or record.fingerprint is None:
        return {}
    run = Run(
        record=record.digest,
        artifact=artifact.digest,
        manifest=manifest.digest,
        dataset=record.inputs.get("dataset", ""),
        ref=reference(record),
        at=record.finished,
        fields=record.fields,
        rows=rows.digest if rows else None,
        repeats=record.named("repeat"),
        in_force=record.in_force,
    )
    update: Update = {"runs": {**head.runs, record.fingerprint: run}}
    if record.fingerprint in head.runs:  # its model had expired: another one was not judged yet
        judged = {key: fact for key, fact in head.verdicts.items() if fact.run != record.fingerprint}
        update["verdicts"] = judged
    return update


def _evaluate(head: Head, record: Record) -> Update:
    fingerprint = record.fingerprint or ""
    run = head.runs[fingerprint]
    test = record.inputs.get("test", "")
    predictions = record.output("predictions")
    run_update: Update = {"metrics": {**run.metrics, **record.metrics}}
    if predictions is not None:
        run_update["predictions"] = {**run.predictions, test: predictions.digest}
    if record.spread:
        run_update["spread"] = {**run.spread, **record.spread}
    if record.named("repeated"):
        run_update["repeated"] = {**run.repeated, test: record.named("repeated")}
    if record.probes:
        run_update["probes"] = {**run.probes, **record.probes}
    verdicts = dict(head.verdicts)
    for verdict in record.verdicts:
        fact = VerdictFact(
            run=fingerprint,
            gate=verdict.gate,
            gate_digest=verdict.digest,
            test=test,
            outcome=verdict.outcome,
            record=record.digest,
            reason=_reason(verdict),
            champion=verdict.champion,
            failing=verdict.failing,
        )
        verdicts[verdict_key(fingerprint, verdict.digest, test, verdict.champion)] = fact
    return {
        "runs": {**head.runs, fingerprint: run.model_copy(update=run_update)},
        "verdicts": verdicts,
        **_conforming(head, record),
    }


def _reason(verdict: GateVerdict) -> str:
    blocking = [check for check in verdict.checks if check.level == "block"]
    deciding = [check for check in blocking if check.outcome is verdict.outcome] or list(verdict.checks)
    negative = verdict.outcome is not Outcome.PASS
    return "; ".join(check.reason for check in (deciding if negative else deciding[:3]))[:500]


def _conforming(head: Head, record: Record) -> Update:
    """Say of stages whether what holds them conforms, and by which waivers."""
    if not record.conforming and not record.waivers:
        return {}
    stages = {
        name: state.model_copy(
            update={
                "conforming": record.conforming.get(name, state.conforming),
                "waivers": record.waivers.get(name, () if name in record.conforming else state.waivers),
            }
        )
        for name, state in head.stages.items()
    }
    return {"stages": stages}


def _register(head: Head, record: Record) -> Update:
    version = Version(
        n=record.version or 0, fingerprint=record.fingerprint or "", record=record.digest, at=record.finished
    )
    return {"versions": (*head.versions, version)}


def _enter(head: Head, record: Record) -> Update:
    stage = record.stage or ""
    state = StageState(
        version=record.version,
        since=record.finished,
        by=record.actor.name,
        commit=record.origin.commit,
        record=record.digest,
        conforming=record.conforming.get(stage, True),
        held=_held(head.stages.get(stage)),
        override=record.override,
        champions=record.champions,
        faced=_faced(head.stages.get(stage), record),
        waivers=record.waivers.get(stage, ()),
    )
    return {"stages": {**head.stages, stage: state}}


def _faced(before: StageState | None, record: Record) -> dict[str, int]:
    """Return what each version first replaced in a stage; one that comes back keeps what it faced at first."""
    known, replaced = before.faced if before else {}, record.champions.get(record.stage or "")
    if replaced is None or record.version is None or str(record.version) in known or _was_there(before, record):
        return known
    return {**known, str(record.version): replaced}


def _was_there(before: StageState | None, record: Record) -> bool:
    return before is not None and record.version in (*before.held, before.version)


def _held(before: StageState | None) -> tuple[int, ...]:
    if before is None or before.version is None:
        return before.held if before else ()
    return (*(n for n in before.held if n != before.version), before.version)


def _update(head: Head, record: Record) -> Update:
    update: Update = {**_conforming(head, record), "facts": record.fields, "retired": False}
    if record.released:
        update["stages"] = _released(update.get("stages", head.stages), record.released)
    if record.fingerprint is not None:
        update["current"] = record.fingerprint
    return update


def _released(stages: Mapping[str, StageState], released: Mapping[str, str]) -> dict[str, StageState]:
    """Return stages without the overrides that are over; one made meanwhile, until another time, stays."""
    return {
        name: state.model_copy(update={"override": None})
        if state.override is not None and state.override.until == released.get(name)
        else state
        for name, state in stages.items()
    }


def _move(_head: Head, _record: Record) -> Update:
    return {}


def _retire(head: Head, record: Record) -> Update:
    stages = {
        name: state.model_copy(
            update={
                "version": None,
                "since": record.finished,
                "record": record.digest,
                "held": _held(state),
                "override": None,
                "champions": {},
                "waivers": (),
            }
        )
        for name, state in head.stages.items()
    }
    return {"retired": True, "stages": stages}


def _expire(head: Head, record: Record) -> Update:
    """Mark what is no longer kept. Its measurements stay, but for those of rows: contracts, predictions, probes."""
    expiry = record.expiry
    if expiry is None:
        return {}
    facts, objects, at = set(expiry.facts), set(expiry.objects), record.finished
    snapshots = {
        key: known.model_copy(update={"expired": known.expired or at, "erased": known.erased or expiry.erases})
        if key in facts
        else known
        for key, known in head.snapshots.items()
    }
    runs = {
        key: run.model_copy(
            update={
                "expired": run.expired or (at if key in facts else None),
                "predictions": {test: one for test, one in run.predictions.items() if one not in objects},
                "repeated": {test: many for test, many in run.repeated.items() if not objects & set(many)},
                "rows": None if run.rows in objects else run.rows,
                "probes": {asked: one for asked, one in run.probes.items() if one not in objects},
            }
        )
        for key, run in head.runs.items()
    }
    contracts = {key: known for key, known in head.contracts.items() if known.fingerprint not in facts}
    return {"snapshots": snapshots, "runs": runs, "contracts": contracts}


def _reproduce(head: Head, record: Record) -> Update:
    fingerprint, found = record.fingerprint or "", record.reproduction
    if found is None:
        return {}
    reproduced = Reproduced(outcome=found.outcome, record=record.digest, at=record.finished)
    run = head.runs[fingerprint].model_copy(update={"reproduced": reproduced})
    return {"runs": {**head.runs, fingerprint: run}}


def _accept(_head: Head, record: Record) -> Update:
    return {"facts": {"accepted": record.fields.get("tip")}}


_FOLDS: Mapping[str, Callable[[Head, Record], Update]] = {
    "snapshot": _snapshot,
    "check": _check,
    "train": _train,
    "evaluate": _evaluate,
    "register": _register,
    "promote": _enter,
    "rollback": _enter,
    "demote": _enter,
    "move": _move,
    "retire": _retire,
    "update": _update,
    "accept": _accept,
    "expire": _expire,
    "reproduce": _reproduce,
}
