"""The store in a bucket: `s3://`, `gs://` or `az://`; `stores.keys` says what lies where.

An upload that was broken off left parts and no index: putting the
same bytes again sends what is missing. No request carries more than a part, so memory and the time of each are bounded.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import IO, Protocol

from mlspec.core import digest as digests
from mlspec.core.events import Event, Moved, Remarked
from mlspec.core.ports import Lying, Store, Stored
from mlspec.core.problem import MlspecError, fail
from mlspec.io import files
from mlspec.plugins.catalog import implementation
from mlspec.stores import keys, notes
from mlspec.stores.cached import CachedStore
from mlspec.stores.folder import FolderStore
from mlspec.stores.several import in_order, several
from mlspec.stores.site import Site

PART = 8 << 20
_MOST_INDEX = 64 << 20
_MOST_NOTE = 16 << 20
_ATTEMPTS = 3
_RENEWED_S = 12 * 3600
"""What was put longer ago is written again when it is put again: half of what anything stays that nothing names."""


class Bucket(Protocol):
    """What is needed of a bucket; `mlspec.io.bucket` is the one there is, imported when it is first used."""

    def get(self, key: str, most: int) -> bytes | None:
        """Return an object of at most so many bytes, or None."""
        ...

    def look(self, key: str) -> Lying | None:
        """Return what lies at a key, unread; or None."""
        ...

    def listing(self, folder: str) -> Iterator[Lying]:
        """List what lies below a folder, by key."""
        ...

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects."""
        ...

    def put(self, key: str, content: bytes) -> None:
        """Write an object."""
        ...

    def create(self, key: str, content: bytes) -> bool:
        """Write an object unless there is one; say whether it was written."""
        ...


def open_cloud(site: Site) -> Store:
    """Open the store in a bucket, with a cache on this machine in front of it."""
    bucket = cache(lambda: implementation("mlspec.io.bucket:Bucket")(site.place))
    return CachedStore(CloudStore(site.place, bucket, site.tell), FolderStore(site.cache))


class CloudStore:
    """Objects and notes in a bucket; satisfies `core.ports.Store`. Safe to share by threads."""

    near = False

    def __init__(self, url: str, bucket: Callable[[], Bucket], tell: Callable[[Event], None]) -> None:
        """Keep objects in what `bucket` opens; `tell` hears how far large ones are on their way."""
        self._url, self._bucket, self._tell = url.rstrip("/"), bucket, tell
        self._probing = threading.Lock()
        self._creates: bool | None = None

    def put(self, source: Path) -> Stored:
        """Send a file unless the bucket holds it; whole there when it returns. Parts that are there are not sent again.

        Raises:
            MlspecError: `source/…` about the file, `store/…` about the bucket; the object is absent, or whole.
        """
        hashed = files.hash_file(source)
        stored = Stored(hashed.digest, hashed.size)
        if stored.size > PART:
            self._put_parts(source, stored)
            return stored
        content = files.read_regular(source)
        if digests.of_bytes(content) != stored.digest:
            raise _changed(source)
        return self.put_bytes(content)

    def put_bytes(self, content: bytes) -> Stored:
        """Send bytes unless the bucket holds them; whole there when it returns.

        Raises:
            MlspecError: `store/…`; the object is absent, or whole.
        """
        stored = Stored(digests.of_bytes(content), len(content))
        if stored.size > PART:
            self._send(stored, (content[at : at + PART] for at in range(0, stored.size, PART)))
        else:
            there = self._bucket().look(keys.of_object(stored.digest))
            if there is None or there.size != stored.size or _is_old(there):
                self._bucket().put(keys.of_object(stored.digest), content)
        return stored

    def has(self, digest: str) -> bool:
        """Ask whether an object is there, without reading it."""
        if not digests.is_digest(digest):
            return False
        bucket = self._bucket()
        return bucket.look(keys.of_object(digest)) is not None or bucket.look(keys.of_index(digest)) is not None

    def fetch(self, digest: str, target: Path) -> None:
        """Copy an object to a new file, verified while copying; the file appears when all of it is right.

        Raises:
            MlspecError: `store/…`, or `env/…` about the target.
        """
        with files.partial(target.parent, target.name) as temporary:
            with files.in_words(temporary):
                handle = temporary.open("xb")
            with handle:
                for block in self._verified(digest):
                    with files.in_words(target, len(block)):
                        handle.write(block)
            with files.in_words(target):
                temporary.replace(target)

    def lend(self, digest: str) -> Path | None:  # noqa: ARG002 -- none is a file here
        """Lend nothing: what is here is no file of its own."""
        return None

    def check(self, digest: str) -> None:
        """Read an object and hold it against its digest.

        Raises:
            MlspecError: `store/…`.
        """
        for _ in self._verified(digest):
            pass

    def gather(self, names: Collection[str]) -> None:
        """Do nothing: each is as near as it gets when it is read."""

    def read(self, digest: str) -> bytes:
        """Return the verified bytes of an object.

        Raises:
            MlspecError: `store/…`.
        """
        return b"".join(self._verified(digest))

    def note(self, name: str, content: bytes) -> bytes:
        """Keep a note unless there is one of this name; return what is there now. A damaged one is replaced.

        Where the bucket ignores conditions, of two writers at the same instant each may be told its own note.

        Raises:
            MlspecError: `store/…`; the note may be there.
        """
        key, sealed, bucket = keys.of_note(name), notes.seal(content), self._bucket()
        for attempt in range(_ATTEMPTS):
            there = bucket.get(key, _MOST_NOTE)
            kept = None if there is None else notes.whole(name, there)
            if kept is not None:
                return kept
            if there is not None or not self._is_conditional():
                bucket.put(key, sealed)
                continue
            try:
                if bucket.create(key, sealed):
                    return content
            except MlspecError as error:  # it may have arrived all the same: look, then try again
                if error.problems[0].code != "store/unreachable" or attempt == _ATTEMPTS - 1:
                    raise
        raise fail("store/failed", f"{self._url} does not keep the note {name}: it is written and is not there")

    def noted(self, name: str) -> bytes | None:
        """Return the verified content of a note, or None.

        Raises:
            MlspecError: `store/…`.
        """
        key = keys.of_note(name)
        sealed = self._bucket().get(key, _MOST_NOTE)
        return None if sealed is None else notes.unseal(name, sealed, f"{self._url}/{key}")

    def contents(self) -> Iterator[Lying]:
        """List objects and notes; of a large object, its parts and index as one.

        Raises:
            MlspecError: `store/…`.
        """
        for lying in self._bucket().listing(keys.OBJECTS):
            if digest := keys.object_at(lying.name):
                yield Lying(digest, lying.size, lying.put)
        yield from self._large()
        for lying in self._bucket().listing(keys.NOTES):
            if name := keys.note_at(lying.name):
                yield Lying(name, lying.size, lying.put)

    def _large(self) -> Collection[Lying]:
        whole: dict[str, Lying] = {}
        for lying in self._bucket().listing(keys.LARGE):
            if digest := keys.large_at(lying.name):
                known = whole.get(digest, Lying(digest, 0, 0.0))
                whole[digest] = Lying(digest, known.size + lying.size, max(known.put or 0.0, lying.put or 0.0))
        return whole.values()

    def remove(self, names: Collection[str], before: float) -> set[str]:
        """Remove objects and notes that were not put since `before`; return which.

        Each is looked at once more right before; an index goes before its parts, so that no object is half there.

        Raises:
            MlspecError: `store/…`; some may be gone.
        """
        return {name for name in names if self._remove(name, before)}

    def _remove(self, name: str, before: float) -> bool:
        bucket, is_object = self._bucket(), digests.is_digest(name)
        there = bucket.look(keys.of_object(name) if is_object else keys.of_note(name))
        found = [there] if there is not None else []
        parts = list(bucket.listing(keys.of_large(name))) if is_object else []
        if any((lying.put or 0.0) >= before for lying in (*found, *parts)):
            return False
        if parts:
            bucket.remove([keys.of_index(name)])
        bucket.remove([lying.name for lying in (*found, *parts)])
        return bool(found or parts)

    def ready(self) -> None:
        """Make sure that the bucket may be read and written to, and learn whether it creates conditionally.

        Raises:
            MlspecError: `store/…`.
        """
        self._bucket().get(keys.PROBE, _MOST_NOTE)
        self._is_conditional()

    def settle(self) -> None:
        """Do nothing: what is in the bucket can be seen."""

    def _is_conditional(self) -> bool:
        with self._probing:
            if self._creates is None:
                self._creates = self._probe()
                if not self._creates:
                    remark = f"{self._url} ignores conditions: of two applies that train the same at once, both may"
                    self._tell(Remarked(f"{remark} finish; objects are named by their content and stay right"))
            return self._creates

    def _probe(self) -> bool:
        """Create the same twice: the second time must fail. An answer that was lost leaves that as true."""
        for attempt in range(_ATTEMPTS):
            try:
                return not all(self._bucket().create(keys.PROBE, b"mlspec\n") for _ in range(2))
            except MlspecError as error:
                code = error.problems[0].code
                if code == "store/unsupported":
                    return False
                if code != "store/unreachable" or attempt == _ATTEMPTS - 1:
                    raise
        return True

    def _put_parts(self, source: Path, stored: Stored) -> None:
        with files.in_words(source), source.open("rb", buffering=0) as handle:
            self._send(stored, iter(lambda: _read_part(handle), b""), source)

    def _send(self, stored: Stored, blocks: Iterator[bytes], source: Path | None = None) -> None:
        """Send the parts that are not there, several at once, then the index."""
        folder, hasher, done, names = keys.of_large(stored.digest), hashlib.sha256(), 0, list[str]()
        there = {lying.name.rpartition("/")[2]: lying for lying in self._bucket().listing(folder)}
        self._renew(f"{folder}/index", there.get("index"))
        with several() as submit:
            for block in blocks:
                hasher.update(block)
                names.append(keys.part(len(names), block))
                part = there.get(names[-1])
                if part is None or part.size != len(block):
                    submit(partial(self._bucket().put, f"{folder}/{names[-1]}", block))
                done += len(block)
                self._tell(Moved(stored.digest, min(done, stored.size - 1), stored.size, sent=True))
        if digests.PREFIX + hasher.hexdigest() != stored.digest:
            raise _changed(source)
        index = keys.index(stored.size, names)
        if "index" not in there or self._bucket().get(f"{folder}/index", _MOST_INDEX) != index:
            self._bucket().put(f"{folder}/index", index)
        self._tell(Moved(stored.digest, stored.size, stored.size, sent=True))

    def _renew(self, index: str, there: Lying | None) -> None:
        """Write an old index again, before its parts are counted on, so that who removes what is old leaves it."""
        old = self._bucket().get(index, _MOST_INDEX) if there is not None and _is_old(there) else None
        if old is not None:
            self._bucket().put(index, old)

    def _verified(self, digest: str) -> Iterator[bytes]:
        """Yield an object block by block; its last one comes only if all of them are right."""
        hasher, held = hashlib.sha256(), b""
        for number, block in enumerate(self._blocks(digest)):
            if number:
                yield held
            hasher.update(block)
            held = block
        if digests.PREFIX + hasher.hexdigest() != digest:
            raise self._damaged(digest)
        yield held

    def _blocks(self, digest: str) -> Iterator[bytes]:
        if not digests.is_digest(digest):
            raise fail("store/missing", f"`{digest}` is not the name of an object")
        with self._as_damage(digest):
            content = self._bucket().get(keys.of_object(digest), PART)
            index = self._bucket().get(keys.of_index(digest), _MOST_INDEX) if content is None else None
        if content is not None:
            yield content
            return
        if index is None:
            hint = "bring the objects of the bucket back from where they were removed to"
            raise fail("store/missing", f"the store {self._url} has no object {digest}", help=hint)
        yield from self._parts(digest, index)

    def _parts(self, digest: str, index: bytes) -> Iterator[bytes]:
        """Yield the parts of a large object in order, the next ones being on their way."""
        listed = keys.listed(index)
        if listed is None:
            raise self._damaged(digest)
        (size, names), done = listed, 0
        for block in in_order(partial(self._part, digest), names):
            done += len(block)
            self._tell(Moved(digest, min(done, size), size, sent=False))
            yield block

    def _part(self, digest: str, name: str) -> bytes:
        with self._as_damage(digest):
            block = self._bucket().get(f"{keys.of_large(digest)}/{name}", PART)
        if block is None:
            raise self._damaged(digest)
        return block

    @contextmanager
    def _as_damage(self, digest: str) -> Iterator[None]:
        """Tell of a file of the bucket that cannot be ours in terms of its object."""
        try:
            yield
        except MlspecError as error:
            if error.problems[0].code == "store/damaged":
                raise self._damaged(digest) from error
            raise

    def _damaged(self, digest: str) -> MlspecError:
        message = f"the object {digest} of the store is damaged: its bytes are others, or a part of it is gone"
        either = " or ".join(f"{self._url}/{key}" for key in (keys.of_object(digest), keys.of_large(digest)))
        hint = f"remove {either}, and bring it back from a copy"
        return fail("store/damaged", message, help=hint)


def _is_old(lying: Lying) -> bool:
    return time.time() - (lying.put or 0.0) > _RENEWED_S


def _read_part(handle: IO[bytes]) -> bytes:
    """Read up to a part: short only at the end of the file."""
    blocks, missing = list[bytes](), PART
    while missing and (block := handle.read(missing)):
        blocks.append(block)
        missing -= len(block)
    return b"".join(blocks)


def _changed(source: Path | None) -> MlspecError:
    hint = "run again when nothing writes to it; writers should rename a finished file into place"
    return fail("source/changed", f"`{source}` changed while it was read", help=hint)
