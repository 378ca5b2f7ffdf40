"""Many heads by address, each of which may cost a read: only those that are asked for are looked at."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import ItemsView, Iterable, Iterator, Mapping, ValuesView
from dataclasses import dataclass

from mlspec.core.head import Head


class Heads(Mapping[str, Head]):
    """Heads that are read when they are asked for."""

    @abstractmethod
    def identity(self, address: str) -> str | None:
        """Return what stands for the content of a head without reading it; None where nothing does."""

    @abstractmethod
    def read(self, addresses: Iterable[str]) -> None:
        """Read in one go the heads that are about to be asked for; of some of the addresses there may be none."""

    @abstractmethod
    def mentioning(self, digest: str) -> Iterator[Head]:
        """Yield the heads that a digest occurs in, perhaps others too."""

    def values(self) -> ValuesView[Head]:
        """Return all heads, read in one go."""
        self.read(self)
        return super().values()

    def items(self) -> ItemsView[str, Head]:
        """Return all heads with their addresses, read in one go."""
        self.read(self)
        return super().items()


@dataclass(frozen=True, slots=True, eq=False)
class Overlay(Heads):
    """Heads with some of them replaced or added; None takes one away."""

    below: Mapping[str, Head]
    changed: Mapping[str, Head | None]

    def __getitem__(self, address: str) -> Head:
        if address not in self.changed:
            return self.below[address]
        head = self.changed[address]
        if head is None:
            raise KeyError(address)
        return head

    def __contains__(self, address: object) -> bool:
        return self.changed.get(str(address)) is not None or (address not in self.changed and address in self.below)

    def __iter__(self) -> Iterator[str]:
        yield from (address for address in self.below if address not in self.changed)
        yield from (address for address, head in self.changed.items() if head is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def identity(self, address: str) -> str | None:
        """Return the identity of what is below; what was changed has none."""
        return None if address in self.changed else identity(self.below, address)

    def read(self, addresses: Iterable[str]) -> None:
        """Read what was not changed."""
        read(self.below, (address for address in addresses if address not in self.changed))

    def mentioning(self, digest: str) -> Iterator[Head]:
        """Yield what was changed, and what is below and mentions it."""
        yield from (head for head in self.changed.values() if head is not None)
        yield from (head for head in mentioning(self.below, digest) if head.address not in self.changed)


def overlay(heads: Mapping[str, Head], changed: Mapping[str, Head | None]) -> Overlay:
    """Return heads after a change."""
    if isinstance(heads, Overlay):
        return Overlay(heads.below, {**heads.changed, **changed})
    return Overlay(heads, changed)


def identity(heads: Mapping[str, Head], address: str) -> str | None:
    """Return what stands for the content of a head without reading it; None where nothing does."""
    return heads.identity(address) if isinstance(heads, Heads) else None


def read(heads: Mapping[str, Head], addresses: Iterable[str]) -> None:
    """Read in one go the heads that are about to be asked for, where asking for them costs a read each."""
    if isinstance(heads, Heads):
        heads.read(addresses)


def mentioning(heads: Mapping[str, Head], digest: str) -> Iterator[Head]:
    """Yield the heads that a digest occurs in, perhaps others too: looking for it is cheaper than taking all apart."""
    yield from heads.mentioning(digest) if isinstance(heads, Heads) else heads.values()


def of_kind(heads: Mapping[str, Head], kind: str) -> Iterator[Head]:
    """Yield the heads of one kind, in the order of their addresses."""
    addresses = sorted(address for address in heads if address.startswith(f"{kind}/"))
    read(heads, addresses)
    yield from (heads[address] for address in addresses)
