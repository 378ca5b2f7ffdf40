"""A store far away with copies on this machine in front of it: what was sent or fetched once is not fetched again.

The copies are verified whenever they are used, can be deleted at any time, and answer for nothing: whether an object
is there, and whether it is whole, is asked of the store itself.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from mlspec.core.digest import is_digest
from mlspec.core.ports import Lying, Store, Stored
from mlspec.core.problem import MlspecError
from mlspec.stores.folder import FolderStore

_LOST = ("store/damaged", "store/missing", "store/not-a-folder", "env/")


class CachedStore:
    """A store behind copies in a folder; satisfies `core.ports.Store`. Safe to share by threads."""

    near = False

    def __init__(self, store: Store, copies: FolderStore) -> None:
        """Put `copies` in front of a store."""
        self._store, self._copies = store, copies

    def put(self, source: Path) -> Stored:
        """Copy a file here, then send the copy, which nobody changes meanwhile; errors as those of the store."""
        try:
            copied = self._copies.put(source)
            sent = self._store.put(self._copies.path(copied.digest))
        except MlspecError as error:
            if not error.problems[0].code.startswith((*_LOST, "source/missing")):
                raise
            return self._store.put(source)
        if sent == copied:
            return sent
        self._copies.discard(copied.digest)
        return self._store.put(source)

    def put_bytes(self, content: bytes) -> Stored:
        """Send bytes; errors as those of the store."""
        stored = self._store.put_bytes(content)
        self._keep(content)
        return stored

    def has(self, digest: str) -> bool:
        """Ask the store."""
        return self._store.has(digest)

    def fetch(self, digest: str, target: Path) -> None:
        """Copy an object to a new file, from here or from the store; errors as those of the store."""
        try:
            self._copies.fetch(digest, target)
        except MlspecError as error:
            if not error.problems[0].code.startswith(_LOST):
                raise
            self._copies.discard(digest)
            self._store.fetch(digest, target)
            self._keep(target)

    def lend(self, digest: str) -> Path | None:
        """Return the copy here, verified; None where there is none that is right."""
        try:
            return self._copies.lend(digest)
        except MlspecError:
            return None

    def check(self, digest: str) -> None:
        """Read the object in the store, not its copy here, and hold it against its digest; errors as the store's."""
        self._store.check(digest)

    def gather(self, names: Collection[str]) -> None:
        """Do nothing: each is as near as it gets when it is read."""

    def read(self, digest: str) -> bytes:
        """Return the verified bytes of an object, from here or from the store; errors as those of the store."""
        try:
            return self._copies.read(digest)
        except MlspecError as error:
            if not error.problems[0].code.startswith(_LOST):
                raise
        self._copies.discard(digest)
        content = self._store.read(digest)
        self._keep(content)
        return content

    def note(self, name: str, content: bytes) -> bytes:
        """Keep a note in the store."""
        return self._store.note(name, content)

    def noted(self, name: str) -> bytes | None:
        """Ask the store for a note."""
        return self._store.noted(name)

    def contents(self) -> Iterator[Lying]:
        """List what lies in the store."""
        return self._store.contents()

    def remove(self, names: Collection[str], before: float) -> set[str]:
        """Remove from the store, and the copies here; copies of other objects too, where they are as old."""
        removed, objects = self._store.remove(names, before), {name for name in names if is_digest(name)}
        for copy in list(self._copies.contents()):
            if copy.name in objects or (copy.put or 0.0) < before:
                self._copies.discard(copy.name)
        return removed

    def ready(self) -> None:
        """Make sure that the store can keep objects."""
        self._store.ready()

    def settle(self) -> None:
        """Settle the store."""
        self._store.settle()

    def _keep(self, content: bytes | Path) -> None:
        """Keep a copy; where there is no room for one, it is done without."""
        try:
            if isinstance(content, Path):
                self._copies.put(content)
            else:
                self._copies.put_bytes(content)
        except MlspecError:
            return
