"""Observing sources: the digest of each dataset's bytes, read only where they may have changed since the last look."""

from __future__ import annotations

import json

from mlspec.commands.sources import content_of, files_of, is_many, manifest, relative
from mlspec.commands.workspace import Workspace
from mlspec.core import digest
from mlspec.core.globs import matcher
from mlspec.core.parts import Part, manifest_of
from mlspec.core.problem import MlspecError
from mlspec.io import cache
from mlspec.io.files import Hashed, find_source
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
        if is_many(workspace.root, dataset):
            found = manifest(dataset, files_of(workspace, dataset), hashes)
            return SourceState(content_of(found), found.size)
        hashed = hashes.hash(find_source(workspace.root, dataset.source.path))
    except MlspecError as error:
        return SourceState(None, why=_why(error, workspace))
    return SourceState(hashed.digest, hashed.size)


def _why(error: MlspecError, workspace: Workspace) -> str:
    first = error.problems[0]
    message = first.message.replace(f"{workspace.root}/", "")
    return message + (f" ({first.help})" if first.help else "")


def _of_commit(workspace: Workspace, tree: CommitTree) -> dict[str, SourceState]:
    kept = workspace.cache / "blob-digests"
    body = cache.load(kept, _BLOBS_KEY)
    known: dict[str, list[object]] = json.loads(body) if body is not None else {}
    before = len(known)
    seen = {}
    for dataset in workspace.specs.datasets.values():
        path = dataset.source.path
        names = [path] if path in tree.blobs else sorted(filter(matcher(path), tree.blobs))
        if not names:
            seen[dataset.name] = SourceState(None, why=f"`{path}` is not in the commit")
            continue
        hashed = [_of_blob(tree, name, known) for name in names]
        if names == [path]:
            seen[dataset.name] = SourceState(hashed[0].digest, hashed[0].size)
            continue
        parts = zip(relative(path, names), hashed, strict=True)
        found = manifest_of([Part(name, one.size, one.digest) for name, one in parts])
        seen[dataset.name] = SourceState(content_of(found), found.size)
    if len(known) != before:
        cache.keep(kept, _BLOBS_KEY, json.dumps(known).encode())
    return seen


def _of_blob(tree: CommitTree, name: str, known: dict[str, list[object]]) -> Hashed:
    blob = tree.blobs[name]
    if blob not in known:
        content = tree.read(name) or b""
        known[blob] = [digest.of_bytes(content), len(content)]
    content_digest, size = known[blob]
    return Hashed(str(content_digest), int(str(size)))
