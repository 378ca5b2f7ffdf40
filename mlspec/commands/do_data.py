"""The steps of a dataset: copy its bytes into the store, then hold the copy against its contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlspec.commands.packs import packs_of, put_packs
from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.commands.sources import content_of, files_of, is_many, manifest
from mlspec.commands.tables import Lent, lend_table
from mlspec.core.plan import Action
from mlspec.core.ports import Stored
from mlspec.core.problem import MlspecError, fail
from mlspec.core.record import Object, Record
from mlspec.core.verdict import Violation
from mlspec.io.files import find_source
from mlspec.io.hashes import HashCache
from mlspec.planner.datasets import DatasetView
from mlspec.specs.dataset import Dataset
from mlspec.steps.contract import Known, check_table, values_of
from mlspec.steps.places import placed, recordable
from mlspec.steps.profile import profile_table
from mlspec.steps.remarks import remarks
from mlspec.steps.sides import sides

_MOST_REMARKS = 10
_MOST_VIOLATIONS = 20
"""A record keeps so many."""


def snapshot(session: Session, action: Action, started: datetime) -> Result:
    """Copy the source into the store, hashing while copying, and record the dataset version.

    Raises:
        MlspecError: the source cannot be read, or no longer holds the bytes that were planned.
    """
    dataset, view = _planned(session, action)
    stored, packs = _bytes(session, dataset, view)
    if stored.digest != view.content:
        raise fail(
            "source/changed",
            f"{dataset.source.path} changed after it was planned: {view.content} then, {stored.digest} now",
            help="plan again",
        )
    more = session.keep(view.version.objects) if view.version else ()
    draft = session.author.draft(
        "snapshot",
        action,
        started,
        fingerprint=action.run,
        fields=view.version.fields if view.version else {},
        outputs=(Object(name="content", digest=stored.digest, size=stored.size), *packs, *more),
    )
    size = sum(pack.size for pack in packs) or stored.size
    return Result(f"{size:,} bytes of {dataset.source.path}", (draft,))


def check(session: Session, action: Action, started: datetime) -> Result:
    """Hold a dataset version against its contract; what breaks it is recorded as rejected."""
    dataset, view = _planned(session, action)
    facts: dict[str, object] = {"fingerprint": action.run, "fields": view.contract.fields if view.contract else {}}
    more = session.keep(view.contract.objects) if view.contract else ()
    known = _known(session, dataset)
    try:
        with lend_table(session, view.version.fields if view.version else {}, dataset) as lent:
            looked = _look(lent, dataset, known, started)
    except MlspecError as error:
        if not error.problems[0].code.startswith("data/"):
            raise
        looked = _Looked(0, violations=(_unreadable(error),))
    facts["rows"] = looked.rows
    if looked.violations:
        facts |= {"status": "rejected", "violations": recordable(looked.violations[:_MOST_VIOLATIONS])}
        return _rejection(dataset, looked.violations, session.author.draft("check", action, started, **facts))
    described = session.workspace.store.put_bytes(_json(looked.profile))
    outputs = (Object(name="profile", digest=described.digest, size=described.size), *more)
    draft = session.author.draft("check", action, started, outputs=outputs, remarks=looked.remarks, **facts)
    told = f"{looked.rows:,} rows keep the contract; {looked.tests:,} of them are for testing"
    return Result(told, (draft,), remarks=looked.remarks)


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was seen of a dataset version: what it breaks, or else its profile."""

    rows: int
    tests: int = 0
    violations: tuple[Violation, ...] = ()
    profile: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def _look(lent: Lent, dataset: Dataset, known: Known, now: datetime) -> _Looked:
    table = lent.table
    violations = (*lent.violations, *check_table(table, dataset, _unread(lent.violations), known))
    if dataset.source.path not in lent.lengths:  # a single file goes by the source's own path
        violations = placed(violations, lent.lengths)
    if violations:
        return _Looked(table.rows, violations=violations)
    tests = sides(table, dataset).tests
    odd = remarks(table, dataset, now)[:_MOST_REMARKS]
    return _Looked(table.rows, tests, profile=profile_table(table, dataset, tests), remarks=odd)


def _known(session: Session, dataset: Dataset) -> Known:
    """Return the values of the columns of other datasets that a contract refers to.

    Raises:
        MlspecError: `contract/reference`, one of those datasets cannot be read.
    """
    found = {}
    for reference in dataset.checks.references:
        if reference.dataset != dataset.name:
            other = session.workspace.specs.datasets[reference.dataset]
            version = session.seen.datasets[other.name].version
            try:
                with lend_table(session, version.fields if version else {}, other) as lent:
                    found[other.name, reference.target] = values_of(lent.table, reference.target)
            except MlspecError as error:
                if not error.problems[0].code.startswith("data/"):
                    raise
                message = f"dataset/{other.name}, which it refers to, cannot be read: {error.problems[0].message}"
                raise fail("contract/reference", message) from error
    return found


def _planned(session: Session, action: Action) -> tuple[Dataset, DatasetView]:
    name = action.address.partition("/")[2]
    return session.workspace.specs.datasets[name], session.seen.datasets[name]


def _bytes(session: Session, dataset: Dataset, view: DatasetView) -> tuple[Stored, tuple[Object, ...]]:
    """Return the stored source, and of many files the packs; when it is out of reach, what the store holds of it."""
    workspace = session.workspace
    if session.seen.world.sources[dataset.name].digest is None and view.content is not None:
        return _held(session, view.content, view.address)
    hashes = HashCache(workspace.cache / "hashes")
    if is_many(workspace.root, dataset):
        return _many(session, dataset, view, hashes)
    source = find_source(workspace.root, dataset.source.path)
    before = hashes.watch(source)
    stored = workspace.store.put(source)
    hashes.note(source, before, stored.digest)
    hashes.save()
    return stored, ()


def _held(session: Session, content: str, address: str) -> tuple[Stored, tuple[Object, ...]]:
    snapshots = session.head(address).snapshots.values()
    size = next((known.size for known in snapshots if known.content == content), 0)
    packs = packs_of(session, content, address)
    return Stored(content, size), tuple(Object(name="pack", digest=digest, size=0) for digest in packs)


def _many(
    session: Session, dataset: Dataset, view: DatasetView, hashes: HashCache
) -> tuple[Stored, tuple[Object, ...]]:
    files = files_of(session.workspace, dataset)
    found = manifest(dataset, files, hashes)
    hashes.save()
    if content_of(found) != view.content:
        return Stored(content_of(found), found.size), ()
    packs = put_packs(session, found, files, dataset.source.path)
    stored = session.workspace.store.put_bytes(found.content)
    return stored, tuple(Object(name="pack", digest=pack.digest, size=pack.size) for pack in packs)


def _unreadable(error: MlspecError) -> Violation:
    first = error.problems[0]
    hint = f" ({first.help})" if first.help else ""
    return Violation(rule="readable", count=1, message=first.message + hint)


def _unread(violations: tuple[Violation, ...]) -> set[str | None]:
    return {violation.column for violation in violations if violation.rule != "columns/extra"}


def _rejection(dataset: Dataset, violations: tuple[Violation, ...], draft: Record) -> Result:
    count = len(violations)
    return Result(
        f"{dataset.source.path} breaks {count} rule{'s' if count > 1 else ''} of its contract",
        (draft,),
        "rejected",
        violations=violations,
        negative=True,
    )


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=1).encode() + b"\n"
