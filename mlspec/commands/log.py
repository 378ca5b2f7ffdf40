"""`mlspec log`: the records of the lineage branch, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlspec.commands.recorded import Tell, open_recorded, unheard
from mlspec.commands.versions import find_head
from mlspec.core.record import Record
from mlspec.lineage.journal import entries, read, records_of


def run(start: Path, address: str | None = None, tell: Tell = unheard) -> list[Record]:
    """Return the records, of everything or of one address and the names it had before, newest first.

    Raises:
        MlspecError: no project or repository, nothing of that address is recorded, or a record is damaged.
    """
    recorded = open_recorded(start, tell)
    if recorded.state.tip is None:
        return []
    if address is not None:
        wanted = find_head(recorded, address).address
        return records_of(recorded.repository, recorded.state.tip, {wanted})[::-1]
    listed = entries(recorded.repository, recorded.state.tip)
    paths = sorted(listed, reverse=True)
    return _as_they_came(list(read(recorded.repository, {path: listed[path] for path in paths})))


def _as_they_came(records: Sequence[Record]) -> list[Record]:
    """Put the records of each address, which count themselves, into their order, in the places that they have.

    The time in a path is of a clock, which may be wrong, and of two within one second it tells no order.
    """
    own: dict[str, list[Record]] = {}
    for record in records:
        own.setdefault(record.address, []).append(record)
    for several in own.values():
        several.sort(key=lambda record: record.generation)
    return [own[record.address].pop() for record in records]
