"""What git says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where HEAD is: the commit (None before the first), the branch (None when detached)."""

    commit: str | None
    branch: str | None


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """What a repository is configured to know of a remote."""

    name: str
    url: str | None = None
    addresses: tuple[str, ...] = field(default=(), repr=False)
    """All it goes by, for fetching and for pushing: they may hold passwords."""
    fetches: tuple[str, ...] = ()
    lends: bool = False
    """Whether objects that are not here are fetched from it when they are needed: a partial clone."""

    def told(self, what: str, value: str) -> RemoteConfig:
        """Return what is known after one more line of configuration."""
        match what:
            case "url":
                return replace(self, url=self.url or value, addresses=(*self.addresses, value))
            case "pushurl":
                return replace(self, addresses=(*self.addresses, value))
            case "fetch":
                return replace(self, fetches=(*self.fetches, value))
            case "promisor":
                return replace(self, lends=value.lower() != "false")
        return self

    def brings(self, ref: str) -> bool:
        """Say whether the user's own `git fetch` brings a ref of the remote."""
        sources = [spec.lstrip("+").partition(":")[0] for spec in self.fetches]
        return any(fnmatchcase(ref, source) for source in sources)


@dataclass(frozen=True, slots=True)
class Said:
    """How a command that spoke with a remote ended: `code` is None when it was out of time."""

    code: int | None
    out: bytes
    err: str
