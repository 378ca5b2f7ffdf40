"""Many files as a few objects of the store: packed when a snapshot is taken, and found again in what it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from mlspec.commands.session import Reader
from mlspec.commands.sources import named
from mlspec.core.heads import of_kind
from mlspec.core.parts import START, Manifest, Part, parse
from mlspec.core.ports import Store, Stored
from mlspec.core.problem import fail
from mlspec.io.files import append_hashed
from mlspec.sources.piece import Piece
from mlspec.specs.dataset import Dataset


def put_packs(session: Reader, manifest: Manifest, files: Mapping[str, Path], path: str) -> list[Stored]:
    """Copy the files of a manifest into the store, each read once more and held against its digest.

    One pack is filled while the one before it is put.

    Raises:
        MlspecError: `source/changed`, a file is no longer what the manifest says; `source/…`, `env/…`, `store/…`.
    """
    coming: list[Future[Stored]] = []
    with session.folder() as folder, ThreadPoolExecutor(1, thread_name_prefix="pack") as pool:
        for number, parts in enumerate(manifest.packs()):
            pack = folder / f"pack{number}"
            _fill(pack, parts, files, path)
            if coming:
                coming[-1].result()
            coming.append(pool.submit(_put, session.workspace.store, pack))
        return [stored.result() for stored in coming]


def _put(store: Store, pack: Path) -> Stored:
    stored = store.put(pack)
    pack.unlink()
    return stored


def _fill(pack: Path, parts: Sequence[Part], files: Mapping[str, Path], path: str) -> None:
    with pack.open("wb", buffering=0) as target:
        for part in parts:
            name = named(path, part)
            hashed = append_hashed(files[name], target.fileno())
            if hashed.digest != part.digest:
                message = f"{name} changed after it was planned: {part.digest} then, {hashed.digest} now"
                raise fail("source/changed", message, help="plan again")


def pieces(session: Reader, content: str, dataset: Dataset, folder: Path) -> list[Piece]:
    """Return the files that a dataset version consists of, verified; what is far away is fetched into a folder.

    Raises:
        MlspecError: `store/missing` or `store/damaged`.
    """
    path = dataset.source.path
    target = _here(session, content, folder)
    with target.open("rb") as handle:
        if handle.read(len(START)) != START:
            return [Piece.whole(target, path)]
    manifest = parse(target.read_bytes())
    packs = packs_of(session, content, f"dataset/{dataset.name}")
    laid_out = list(manifest.packs())
    if len(packs) != len(laid_out):
        raise fail("store/missing", f"no record names the packs of {content}", help="apply again where the source is")
    found = []
    for digest, parts in zip(packs, laid_out, strict=True):
        found += _placed(_here(session, digest, folder), parts, path)
    return found


def _here(session: Reader, digest: str, folder: Path) -> Path:
    """Return a verified file with an object: the store's own if it is one, else a copy in the folder."""
    store, copy = session.workspace.store, folder / digest.rpartition(":")[2]
    if copy.exists():
        return copy
    lent = store.lend(digest)
    if lent is None:
        store.fetch(digest, copy)
    return lent or copy


def _placed(pack: Path, parts: Sequence[Part], path: str) -> list[Piece]:
    offset, found = 0, []
    for part in parts:
        found.append(Piece(pack, named(path, part), part.size, offset))
        offset += part.size
    return found


def packs_of(session: Reader, content: str, address: str) -> tuple[str, ...]:
    """Return the packs of a recorded source, in order; none for a source of one file. Another dataset may have it."""
    for head in chain((session.head(address),), of_kind(session.state.heads, "dataset")):
        for snapshot in head.snapshots.values():
            if snapshot.content == content:
                return snapshot.packs
    return ()
