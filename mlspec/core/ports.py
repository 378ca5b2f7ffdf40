"""Ports: what the inner layers need from outside, as Protocols and the values that pass through them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        ...


class Cancel(Protocol):
    """Whether the user asked to stop; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Say whether to stop."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until asked to stop or the seconds are over; say which."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """An object of the store: its digest and its size in bytes."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies in a store, by the digest of an object or the name of a note.

    `size` is in bytes. `put` is when it was last put, in seconds since the epoch by the store's own clock; None where
    the store does not know.
    """

    name: str
    size: int
    put: float | None


class Store(Protocol):
    """Content-addressed artifacts: an object is whole or absent, and is hashed on every read; safe to share by threads.

    Beside the objects lie notes: small facts by a name that is given, not computed (`runs/<hex>`), each written once.
    Whoever writes a note asks what is there now and goes by that. Two writers of one name at the same instant both
    get the same answer wherever the store can create conditionally; where it cannot (an S3 that ignores
    `If-None-Match`), the later one may win: notes must be such that either is right.
    """

    @property
    def near(self) -> bool:
        """Say whether `has` only looks at this machine's disks, so that a plan, which opens no connection, may ask."""
        ...

    def put(self, source: Path) -> Stored:
        """Copy a file in, hashing while copying; durable when it returns."""
        ...

    def put_bytes(self, content: bytes) -> Stored:
        """Keep bytes; durable when it returns."""
        ...

    def has(self, digest: str) -> bool:
        """Say whether an object is there, without reading it."""
        ...

    def fetch(self, digest: str, target: Path) -> None:
        """Copy an object to a new file, verified while copying.

        Raises:
            MlspecError: the object is absent (`store/missing`) or its bytes are not its digest (`store/damaged`).
        """
        ...

    def lend(self, digest: str) -> Path | None:
        """Return the verified file of this machine that holds an object, to be read only; None where there is none.

        Raises:
            MlspecError: as `fetch`.
        """
        ...

    def check(self, digest: str) -> None:
        """Read an object and hold it against its digest.

        Raises:
            MlspecError: as `fetch`.
        """
        ...

    def gather(self, names: Collection[str]) -> None:
        """Bring objects and notes nearer that are about to be read, where that takes less in one go; errors wait."""
        ...

    def read(self, digest: str) -> bytes:
        """Return the verified bytes of an object.

        Raises:
            MlspecError: as `fetch`.
        """
        ...

    def note(self, name: str, content: bytes) -> bytes:
        """Keep a note unless there is one of this name, durable; return what is there now. A damaged one is replaced.

        Raises:
            ValueError: the name is none, a defect of the caller: `folder/name` of lower-case letters, digits, dashes.
        """
        ...

    def noted(self, name: str) -> bytes | None:
        """Return the verified content of a note, or None.

        Raises:
            MlspecError: the note's bytes are not those that were written (`store/damaged`).
            ValueError: as `note`.
        """
        ...

    def contents(self) -> Iterator[Lying]:
        """List what lies here, in no order; nothing is read. An object whose upload was broken off is listed too."""
        ...

    def remove(self, names: Collection[str], before: float) -> set[str]:
        """Remove objects and notes that were not put since `before` (seconds since the epoch); return which.

        They are gone for all who share the store when it returns. What was put again meanwhile, by whoever, stays.

        Raises:
            MlspecError: the store does not let them be removed; some may be gone.
        """
        ...

    def ready(self) -> None:
        """Make sure that objects can be kept, before a costly step rather than after it.

        Raises:
            MlspecError: they cannot, and why.
        """
        ...

    def settle(self) -> None:
        """Make all that was put or noted so far visible to whoever shares the store, before a record names it."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A program to run: no shell, only the environment given, output to a log that is capped."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    log: Path
    timeout_s: float


@dataclass(frozen=True, slots=True)
class JobResult:
    """How a program ended. `code` is its exit code, negative for a signal; costs are of it and its children."""

    code: int
    timed_out: bool
    interrupted: bool
    wall_s: float
    cpu_s: float
    peak_memory_bytes: int


class Executor(Protocol):
    """Where programs run."""

    def run(self, job: Job, cancel: Cancel) -> JobResult:
        """Run a job to its end, its timeout, or a request to stop; leaves no process behind."""
        ...
