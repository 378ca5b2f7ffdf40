"""The chains of the log: the records of each address from its first to its last, by what they say of each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mlspec.core.problem import Place, Problem
from mlspec.core.record import Record


class Link(NamedTuple):
    """What is kept of a record while the others are read: where it lies, and what it is chained to."""

    path: str
    oid: str
    digest: str
    previous: str | None
    address: str
    source: str
    generation: int

    @classmethod
    def of(cls, path: str, oid: str, record: Record) -> Link:
        """Take it from a record that was read."""
        source = record.moved_from or record.address
        return cls(path, oid, record.digest, record.previous, record.address, source, record.generation)


@dataclass
class Chains:
    """All chains by the address that they end at, and what is wrong with how they hang together."""

    by_address: dict[str, list[Link]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def of(cls, links: Sequence[Link]) -> Chains:
        """Follow all chains; of two records that name the same one before them, the first by path keeps its place."""
        followers: dict[str | None, list[Link]] = {}
        for link in links:
            followers.setdefault(link.previous, []).append(link)
        chains, seen = cls(), set[str]()
        for first in followers.get(None, []):
            chains._enter(_follow(first, followers, seen))
        chains.problems += _left_over(links, seen)
        return chains

    def _enter(self, chain: list[Link]) -> None:
        if not chain:
            return
        self.problems += _out_of_order(chain)
        address = chain[-1].address
        if address in self.by_address:
            self.problems.append(bad(chain[0].path, "replayed", f"{address} has a first record already"))
        else:
            self.by_address[address] = chain


def bad(path: str, kind: str, why: str) -> Problem:
    """Make a finding about a file of the branch."""
    return Problem(f"lineage/{kind}", why, Place(path))


def _follow(first: Link, followers: Mapping[str | None, Sequence[Link]], seen: set[str]) -> list[Link]:
    chain: list[Link] = []
    link: Link | None = first
    while link is not None and link.digest not in seen:
        seen.add(link.digest)
        chain.append(link)
        link = next(iter(followers.get(link.digest, ())), None)
    return chain


def _out_of_order(chain: Sequence[Link]) -> Iterable[Problem]:
    address = chain[0].address
    for number, link in enumerate(chain):
        if (link.source, link.generation) != (address, number + 1):
            why = f"it says it is record {link.generation} of {link.source}, and follows record {number} of {address}"
            yield bad(link.path, "reordered", why)
        address = link.address


def _left_over(links: Iterable[Link], seen: Collection[str]) -> Iterable[Problem]:
    """Name what no chain reaches: a record whose predecessor is gone, or a second one in the same place.

    What follows such a record is not named: it is as good as that.
    """
    known = {link.digest for link in links}
    for link in links:
        if link.digest in seen:
            continue
        if link.previous in seen:
            yield bad(link.path, "replayed", "another record already follows the one it names")
        elif link.previous not in known:
            why = f"the record before it ({str(link.previous)[:19]}…) was dropped or altered"
            yield bad(link.path, "dropped", why)
