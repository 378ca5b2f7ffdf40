"""Observing sources: the digest of each dataset's bytes, read only where they may have changed since the last look."""

from __future__ import annotations

import json

from mlspec.commands.workspace import Workspace
from mlspec.core import digest
from mlspec.core.problem import MlspecError
from mlspec.io import cache
from mlspec.io.files import find_source
from mlspec.io.hashes import HashCache
from mlspec.io.trees import CommitTree
from mlspec.planner.world import SourceState
from mlspec.specs.dataset import Dataset

_BLOBS_KEY = "blob-digests/1"


def observe(workspace: Workspace) -> dict[str, SourceState]:
    """Look at the source of every dataset; one that cannot be read is an observation too, not an error.

    In a work tree the files are looked at; of a commit, the files it holds, for nothing else is there.
    """
    datasets = workspace.specs.datasets.values()
    if isinstance(workspace.tree, CommitTree):
        return _of_commit(workspace, workspace.tree)
    hashes = HashCache(workspace.cache / "hashes")
    seen = {dataset.name: _of_file(workspace, hashes, dataset) for dataset in datasets}
    hashes.save()
    return seen


def _of_file(workspace: Workspace, hashes: HashCache, dataset: Dataset) -> SourceState:
    try:
        hashed = hashes.hash(find_source(workspace.root, dataset.source.path))
    except MlspecError as error:
        return SourceState(None, why=_why(error, workspace))
    return SourceState(hashed.digest, hashed.size)


def _why(error: MlspecError, workspace: Workspace) -> str:
    first = error.problems[0]
    message = first.message.replace(f"{workspace.root}/", "")
    return message + (f" ({first.help})" if first.help else "")


def _of_commit(workspace: Workspace, tree: CommitTree) -> dict[str, SourceState]:
    path = workspace.cache / "blob-digests"
    body = cache.load(path, _BLOBS_KEY)
    known: dict[str, list[object]] = json.loads(body) if body is not None else {}
    before = len(known)
    seen = {}
    for dataset in workspace.specs.datasets.values():
        blob = tree.blobs.get(dataset.source.path)
        if blob is None:
            seen[dataset.name] = SourceState(None, why=f"`{dataset.source.path}` is not in the commit")
            continue
        if blob not in known:
            content = tree.read(dataset.source.path) or b""
            known[blob] = [digest.of_bytes(content), len(content)]
        content_digest, size = known[blob]
        seen[dataset.name] = SourceState(str(content_digest), int(str(size)))
    if len(known) != before:
        cache.keep(path, _BLOBS_KEY, json.dumps(known).encode())
    return seen
