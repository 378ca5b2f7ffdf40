"""The source of a dataset, as it lies in the work tree or in a commit: one file, or many and their manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mlspec.commands.workspace import Workspace
from mlspec.core import digest
from mlspec.core.globs import is_glob, matcher
from mlspec.core.parts import Manifest, Part, manifest_of
from mlspec.io.files import Hashed
from mlspec.io.hashes import HashCache
from mlspec.io.parts import Wanted, find_parts, folder_of
from mlspec.specs.dataset import Dataset
from mlspec.specs.store import FOLDER

_THREADS = 4
_LARGE = 1 << 20


def is_many(root: Path, dataset: Dataset) -> bool:
    """Say whether the source is a glob, or a folder of parts; a file may have a name that looks like a glob."""
    path = root / dataset.source.path
    return path.is_dir() or (is_glob(dataset.source.path) and not path.is_file())


def files_of(workspace: Workspace, dataset: Dataset) -> dict[str, Path]:
    """Return the files of a source of many, by path relative to the project, sorted.

    Raises:
        MlspecError: `source/…`, as `io.parts` says.
    """
    store = workspace.project.store
    own = (store.path,) if store.scheme == FOLDER else ()
    wanted = Wanted(dataset.source.path, matcher(dataset.source.path), own)
    return find_parts(workspace.root, wanted)


def manifest(dataset: Dataset, files: dict[str, Path], hashes: HashCache) -> Manifest:
    """Return the manifest of files; only those that may have changed are read.

    Raises:
        MlspecError: `source/…` or `env/…`, a file cannot be read or changes while it is.
    """
    names = relative(dataset.source.path, files)
    found = zip(names, _hashed(list(files.values()), hashes), strict=True)
    return manifest_of([Part(name, one.size, one.digest) for name, one in found])


def _hashed(paths: list[Path], hashes: HashCache) -> Iterator[Hashed]:
    """Hash files, large ones on threads; a small one takes longer to hand over than to hash."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="hash") as pool:
        coming = {path: pool.submit(hashes.hash, path) for path in paths if _is_large(path)}
        for path in paths:
            yield coming[path].result() if path in coming else hashes.hash(path)


def _is_large(path: Path) -> bool:
    try:
        return path.stat().st_size >= _LARGE
    except OSError:
        return False


def relative(path: str, names: Iterable[str]) -> list[str]:
    """Return the names of files below the folder that all lie in: where that lies is nothing to the data."""
    prefix = f"{folder_of(path)}/" if folder_of(path) else ""
    return [name.removeprefix(prefix) for name in names]


def named(path: str, part: Part) -> str:
    """Return a part's path as the user knows it, from the path that the spec gives now."""
    folder = folder_of(path)
    return f"{folder}/{part.path}" if folder else part.path


def content_of(manifest: Manifest) -> str:
    """Return the digest that stands for the source."""
    return digest.of_bytes(manifest.content)
