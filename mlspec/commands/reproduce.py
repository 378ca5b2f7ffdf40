"""`mlspec reproduce`: train recorded versions again, compare, and record what came of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mlspec.commands.catch_up import Ask
from mlspec.commands.drafts import Author, author
from mlspec.commands.original import Original, named, original
from mlspec.commands.restore import Restored, put_back
from mlspec.commands.retrain import Again, Lab, again
from mlspec.commands.session import Shelf
from mlspec.commands.sharing import Sharing
from mlspec.commands.versions import find_version, refuse_expired
from mlspec.commands.workspace import Workspace, open_workspace
from mlspec.core.head import Head, Version
from mlspec.core.heads import of_kind
from mlspec.core.ports import Cancel, Clock
from mlspec.core.problem import MlspecError, Problem, fail, suggest
from mlspec.core.record import Record
from mlspec.core.reproduction import Reproductions, Retrained
from mlspec.executors.local import LocalExecutor
from mlspec.io.clock import SystemClock
from mlspec.io.scratch import lend_folder
from mlspec.lineage.read import State
from mlspec.lineage.write import append, fresh

TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class ReproduceRequest:
    """What to train again: a version of a model, what is in a stage of it, or all that is in a stage."""

    model: str | None = None
    stage: str | None = None
    restore: bool = False
    tolerance: float = TOLERANCE
    push: bool = True


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the verdicts, what could not be done, what did not reach the remote, and the exit code."""

    report: Reproductions
    failed: tuple[Problem, ...]
    unshared: tuple[Problem, ...]
    log_tail: tuple[str, ...]
    exit_code: int


@dataclass
class Bench:
    """The project, read; `state` is what is recorded so far."""

    workspace: Workspace
    state: State
    shelf: Shelf = field(default_factory=lambda: Shelf(1))

    def head(self, address: str) -> Head:
        """Return the head of an address, empty where nothing is recorded."""
        return self.state.heads.get(address) or Head(address=address)

    def folder(self) -> AbstractContextManager[Path]:
        """Lend an empty folder on the store's disk, removed at the end."""
        return lend_folder(self.workspace.root / ".mlspec" / "tmp")


@dataclass
class _Tally:
    done: list[Retrained] = field(default_factory=list)
    failed: list[Problem] = field(default_factory=list)
    tail: tuple[str, ...] = ()


def run(
    start: Path, request: ReproduceRequest, cancel: Cancel, tell: Callable[[str], None], clock: Clock | None = None
) -> Done:
    """Train each version again, compare, record the verdict, and go on; `tell` hears what is trained.

    Nothing is moved, so any commit and any tree will do: what is recorded is evidence.

    Raises:
        MlspecError: no project, an invalid spec, no such model, version or stage, or git has no identity.
    """
    clock = clock or SystemClock()
    workspace = open_workspace(start, ask=Ask.MUST if request.push else Ask.MAY)
    chosen = list(_chosen(workspace, request))
    writer = author(workspace, deploys=False, clock=clock)  # a commit that is not applied deploys nothing
    bench, tally = Bench(workspace, workspace.state), _Tally()
    lab = Lab(bench, LocalExecutor(), cancel, dict(os.environ), request.tolerance)
    for head, version in chosen:
        if cancel.is_set():
            break
        tell(f"{named(head, version)}: training again")
        try:
            tally.done.append(_one(lab, bench, head, version, request.restore, writer))
        except MlspecError as error:
            if error.exit_code != 1:
                raise
            tally.failed += [replace(one, message=f"{named(head, version)}: {one.message}") for one in error.problems]
            tally.tail = tuple(getattr(error, "tail", "").splitlines())
    sharing = Sharing(workspace.home, workspace.branch, workspace.store, clock, request.push)
    sharing.finally_()
    tip = fresh(workspace.branch, bench.state).tip
    report = Reproductions(project=workspace.project.project, lineage=tip, versions=tuple(tally.done))
    return Done(report, tuple(tally.failed), sharing.told, tally.tail, _exit_code(tally, sharing, cancel))


def _exit_code(tally: _Tally, sharing: Sharing, cancel: Cancel) -> int:
    """Return the exit code of DESIGN section 7."""
    failed = tally.failed or sharing.problems or any(one.lost for one in tally.done)
    differs = any(one.found.outcome == "different" for one in tally.done)
    reached = ((130, cancel.is_set()), (1, failed), (4, sharing.stale), (3, differs))
    return next((code for code, holds in reached if holds), 0)


def _chosen(workspace: Workspace, request: ReproduceRequest) -> Iterator[tuple[Head, Version]]:
    """Yield the versions that are asked for.

    Raises:
        MlspecError: there is no such model, version or stage, or nothing is in the stage.
    """
    if request.model is not None:
        yield _version(workspace, request.model, request.stage)
        return
    stage, order = request.stage or "", workspace.project.stages
    if stage not in order:
        why = f"mlspec.yaml has no stage `{stage}`; the stages are {', '.join(order) or 'none'}"
        raise fail("select/stage", why, help=suggest(stage, order))
    heads = sorted(of_kind(workspace.state.heads, "model"), key=lambda head: head.address)
    held = [
        (head, head.version(state.version)) for head in heads if (state := head.stages.get(stage)) and state.version
    ]
    if not held:
        raise fail("select/stage", f"nothing is in {stage}", help="mlspec show says what is in which stage")
    yield from ((head, version) for head, version in held if version is not None)


def _version(workspace: Workspace, reference: str, stage: str | None) -> tuple[Head, Version]:
    name, _, wanted = reference.partition("@")
    if wanted and stage:
        raise fail("select/version", f"`{reference}` names a version already: leave out --stage, or what follows @")
    address = name if name.startswith("model/") else f"model/{name}"
    head = workspace.state.heads.get(address)
    if head is None:
        known = [one.address for one in of_kind(workspace.state.heads, "model")]
        hint = suggest(name, [*known, *(one.removeprefix("model/") for one in known)])
        raise fail("select/unknown", f"no model `{name}` is recorded", help=hint)
    if wanted or stage:
        return head, find_version(head, wanted or stage or "")
    if not head.versions:
        raise fail("select/version", f"{address} has no version yet", help="run: mlspec apply")
    return head, _last(workspace, head)


def _last(workspace: Workspace, head: Head) -> Version:
    """Return what holds the last stage that is held, else the newest version."""
    held = [head.stages[name].version for name in workspace.project.stages if name in head.stages]
    numbers = [number for number in held if number] or [head.versions[-1].n]
    return head.version(numbers[-1]) or head.versions[-1]


def _one(lab: Lab, bench: Bench, head: Head, version: Version, restore: bool, writer: Author) -> Retrained:
    """Train a version again, record the verdict, and put back what was lost where that is asked for."""
    if restore:
        refuse_expired(head, version)
    started = writer.clock.now()
    first_time = original(bench, head, version)
    with ExitStack() as stack:
        made = again(lab, first_time, stack)
        restored = put_back(bench.workspace.store, made.files) if restore else None
    draft = _draft(writer, first_time, made, started)
    bench.state = append(bench.workspace.branch, bench.state, (draft,), writer.clock.now)
    return Retrained(
        address=head.address,
        version=version.n,
        run=version.fingerprint,
        commit=first_time.commit,
        found=made.found,
        restored=restored.names if restored else (),
        lost=restored.lost if restored else (),
        remarks=tuple(_remarks(first_time, made, restored)),
    )


def _draft(writer: Author, first_time: Original, made: Again, started: datetime) -> Record:
    run = first_time.run
    return writer.record(
        "reproduce",
        first_time.head.address,
        started,
        fingerprint=first_time.version.fingerprint,
        inputs={"run": run.record, "dataset": run.dataset, "model": run.artifact},
        rows=made.found.predictions.rows,
        reproduction=made.found,
        cost=made.cost,
    )


def _remarks(first_time: Original, made: Again, restored: Restored | None) -> Iterator[str]:
    if first_time.instead:
        yield first_time.instead
    if count := len(first_time.run.repeats):
        yield f"it was trained with {count + 1} seeds; only the first, which is the model, was trained again"
    if restored == Restored():
        yield f"nothing to restore: the store holds its {' and '.join(name for name, _ in made.files.values())}"
    yield from made.warnings
