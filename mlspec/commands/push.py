"""`mlspec push` and `mlspec pull`: sharing what is recorded by hand, without planning anything."""

from __future__ import annotations

from pathlib import Path

from mlspec.commands.catch_up import find_home, writes_to
from mlspec.commands.find import find_project, refuse_committed
from mlspec.commands.load import load_project
from mlspec.commands.workspace import open_store
from mlspec.core.exchange import Exchange
from mlspec.core.problem import fail
from mlspec.io.clock import SystemClock
from mlspec.io.git import open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.home import Home
from mlspec.lineage.read import read
from mlspec.lineage.remake import added
from mlspec.lineage.share import Shared, outbox, publish, refresh


def push(start: Path) -> Exchange:
    """Push the records that only this clone has, and the objects they name.

    Raises:
        MlspecError: no project or remote; the remote is away or refuses; or the lineage went backwards.
    """
    root = find_project(start)
    project = load_project(WorkTree(root))
    repository = open_repository(root)
    refuse_committed(repository, root)
    home = find_home(repository, project)
    name = _remote_name(home)
    branch, now = writes_to(home, project), SystemClock().now
    came = refresh(home, branch, now)
    read(home.repository, project)
    open_store(home, root, project).settle()
    shared = publish(home, branch, now)
    return Exchange(name, shared.tip, shared.pushed, refused=(*came.refused, *shared.refused))


def pull(start: Path) -> Exchange:
    """Fetch the records of others; those that only this clone has are made again on top of them.

    Raises:
        MlspecError: no project or remote; the remote is away; or the lineage went backwards.
    """
    root = find_project(start)
    project = load_project(WorkTree(root))
    home = find_home(open_repository(root), project)
    name, before = _remote_name(home), outbox(home)
    shared: Shared = refresh(home, writes_to(home, project), SystemClock().now)
    read(home.repository, project)
    after = outbox(home)
    came = added(home.repository, before.seen, after.seen) if before.seen and after.seen else []
    waiting = added(home.repository, after.seen, shared.tip) if shared.tip else []
    is_first = before.seen is None and after.seen is not None
    return Exchange(name, shared.tip, len(came), len(waiting), is_first, shared.refused)


def _remote_name(home: Home) -> str:
    if home.remote is None:
        raise fail(
            "remote/none",
            "this repository has no remote to share the lineage through",
            help="run: git remote add origin URL",
        )
    return home.remote.name
