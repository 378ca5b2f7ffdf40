"""`mlspec verify --accept`: a person takes a lineage that no longer builds on what was seen, and says why."""

from __future__ import annotations

from pathlib import Path

from mlspec.commands.catch_up import find_home, writes_to
from mlspec.commands.find import find_project
from mlspec.commands.load import load_project
from mlspec.core.problem import fail
from mlspec.core.record import Actor, Origin, Record
from mlspec.io.clock import SystemClock, stamp
from mlspec.io.git import Repository, open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.accept import accept
from mlspec.lineage.read import read_at
from mlspec.lineage.share import publish
from mlspec.lineage.write import append
from mlspec.version import __version__


def run(start: Path, tip: str, reason: str) -> str:
    """Go on from a tip, and record who accepted it and why; return the tip with that record.

    Raises:
        MlspecError: the branch is at another tip, it is damaged, or the record cannot be written or shared.
    """
    if not reason.strip():
        raise fail("usage", "to accept a lineage needs a reason, for it is recorded", help="--reason TEXT")
    root, clock = find_project(start), SystemClock()
    repository, project = open_repository(root), load_project(WorkTree(root))
    home = find_home(repository, project)
    branch = writes_to(home, project)
    origin, actor = _origin(repository), Actor(**dict(zip(("name", "email"), repository.identity(), strict=True)))
    accepted, seen = accept(home, tip, project.project)
    now = clock.now()
    unique = repository.blob_id(f"{actor.email}{accepted}{now.isoformat()}".encode())[:8]
    record = Record(
        address=f"project/{project.project}",
        verb="accept",
        apply=f"{now:%Y%m%dT%H%M%SZ}-{unique}",
        n=1,
        generation=0,
        started=stamp(now),
        finished=stamp(now),
        actor=actor,
        origin=origin,
        fields={"tip": accepted, "seen": seen, "reason": " ".join(reason.split())[:500]},
        mlspec=__version__,
    )
    after = append(branch, read_at(home.repository, accepted), (record,), clock.now)
    publish(home, branch, clock.now)
    return after.tip or accepted


def _origin(repository: Repository) -> Origin:
    checkout = repository.checkout()
    if checkout.commit is None:
        raise fail("git/no-commit", "nothing is committed yet, and a record names a commit", help="commit first")
    dirty = bool(repository.changed(""))
    return Origin(commit=checkout.commit, branch=checkout.branch, dirty=dirty, deploys=False)
