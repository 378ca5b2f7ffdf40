"""What a recorded run was trained from: at its commit, or as it was kept with the run; proven by its fingerprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from mlspec.commands.load import load
from mlspec.commands.session import Reader
from mlspec.core.digest import short
from mlspec.core.head import Head, Run, Snapshot, Version
from mlspec.core.heads import of_kind
from mlspec.core.moment import moment
from mlspec.core.problem import MlspecError, Problem, fail
from mlspec.core.record import Record
from mlspec.io.trees import CommitTree
from mlspec.lineage.journal import records_of
from mlspec.planner.fields import changes
from mlspec.render.text import value
from mlspec.steps import source as sources
from mlspec.steps.source import Source

Place = Literal["commit", "store"]
_MOST = 3


@dataclass(frozen=True, slots=True)
class Original:
    """A version to be trained again: its run, the data it was trained on, and what it was trained from, from where."""

    head: Head
    version: Version
    run: Run
    snapshot: Snapshot
    commit: str
    source: Source
    place: Place
    instead: str | None = None
    """Why it is not from the commit."""


def named(head: Head, version: Version) -> str:
    """Return what to call a version: `model/income v3`."""
    return f"{head.address} v{version.n}"


def original(reader: Reader, head: Head, version: Version) -> Original:
    """Find what a version was trained from and on. What makes another fingerprint is not it.

    Raises:
        MlspecError: neither its commit nor what was kept with it makes the recorded run (`reproduce/…`), or the store
            does not hold its data.
    """
    run = head.runs[version.fingerprint]
    snapshot = _snapshot(reader, run)
    record = _record(reader, head, run)
    ways: dict[Place, Callable[[], Source]] = {
        "commit": lambda: _at_commit(reader, record),
        "store": lambda: _kept(reader, record),
    }
    problems: list[Problem] = []
    for place, find in ways.items():
        try:
            source = find()
            _refuse_other(source, run, version, snapshot, "its commit" if place == "commit" else "what was kept")
        except MlspecError as error:
            problems.append(error.problems[0])
        else:
            why = problems[0].message if problems else None
            return Original(head, version, run, snapshot, record.origin.commit, source, place, why)
    raise MlspecError(*problems)


def _snapshot(reader: Reader, run: Run) -> Snapshot:
    """Return the data that a run was trained on.

    Raises:
        MlspecError: its bytes were erased, expired, or are not in the store.
    """
    for head in of_kind(reader.state.heads, "dataset"):
        snapshot = head.snapshots.get(run.dataset)
        if snapshot is None:
            continue
        called = f"it was trained on version {short(run.dataset, 8)} of {head.address}"
        store = reader.workspace.store
        lost = [one for one in (snapshot.content, *snapshot.packs) if not store.has(one)]
        if lost and snapshot.erased and snapshot.expired:
            why = f"{called}, whose rows were erased {moment(snapshot.expired)}: it cannot be trained again"
            raise fail("reproduce/erased", why)
        if lost:
            since = f"; it expired {moment(snapshot.expired)}" if snapshot.expired else ""
            why = f"{called}, and the store does not hold {lost[0]}{since}"
            raise fail("reproduce/no-data", why, help="restore the store from where it still has that object")
        return snapshot
    raise fail("lineage/no-snapshot", f"the dataset version {run.dataset} it was trained on is not recorded")


def _record(reader: Reader, head: Head, run: Run) -> Record:
    """Return the record of a training."""
    home, tip = reader.workspace.home, reader.state.tip or ""
    found = (one for one in records_of(home.repository, tip, {head.address}) if one.digest == run.record)
    record = next(found, None)
    if record is None:
        raise fail("lineage/damaged", f"the record {run.record} of {head.address} is gone", help="run: mlspec verify")
    return record


def _at_commit(reader: Reader, record: Record) -> Source:
    """Read what the recorded commit declares, from git's objects.

    Raises:
        MlspecError: files were not committed then, the commit is not here, or it does not declare the model.
    """
    workspace, commit = reader.workspace, record.origin.commit
    if record.origin.dirty:
        why = f"it was trained beside commit {commit[:8]} from files that were not committed"
        raise fail("reproduce/not-committed", why)
    if not workspace.repository.knows_commit(commit):
        why = f"commit {commit[:8]}, which it was trained from, is not in this repository"
        raise fail("reproduce/no-commit", why, help=f"git fetch REMOTE {commit} brings it, where a remote has it")
    tree = CommitTree(workspace.repository, commit, workspace.prefix)
    loaded = load(tree, None)
    model = loaded.specs.models.get(record.address.partition("/")[2])
    if model is None:
        raise fail("reproduce/no-commit", f"commit {commit[:8]} declares no {record.address} in this folder")
    closure = loaded.code[model.name].closure
    code = {path: tree.read(path) or b"" for path in closure.files} if closure else {}
    lock = tree.read(model.train.environment.lock) if model.train.environment else None
    return Source(model, loaded.specs.datasets[model.dataset], code, lock)


def _kept(reader: Reader, record: Record) -> Source:
    """Read what was kept with the run.

    Raises:
        MlspecError: nothing was, or it is not in the store.
    """
    output = record.output("source")
    if output is None:
        why = "no code was kept with it: it was trained by an mlspec that did not do so yet"
        raise fail("reproduce/no-source", why)
    with reader.folder() as folder:
        archive = folder / "kept.zip"
        reader.workspace.store.fetch(output.digest, archive)
        return sources.unpack(archive, folder / "kept")


def _refuse_other(source: Source, run: Run, version: Version, snapshot: Snapshot, place: str) -> None:
    """Refuse a source that makes another run: it is not what the model was trained from.

    Raises:
        MlspecError: `reproduce/other-source`, with the fields that differ.
    """
    made = sources.makes(source, snapshot.content)
    if made.digest == version.fingerprint:
        return
    differ = changes(run.fields, made.fields)
    listed = [f"{one.field} is {value(one.after)}, recorded is {value(one.before)}" for one in differ[:_MOST]]
    more = f", and {len(differ) - _MOST} more" if len(differ) > _MOST else ""
    why = f"{place} makes another run than v{version.n}: {'; '.join(listed) or 'its fingerprint'}{more}"
    raise fail("reproduce/other-source", why)
