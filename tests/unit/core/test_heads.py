"""Heads with some replaced: as a dictionary would have them, and none looked at that nobody asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.head import Head
from mlspec.core.heads import Heads, identity, mentioning, of_kind, overlay

addresses = st.sampled_from(["model/a", "model/b", "dataset/a", "gate/a"])
heads = addresses.flatmap(lambda address: st.builds(Head, address=st.just(address), generation=st.integers(1, 9)))
some = st.dictionaries(addresses, heads)
changes = st.lists(st.dictionaries(addresses, st.none() | heads), max_size=3)


class Counted(Heads):
    """Heads that count how often each is looked at."""

    def __init__(self, heads: Mapping[str, Head]) -> None:
        self.heads, self.looked, self.reads = heads, list[str](), list[set[str]]()

    def __getitem__(self, address: str) -> Head:
        self.looked.append(address)
        return self.heads[address]

    def __iter__(self) -> Iterator[str]:
        return iter(self.heads)

    def __contains__(self, address: object) -> bool:
        return address in self.heads

    def __len__(self) -> int:
        return len(self.heads)

    def identity(self, address: str) -> str | None:
        return f"id of {address}" if address in self.heads else None

    def read(self, addresses: Iterable[str]) -> None:
        self.reads.append(set(addresses))

    def mentioning(self, digest: str) -> Iterator[Head]:
        return (head for head in self.heads.values() if head.record == digest)


@given(some, changes)
def test_an_overlay_is_what_a_dictionary_would_be(
    below: dict[str, Head], changed: list[dict[str, Head | None]]
) -> None:
    expected, found = dict(below), overlay(below, {})
    for change in changed:
        found = overlay(found, change)
        for address, head in change.items():
            if head is None:
                expected.pop(address, None)
            else:
                expected[address] = head
    assert dict(found) == expected
    assert len(found) == len(expected)
    for address in ("model/a", "model/b", "dataset/a", "gate/a", "model/none"):
        assert (address in found) == (address in expected)
        assert found.get(address) == expected.get(address)
    with pytest.raises(KeyError):
        found["model/none"]


@given(some, some)
def test_nothing_below_is_looked_at_for_what_lies_above(below: dict[str, Head], above: dict[str, Head]) -> None:
    counted = Counted(below)
    found = overlay(overlay(counted, above), {})
    assert [found[address] for address in above] == list(above.values())
    assert set(found) == {*below, *above}
    assert counted.looked == []
    for address in {*below, *above}:
        assert identity(found, address) == (None if address in above else f"id of {address}")


def test_many_are_read_in_one_go() -> None:
    everything = {address: Head(address=address) for address in ("model/b", "gate/a", "model/a", "dataset/a")}
    counted = Counted(everything)
    found = overlay(counted, {"model/c": Head(address="model/c"), "gate/a": None})
    assert [head.address for head in of_kind(found, "model")] == ["model/a", "model/b", "model/c"]
    assert counted.reads == [{"model/a", "model/b"}]
    assert {head.address for head in found.values()} == {"model/a", "model/b", "model/c", "dataset/a"}
    assert counted.reads[1:] == [{"model/a", "model/b", "dataset/a"}]


def test_heads_that_mention_a_digest_are_found_above_and_below() -> None:
    below = {name: Head(address=name, record=record) for name, record in (("model/a", "x"), ("model/b", "y"))}
    found = overlay(Counted(below), {"model/c": Head(address="model/c", record="x")})
    assert {head.address for head in mentioning(found, "x")} == {"model/a", "model/c"}
    moved = overlay(found, {"model/a": None})
    assert {head.address for head in mentioning(moved, "x")} == {"model/c"}
    assert {head.address for head in mentioning(below, "x")} >= {"model/a"}
