"""The recorded state as it was at a moment: the log, folded up to then, in one stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from mlspec.core.fold import fold
from mlspec.core.head import Head
from mlspec.core.problem import Place, fail
from mlspec.core.record import Record
from mlspec.io.git import Repository
from mlspec.lineage.journal import address_of, entries, read

_APPLY = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[^/]+")
_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Then:
    """The heads at a moment by the addresses they had, the commit that was deployed last, and when recording began."""

    heads: Mapping[str, Head]
    deployed: str | None
    began: str | None


def state_at(repository: Repository, tip: str, moment: str, wanted: Callable[[str], bool]) -> Then:
    """Fold the records of the wanted addresses that had finished by a moment (`2026-11-23T06:00:00Z`).

    A record counts from the time it says it finished, and not before the one it follows: clocks differ, chains do
    not. Applies that began later are told by their paths, and their records not read.

    Raises:
        MlspecError: a record cannot be read, or does not fit what came before it.
    """
    listed = entries(repository, tip)
    by_then = {path: oid for path, oid in listed.items() if (began_at(path) or "") <= moment}
    records = read(repository, {path: oid for path, oid in by_then.items() if wanted(address_of(path))})
    heads = _folded(record for record in records if record.finished <= moment)
    began = min((at for path in listed if (at := began_at(path))), default=None)
    by_address = {head.address: head for head in sorted(heads, key=lambda head: head.address)}
    return Then(by_address, _deployed(repository, by_then, moment), began)


def began_at(path: str) -> str | None:
    """Return when the apply began that a record's path names; None where it names none."""
    match = _APPLY.fullmatch(path.split("/")[-2])
    return "{}-{}-{}T{}:{}:{}Z".format(*match.groups()) if match else None


def _folded(records: Iterable[Record]) -> Iterable[Head]:
    """Fold records that may come out of order: each goes onto the one it names, and waits for that.

    What waits in the end follows a record that came later than the moment.
    """
    heads, waiting = dict[str, Head](), dict[str, Record]()
    for record in records:
        follower: Record | None = record
        while follower is not None:
            head = heads.pop(follower.previous, None) if follower.previous else Head(address=follower.address)
            if head is None:
                waiting[follower.previous or ""] = follower
                break
            heads[follower.digest] = _next(head, follower)
            follower = waiting.pop(follower.digest, None)
    return heads.values()


def _next(head: Head, record: Record) -> Head:
    try:
        return fold({head.address: head}, record)[record.address] or head
    except KeyError:
        why = f"a record of {record.address} speaks of what no record before it made"
        raise fail("lineage/damaged", why, place=Place(record.path), help="run: mlspec verify") from None


def _deployed(repository: Repository, listed: Mapping[str, str], moment: str) -> str | None:
    """Return the commit of the last apply that deployed; one record of each tells, the newest are asked first."""
    firsts = {path.rpartition("/")[0]: path for path in sorted(listed, reverse=True)}
    newest = iter(sorted(firsts.values(), reverse=True))
    while part := list(islice(newest, _AT_ONCE)):
        for record in _read(repository, listed, part):
            if record.origin.deploys and record.finished <= moment:
                return record.origin.commit
    return None


def _read(repository: Repository, listed: Mapping[str, str], paths: Iterable[str]) -> Iterator[Record]:
    return read(repository, {path: listed[path] for path in paths})
