"""`mlspec verify`: is the record of what is in production whole, and are the objects it names?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlspec.commands.find import find_project
from mlspec.commands.load import load_project
from mlspec.commands.workspace import open_store
from mlspec.core.ports import Store
from mlspec.core.problem import MlspecError, Place, Problem
from mlspec.core.record import Record, to_bytes
from mlspec.io.clock import SystemClock
from mlspec.io.git import Repository, open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.layout import LOG, Layout, head_path
from mlspec.lineage.read import refuse_other, tip_of
from mlspec.lineage.verify import Findings, verify
from mlspec.lineage.write import Branch, Mended, repair
from mlspec.specs.project import Project


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was checked and what is damaged; `repaired` names the heads that were rebuilt."""

    records: int
    heads: int
    objects: int
    damage: tuple[Problem, ...]
    repaired: tuple[str, ...] = ()


def run(start: Path, *, store: bool = False, mend: bool = False) -> VerifyReport:
    """Verify the lineage, with `store` every object it names too; with `mend` rebuild heads from a whole log.

    Raises:
        MlspecError: no project, no repository, a lineage of another project or of a newer mlspec, or a repair that
            cannot be written.
    """
    root = find_project(start)
    repository = open_repository(root)
    project = load_project(WorkTree(root))
    tip = tip_of(repository, project.lineage.branch)
    if tip is None:
        return VerifyReport(0, 0, 0, ())
    found = verify(repository, tip)
    if found.layout is not None:
        refuse_other(found.layout, project)
    repaired: tuple[str, ...] = ()
    if mend and found.head_damage and not found.log_damage:
        before = found.head_damage
        found = verify(repository, _repair(repository, project, tip, found))
        repaired = tuple(str(problem.place) for problem in before if problem not in found.head_damage)
    damage = [*found.log_damage, *found.head_damage]
    objects = 0
    if store:
        objects, lost = _objects(open_store(repository, root, project), found)
        damage += lost
    return VerifyReport(len(found.records), len(found.heads), objects, tuple(damage), repaired)


def _repair(repository: Repository, project: Project, tip: str, found: Findings) -> str:
    rebuilt = Layout(project=project.project, deploy=project.deploy, commit=found.deployed)
    branch = Branch(repository, project.lineage.branch, project.project, project.deploy)
    heads = {head_path(address): to_bytes(head) for address, head in found.heads.items()}
    stray = tuple(path for path in found.stray if path.startswith(LOG + "/"))
    return repair(branch, tip, Mended(found.layout or rebuilt, heads, stray), SystemClock().now())


def _objects(store: Store, found: Findings) -> tuple[int, list[Problem]]:
    """Read every object that a record names, and name what each damaged one served."""
    named: dict[str, Record] = {}
    for record in found.records:
        for output in record.outputs:
            named.setdefault(output.digest, record)
    problems = []
    for digest, record in sorted(named.items()):
        problem = _check_object(store, digest)
        if problem is not None:
            message = f"{problem.message}; it is the {_role(record, digest)} of {record.address}"
            problems.append(Problem(problem.code, message, Place(record.path), problem.help))
    return len(named), problems


def _check_object(store: Store, digest: str) -> Problem | None:
    try:
        store.check(digest)
    except MlspecError as error:
        return error.problems[0]
    return None


def _role(record: Record, digest: str) -> str:
    return next((output.name for output in record.outputs if output.digest == digest), "object")
