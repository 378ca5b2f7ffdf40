"""A store that is only read, with a folder in front of it that takes what is written and is thrown away with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from mlspec.core.ports import Lying, Store, Stored
from mlspec.stores.folder import FolderStore


class ScratchStore:
    """What a store holds and what was put here; satisfies `core.ports.Store`. Safe to share by threads."""

    def __init__(self, store: Store, own: FolderStore) -> None:
        """Read from a store and from `own`, and write to `own` alone."""
        self._store, self._own = store, own

    @property
    def near(self) -> bool:
        """Say what the store says."""
        return self._store.near

    def put(self, source: Path) -> Stored:
        """Copy a file into the folder; errors as those of a folder."""
        return self._own.put(source)

    def put_bytes(self, content: bytes) -> Stored:
        """Keep bytes in the folder; errors as those of a folder."""
        return self._own.put_bytes(content)

    def has(self, digest: str) -> bool:
        """Say whether either has an object."""
        return self._own.has(digest) or self._store.has(digest)

    def fetch(self, digest: str, target: Path) -> None:
        """Copy an object to a new file; errors as those of the one that is read."""
        self._of(digest).fetch(digest, target)

    def lend(self, digest: str) -> Path | None:
        """Return the verified file of an object; errors as `fetch`."""
        return self._of(digest).lend(digest)

    def check(self, digest: str) -> None:
        """Hold an object against its digest; errors as `fetch`."""
        self._of(digest).check(digest)

    def gather(self, names: Collection[str]) -> None:
        """Have the store bring objects nearer."""
        self._store.gather(names)

    def read(self, digest: str) -> bytes:
        """Return the verified bytes of an object; errors as `fetch`."""
        return self._of(digest).read(digest)

    def note(self, name: str, content: bytes) -> bytes:
        """Keep a note in the folder, unless the store has it."""
        there = self._store.noted(name)
        return self._own.note(name, content) if there is None else there

    def noted(self, name: str) -> bytes | None:
        """Return a note of either, or None."""
        there = self._own.noted(name)
        return self._store.noted(name) if there is None else there

    def contents(self) -> Iterator[Lying]:
        """List what lies in both; what lies in the folder too is listed twice."""
        yield from self._own.contents()
        yield from self._store.contents()

    def remove(self, names: Collection[str], before: float) -> set[str]:
        """Remove from the folder alone."""
        return self._own.remove(names, before)

    def ready(self) -> None:
        """Make sure that the folder can keep objects; nothing is asked of the store."""
        self._own.ready()

    def settle(self) -> None:
        """Share nothing."""

    def _of(self, digest: str) -> Store:
        return self._own if self._own.has(digest) else self._store
