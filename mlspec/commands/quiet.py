"""A plan with nothing to do, remembered: while all it was made from stands as it stood, it need not be made again.

What a plan is made from is seen at little cost: the version, git's account of HEAD, of changed files and of refs, and
the size, times and inode of every file it read and of every folder of the project.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.commands.find import find_project, refuse_committed
from mlspec.core.digest import of
from mlspec.core.moment import holds_until
from mlspec.io import cache
from mlspec.io.clock import SystemClock, stamp
from mlspec.io.files import Signature, find_source
from mlspec.io.git import open_repository
from mlspec.io.remote import RemoteError
from mlspec.io.trees import SKIPPED
from mlspec.lineage.home import Home, is_current, locate
from mlspec.plugins.installed import installed
from mlspec.render.text import Line
from mlspec.version import __version__

if TYPE_CHECKING:
    from mlspec.commands.workspace import Workspace
    from mlspec.core.plan import Plan

_KEY = f"quiet/3 {__version__}"
_RACY_S = 2
_MOST = 50_000
_EVER = "9999-12-31"


def recall(start: Path, *, offline: bool = False) -> list[Line] | None:
    """Return the lines of the last plan if it had nothing to do, and has nothing to do still.

    The remote is asked whether its lineage is the one that was planned from, unless `offline`.

    Raises:
        MlspecError: no project, or no usable repository.
    """
    root = find_project(start)
    body = cache.load(_file(root), _KEY)
    if body is None:
        return None
    kept = json.loads(body)
    if kept["until"] < SystemClock().now().date().isoformat():  # a waiver is over since
        return None
    if kept["root"] != str(root):  # a copy of another clone, cache and all: what was watched lies there
        return None
    if any(_signature(path) != row for path, row in kept["watched"].items()):
        return None
    repository = open_repository(root)
    refuse_committed(repository, root)
    home = locate(repository, *kept["lineage"])
    if _account(home, root, kept["refs"]) != kept["account"] or not (offline or _is_current(home)):
        return None
    return [Line(tuple((text, style) for text, style in pieces)) for pieces in kept["lines"]]


def remember(workspace: Workspace, plan: Plan, began: datetime) -> None:
    """Keep a plan of everything, made since `began`, if it has nothing to do and nothing to warn of.

    A file or folder written within two seconds of the beginning is not trusted: it may change again and look the same.
    """
    noted = any(seen.note for seen in plan.observations)
    if plan.actions or plan.dirty or plan.warnings or noted:
        return
    watched = {path: _signature(path) for path in _watched(workspace)}
    if len(watched) > _MOST or any(
        row is None or max(row[1:3]) > (began.timestamp() - _RACY_S) * 1e9 for row in watched.values()
    ):
        return
    refs = list(workspace.deploy_refs)
    home = workspace.home
    if home.repository.refs(home.ref).get(home.ref) != plan.lineage:
        return
    if workspace.repository.checkout() != workspace.checkout:
        return
    from mlspec.render.plan_text import plan_lines  # noqa: PLC0415 -- recalling a plan needs none of it

    kept = {
        "root": str(workspace.root),
        "until": _until(workspace, began),
        "watched": watched,
        "refs": refs,
        "lineage": [workspace.project.lineage.branch, workspace.project.lineage.remote],
        "account": _account(home, workspace.root, refs),
        "lines": [one.pieces for one in plan_lines(plan)],
    }
    cache.keep(_file(workspace.root), _KEY, json.dumps(kept).encode())


def _until(workspace: Workspace, began: datetime) -> str:
    """Return the last day on which every waiver counts as it did when a plan was made."""
    now, at = began.date().isoformat(), stamp(began)
    days = [day for outline in workspace.specs.outlines.values() for day in outline.waivers if day >= now]
    return min(days, default=_EVER) if all(holds_until(day, at) for day in days) else now


def _file(root: Path) -> Path:
    return root / ".mlspec" / "cache" / "quiet"


def _watched(workspace: Workspace) -> list[str]:
    """Return what was read, and every folder of the project: another spec, module or source may appear in any."""
    files = [f"{workspace.root}/{path}" for path in workspace.loaded.inputs]
    return [*files, *map(str, (*_sources(workspace), *_folders(workspace.root), *installed()))]


def _sources(workspace: Workspace) -> Iterator[Path]:
    from mlspec.commands.sources import files_of, is_many  # noqa: PLC0415 -- recalling a plan needs none of it

    for dataset in workspace.specs.datasets.values():
        if is_many(workspace.root, dataset):
            yield from files_of(workspace, dataset).values()
        else:
            yield find_source(workspace.root, dataset.source.path)


def _folders(root: Path) -> Iterator[Path]:
    for name, below, _ in os.walk(root):
        below[:] = [folder for folder in below if folder not in SKIPPED]
        yield Path(name)


def _signature(path: str) -> list[int] | None:
    try:
        found = Signature.of(os.stat(path))  # noqa: PTH116 -- a thousand of them: Path costs as much again
    except OSError:
        return None
    return [found.size, found.mtime_ns, found.ctime_ns, found.inode]


def _account(home: Home, root: Path, refs: list[str]) -> str:
    status = ["status", "--porcelain=v2", "--branch", "--untracked-files=no", "-z", "--", str(root)]
    account = home.source.run(*status).decode("utf-8", "replace")
    if not home.is_apart:
        return of([sys.version, account, home.source.refs(*refs, home.ref, home.seen_ref)])
    return of([sys.version, account, home.source.refs(*refs), home.repository.refs(home.ref, home.seen_ref)])


def _is_current(home: Home) -> bool:
    try:
        return is_current(home)
    except RemoteError:  # a plan made afresh will say so
        return False
