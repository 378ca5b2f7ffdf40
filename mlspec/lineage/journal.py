"""The records of the log by their paths: which there are without reading them, and reading those that are wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import ValidationError

from mlspec.core.problem import Place, fail
from mlspec.core.record import Record
from mlspec.io.git import Repository
from mlspec.lineage.layout import LOG
from mlspec.lineage.trees import files_below


def entries(repository: Repository, tip: str) -> dict[str, str]:
    """Return the records at a tip by path, in the order of their paths, and the ids of their blobs; none is read."""
    return {path: oid for path, oid in files_below(repository, tip, LOG).items() if path.endswith(".json")}


def address_of(path: str) -> str:
    """Return the address that a record's path names: `…/0003-train-model.income.json` is of `model/income`."""
    return _named(path)[-1].replace(".", "/", 1)


def _named(path: str) -> list[str]:
    """Take the name of a record's path apart: its number, verb and address."""
    return path.rpartition("/")[2].removesuffix(".json").split("-", 2)


def read(repository: Repository, wanted: Mapping[str, str]) -> Iterator[Record]:
    """Yield records one after the other, in the order given.

    Raises:
        MlspecError: one of them cannot be read (`lineage/damaged`).
    """
    for path, content in zip(wanted, repository.contents(list(wanted.values())), strict=True):
        try:
            yield Record.model_validate_json(content or b"")
        except ValidationError:
            why = "this record cannot be read"
            raise fail("lineage/damaged", why, place=Place(path), help="run: mlspec verify") from None


def renamed(repository: Repository, tip: str) -> dict[str, str]:
    """Return the new name of each address that was moved, which may have moved on from there.

    Raises:
        MlspecError: as `read`.
    """
    moves = {path: oid for path, oid in entries(repository, tip).items() if _named(path)[1:2] == ["move"]}
    return {record.moved_from: record.address for record in read(repository, moves) if record.moved_from}


def records_of(repository: Repository, tip: str, addresses: Collection[str]) -> list[Record]:
    """Return all records of some addresses, also those of the names they had before they moved, each chain in order.

    Raises:
        MlspecError: as `read`.
    """
    listed, found = entries(repository, tip), list[Record]()
    names, known = set(addresses), set[str]()
    while names:
        known |= names
        read_now = list(read(repository, {path: oid for path, oid in listed.items() if address_of(path) in names}))
        names = {record.moved_from for record in read_now if record.moved_from} - known
        found += read_now
    return sorted(found, key=lambda record: (record.generation, record.started))
