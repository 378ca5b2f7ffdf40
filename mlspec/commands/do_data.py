"""The steps of a dataset: copy its bytes into the store, then hold the copy against its contract."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from mlspec.commands.packs import packs_of, put_packs
from mlspec.commands.results import Result
from mlspec.commands.session import Session
from mlspec.commands.sources import content_of, files_of, is_many, manifest
from mlspec.commands.tables import load_table
from mlspec.core.plan import Action
from mlspec.core.ports import Stored
from mlspec.core.problem import MlspecError, fail
from mlspec.core.record import Object, Record
from mlspec.core.verdict import Violation
from mlspec.io.files import find_source
from mlspec.io.hashes import HashCache
from mlspec.planner.datasets import DatasetView
from mlspec.specs.dataset import Dataset
from mlspec.steps.contract import check as check_contract
from mlspec.steps.profile import profile

if TYPE_CHECKING:
    import pandas as pd


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
    try:
        table = load_table(session, view.version.fields if view.version else {}, dataset)
    except MlspecError as error:
        if not error.problems[0].code.startswith("data/"):
            raise
        broken = (_unreadable(error),)
        facts |= {"rows": 0, "status": "rejected", "violations": broken}
        return _rejection(dataset, broken, session.author.draft("check", action, started, **facts))
    facts["rows"] = len(table.frame)
    known = _known(session, dataset)
    violations = (*table.violations, *check_contract(table.frame, dataset, _unread(table.violations), known))
    if violations:
        facts |= {"status": "rejected", "violations": violations[:20]}
        return _rejection(dataset, violations, session.author.draft("check", action, started, **facts))
    described = session.workspace.store.put_bytes(_json(profile(table.frame, dataset, table.test)))
    outputs = (Object(name="profile", digest=described.digest, size=described.size), *more)
    draft = session.author.draft("check", action, started, outputs=outputs, **facts)
    rows, tests = len(table.frame), int(table.test.sum())
    return Result(f"{rows:,} rows keep the contract; {tests:,} of them are for testing", (draft,))


def _known(session: Session, dataset: Dataset) -> dict[tuple[str, str], pd.Series]:
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
                table = load_table(session, version.fields if version else {}, other)
            except MlspecError as error:
                if not error.problems[0].code.startswith("data/"):
                    raise
                message = f"dataset/{other.name}, which it refers to, cannot be read: {error.problems[0].message}"
                raise fail("contract/reference", message) from error
            found[other.name, reference.target] = table.frame[reference.target]
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
