"""`mlspec gc`: stop keeping what nothing rests on any more, and erase rows that must not be kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from mlspec.commands.catch_up import Ask
from mlspec.commands.drafts import Author, author
from mlspec.commands.objects import Progress
from mlspec.commands.workspace import Workspace, authority, open_workspace, refuse_superseded
from mlspec.core.digest import short
from mlspec.core.garbage import Gone, Sweep, Swept
from mlspec.core.head import Head, Snapshot
from mlspec.core.heads import of_kind
from mlspec.core.ports import Clock
from mlspec.core.problem import MlspecError, Problem, StaleError, fail, suggest
from mlspec.core.record import Expiry, Record
from mlspec.io.clock import SystemClock, stamp
from mlspec.lineage import intents, journal
from mlspec.lineage.read import State
from mlspec.lineage.share import publish
from mlspec.lineage.write import append, fresh
from mlspec.planner import garbage
from mlspec.planner.garbage import PROJECTS, Names
from mlspec.specs.model import seconds
from mlspec.specs.store import GIT

YOUNGEST = timedelta(days=1)
"""What is younger than this may be of an apply that has not recorded it yet."""
_TRIES = 10
_DIGESTS = 150
"""A record names so many at most, to stay below its limit."""
_SHORTEST = 6

Confirm = Callable[[Sweep], bool]


@dataclass(frozen=True, slots=True)
class GcRequest:
    """What is wished, in the words of the command line."""

    older_than: str = "30d"
    erase: tuple[str, ...] = ()
    reason: str = ""
    forget: tuple[str, ...] = ()
    """Projects that no longer use the store."""


def run(
    start: Path,
    request: GcRequest,
    confirm: Confirm,
    progress: Progress = lambda *_: None,
    clock: Clock | None = None,
) -> Swept | None:
    """Look, ask, record, share, then remove; None where `confirm` said no: nothing was removed or recorded then.

    Raises:
        StaleError: others kept recording what may need what would go, or the commit was superseded.
        MlspecError: this commit may not decide, the store is also another project's, a version that is to be erased is
            not known, or the record cannot be shared: nothing was removed then.
    """
    clock = clock or SystemClock()
    lasts = _duration(request)
    workspace = open_workspace(start, ask=Ask.MUST)
    refuse_superseded(workspace)
    allowed = authority(workspace)
    if not allowed.deploys:
        raise fail("gc/not-deployed", f"gc removes what deployed specs do not keep, and {allowed.why}")
    _refuse_others(workspace, request)
    started = clock.now()
    writer, state, agreed = author(workspace, allowed.deploys, clock), workspace.state, None
    for _ in range(_TRIES):
        state = fresh(workspace.branch, state)
        sweep = (
            _erasing(workspace, state, request)
            if request.erase
            else _expiring(workspace, state, started - lasts, progress)
        )
        if agreed is None and not sweep.is_empty and not confirm(sweep):
            return None
        if agreed is not None and not sweep.within(agreed):
            break
        agreed = sweep
        recorded = _record(workspace, state, writer, sweep, started)
        if recorded is not None:
            before = math.inf if request.erase else (started - lasts).timestamp()
            workspace.store.remove([_note(name) for name in request.forget], math.inf)
            return _remove(workspace, recorded, sweep, before)
    raise StaleError(Problem("plan/stale", "others recorded more meanwhile", help="look again: mlspec gc"))


def register(workspace: Workspace) -> None:
    """Note in the store that this project uses it, so that no other one takes its objects for nobody's."""
    name = _note(workspace.project.project)
    if workspace.project.store.scheme != GIT and workspace.store.noted(name) is None:
        workspace.store.note(name, b"")


def _note(project: str) -> str:
    return f"{PROJECTS}{project}"


def _refuse_others(workspace: Workspace, request: GcRequest) -> None:
    """Refuse a store that other projects use: what they need is recorded elsewhere."""
    names = {lying.name.removeprefix(PROJECTS) for lying in workspace.store.contents() if _is_note(lying.name)}
    others = sorted(names - {workspace.project.project})
    unknown = [name for name in request.forget if name not in others]
    if unknown:
        raise fail("gc/unknown-project", f"no project `{unknown[0]}` uses this store", help=suggest(unknown[0], others))
    left = [name for name in others if name not in request.forget]
    if left and not request.erase:
        raise fail(
            "gc/shared-store",
            f"the store is also used by {', '.join(left)}, and what they need is recorded elsewhere",
            help=f"give each project a store of its own; one that is gone: mlspec gc --forget {left[0]}",
        )


def _is_note(name: str) -> bool:
    return name.startswith(PROJECTS)


def _expiring(workspace: Workspace, state: State, limit: datetime, progress: Progress) -> Sweep:
    since, heads = stamp(limit), state.heads
    listed = journal.entries(workspace.home.repository, state.tip) if state.tip else {}
    names = Names()
    for number, record in enumerate(journal.read(workspace.home.repository, listed), 1):
        names.add(record)
        progress("records", number, len(listed))
    keeps = garbage.kept(heads, workspace.specs, since, intents.left(workspace.home))
    stays = garbage.objects_kept(heads, names, keeps, since)
    lying = list(workspace.store.contents())
    unnamed = garbage.unnamed(lying, names, keeps, stays, limit.timestamp())
    gone = garbage.expiring(heads, names, keeps, stays)
    sizes = {one.name: one.size for one in lying}
    return Sweep(tuple(gone), tuple(unnamed), sizes, since, "no longer kept: nothing rests on it")


def _erasing(workspace: Workspace, state: State, request: GcRequest) -> Sweep:
    chosen = [_version(state, named) for named in request.erase]
    found = garbage.erasure(state.heads, {snapshot.content for snapshot in chosen})
    if found.also:
        raise fail(
            "gc/shared-rows",
            f"some of these rows are also in {', '.join(found.also)}, and would stay there",
            help=f"erase these too: --erase {found.also[0]}",
        )
    sizes = {one.name: one.size for one in workspace.store.contents()}
    return Sweep(found.gone, (), sizes, None, request.reason, found.trained)


def _version(state: State, named: str) -> Snapshot:
    """Return the snapshot that is called `dataset/adult@3fa8c1d2`: by the digest of its version or of its content."""
    address, _, wanted = named.partition("@")
    head = state.heads.get(address) or state.heads.get(f"dataset/{address}") or Head(address=address)
    if not head.snapshots:
        known = [head.address for head in of_kind(state.heads, "dataset")]
        raise fail("gc/unknown-version", f"no snapshot of `{address}` is recorded", help=suggest(address, known))
    wanted = wanted.removeprefix("sha256:")
    listed = ", ".join(sorted(short(version, 8) for version in head.snapshots))
    found = {
        snapshot.content: snapshot
        for version, snapshot in head.snapshots.items()
        if len(wanted) >= _SHORTEST and wanted in (_start(version, wanted), _start(snapshot.content, wanted))
    }
    if len(found) != 1:
        which = "several versions" if found else f"no version `{wanted}`"
        raise fail("gc/unknown-version", f"{head.address} has {which}; versions: {listed}", help="write its digest")
    return next(iter(found.values()))


def _start(digest: str, wanted: str) -> str:
    return digest.removeprefix("sha256:")[: len(wanted)]


def _record(workspace: Workspace, state: State, writer: Author, sweep: Sweep, started: datetime) -> State | None:
    """Record and share what goes; None where others recorded something first."""
    erases = sweep.since is None
    drafts = [draft for gone in sweep.gone for draft in _drafts(writer, gone, sweep.reason, started, erases=erases)]
    if not drafts:
        return state
    try:
        recorded = append(workspace.branch, state, drafts, writer.clock.now, exact=True)
    except StaleError:
        return None
    shared = publish(workspace.home, workspace.branch, writer.clock.now)
    return None if shared.refused else fresh(workspace.branch, recorded)


def _drafts(writer: Author, gone: Gone, reason: str, started: datetime, *, erases: bool) -> Iterator[Record]:
    facts, objects = iter(sorted(gone.facts)), iter(gone.objects)
    while True:
        named = list(islice(facts, _DIGESTS))
        removed = list(islice(objects, _DIGESTS - len(named)))
        if not named and not removed:
            return
        expiry = Expiry(facts=tuple(named), objects=tuple(removed), reason=reason, erases=erases)
        yield writer.record("expire", gone.address, started, expiry=expiry)


def _remove(workspace: Workspace, state: State, sweep: Sweep, before: float) -> Swept:
    """Remove the objects; what fails now goes at the next time, for it is recorded as gone."""
    try:
        removed = workspace.store.remove(sorted(sweep.objects), before)
    except MlspecError as error:
        return Swept(sweep, frozenset(), state.tip, error.problems)
    return Swept(sweep, frozenset(removed), state.tip)


def _duration(request: GcRequest) -> timedelta:
    if bool(request.erase) != bool(request.reason.strip()):
        raise fail("usage", "--erase and --reason go together: why rows were erased is recorded")
    try:
        found = timedelta(seconds=seconds(request.older_than))
    except (ValueError, OverflowError):
        found = timedelta()
    if found < YOUNGEST:
        message = f"--older-than is `{request.older_than}`, not a duration of at least a day, such as 30d"
        raise fail("gc/older-than", message, help="what is younger may be of an apply that is still running")
    return found
