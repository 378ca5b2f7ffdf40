"""`mlspec verify`: is the record of what is in production whole, and are the objects it names?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mlspec.commands.catch_up import Ask, catch_up, find_home, writes_to
from mlspec.commands.find import find_project
from mlspec.commands.load import load_project
from mlspec.commands.objects import Census, Progress
from mlspec.commands.workspace import open_store
from mlspec.core.head import Head
from mlspec.core.problem import MlspecError, Problem
from mlspec.core.record import Record
from mlspec.io.clock import SystemClock
from mlspec.io.git import open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.accept import bring_back
from mlspec.lineage.home import Home
from mlspec.lineage.layout import Layout
from mlspec.lineage.read import read_at, refuse_other, tip_of
from mlspec.lineage.verify import Findings, verify
from mlspec.lineage.write import Mended, repair
from mlspec.specs.project import Project


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was checked and what is damaged; `repaired` names what was written anew, here only if `is_shared`."""

    records: int
    heads: int
    objects: int
    damage: tuple[Problem, ...]
    repaired: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    is_shared: bool = False
    back: str | None = None
    """The tip that a branch which had lost it was moved forward to again."""


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """What to do beside reading records and heads: read every object too; write anew what follows from the log."""

    store: bool = False
    repair: bool = False


def run(start: Path, request: VerifyRequest, progress: Progress = lambda *_: None) -> VerifyReport:
    """Verify the lineage of the project around a folder.

    Raises:
        MlspecError: no project, no repository, a lineage of another project or of a newer mlspec, a store that cannot
            be read at all, or a repair that cannot be written.
    """
    root = find_project(start)
    repository = open_repository(root)
    project = load_project(WorkTree(root))
    home = find_home(repository, project)
    back = bring_back(home, project.project) if request.repair else None
    warnings, damage = _caught_up(home, project)
    tip = tip_of(home.repository, home.branch)
    if tip is None:
        return VerifyReport(0, 0, 0, tuple(damage), warnings=warnings)
    census, read = Census(), 0

    def note(record: Record) -> None:
        nonlocal read
        read += 1
        progress("records", read, None)
        if request.store:
            census.note(record)

    found = verify(home.repository, tip, note, keep=request.repair)
    if found.layout is not None:
        refuse_other(found.layout, home.branch, project.project)
    repaired: tuple[str, ...] = ()
    if request.repair and found.head_damage and not found.log_damage:
        before, tip = found.head_damage, _repair(home, project, tip, found)
        found = verify(home.repository, tip)
        repaired = tuple(str(problem.place) for problem in before if problem not in found.head_damage)
    damage += _with_help(found, home, tip)
    if request.store:
        census.forget(_heads(home, tip))
        wrong = census.check(open_store(home, root, project), progress)
        damage += census.told(wrong, _heads(home, tip) if wrong else {})
    counts = (found.records, found.heads, len(census.named))
    return VerifyReport(*counts, tuple(damage), repaired, warnings, home.remote is not None, back)


def _caught_up(home: Home, project: Project) -> tuple[tuple[Problem, ...], list[Problem]]:
    """Bring the lineage here up to the shared one, all of its history too; return warnings and what is wrong with it.

    Raises:
        MlspecError: the remote is needed and cannot be asked.
    """
    try:
        warnings = catch_up(home, project, Ask.MAY)
    except MlspecError as error:
        if not error.problems[0].code.startswith("lineage/"):
            raise
        return (), list(error.problems)
    tip = tip_of(home.repository, home.branch)
    if tip is not None and home.remote is not None and home.is_apart and home.repository.is_shallow:
        home.remote.complete(tip)
    return warnings, []


def _repair(home: Home, project: Project, tip: str, found: Findings) -> str:
    """Write what follows from the log; what format.json said last is kept, where the branch still has it."""
    layout = found.layout or Layout(project=project.project, deploy=project.deploy, commit=found.deployed)
    mended = Mended(layout, found.folded, found.stray)
    return repair(writes_to(home, project), tip, mended, SystemClock().now())


def _heads(home: Home, tip: str) -> Mapping[str, Head]:
    """Return the heads; none where they are damaged, which is told elsewhere."""
    try:
        return read_at(home.repository, tip).heads
    except MlspecError:
        return {}


def _with_help(found: Findings, home: Home, tip: str) -> list[Problem]:
    """Tell the way back with the first finding of each sort."""
    log = _first(found.log_damage, _way_back(found, home, tip))
    return log + _first(found.head_damage, None if log else "mlspec verify --repair writes it anew from the log")


def _first(problems: Sequence[Problem], hint: str | None) -> list[Problem]:
    return [replace(one, help=one.help or hint) if number == 0 else one for number, one in enumerate(problems)]


def _way_back(found: Findings, home: Home, tip: str) -> str:
    git = f"git -C {home.repository.git_dir}" if home.is_apart else "git"
    if any(problem.code == "lineage/unreadable" for problem in found.log_damage):
        rests = " ".join(f'"$({git} rev-parse --git-path objects/{oid[:2]}/{oid[2:]})"' for oid in found.unreadable[:3])
        fetch = (
            f"{git} -c fetch.unpackLimit=1 fetch --refetch {home.remote.name if home.remote else 'CLONE'} {home.branch}"
        )
        return f"fetch it from a clone that has it: {f'rm -f {rests} && ' if rests else ''}{fetch}"
    if found.whole is None:
        return (
            "nothing mends a log: bring the branch back from a clone where mlspec verify finds it whole: "
            f"git fetch --force CLONE {home.branch}:{home.branch}"
        )
    restored = f"$({git} commit-tree -p {tip[:12]} -m 'Bring the log back' {found.whole[:12]}:)"
    push = ", then mlspec push" if home.remote else ""
    return f"commit {found.whole[:12]} still has it; to go on from there: {git} update-ref {home.ref} {restored}{push}"
