"""The store in the repository itself, for a team without a bucket: objects of up to 95 MB as git blobs.

`refs/mlspec/store/<64 hex>` names the blob with the bytes of that SHA-256, `refs/mlspec/notes/<folder>/<name>` that of
a note. A plain clone fetches neither; what is missing here is fetched by name from the lineage's remote, and what is
only here is pushed by `settle`. Of two clones that note the same, the first to settle wins, and the other then says
the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mlspec.core import digest as digests
from mlspec.core.events import Event, Remarked
from mlspec.core.ports import Lying, Stored
from mlspec.core.problem import MlspecError, fail
from mlspec.io import files
from mlspec.io.git import Repository
from mlspec.io.remote import Remote, RemoteError
from mlspec.stores import notes
from mlspec.stores.site import Site

LIMIT = 95_000_000
_OBJECTS, _NOTES = "refs/mlspec/store", "refs/mlspec/notes"
_AT_ONCE = 200


def open_git(site: Site) -> GitStore:
    """Open the store in the repository that holds the lineage."""
    return GitStore(site.repository, site.remote, site.cache, site.tell)


class GitStore:
    """Objects and notes as blobs with refs; satisfies `core.ports.Store`. Safe to share by threads."""

    def __init__(
        self, repository: Repository, remote: Remote | None, scratch: Path, tell: Callable[[Event], None]
    ) -> None:
        """Keep objects in a repository and share them through its remote; `scratch` is a folder for passing copies."""
        self._repository, self._remote, self._scratch, self._tell = repository, remote, scratch, tell
        self._settling, self._naming = threading.Lock(), threading.Lock()
        self._unsettled, self._is_compared = set[str](), False

    @property
    def near(self) -> bool:
        """Say whether there is no remote to ask."""
        return self._remote is None

    def put(self, source: Path) -> Stored:
        """Keep a file, hashing while copying; durable when it returns, and shared by `settle`.

        Raises:
            MlspecError: `source/…` about the file, `store/too-large`, `env/…`; nothing was kept.
        """
        size = source.stat(follow_symlinks=False).st_size if source.is_file() else 0
        _refuse_large(size, str(source))
        with files.in_words(self._scratch):
            files.make_folders(self._scratch)
        with files.partial(self._scratch, "object") as temporary:
            hashed = files.copy_hashed(source, temporary)
            _refuse_large(hashed.size, str(source))
            stored = Stored(hashed.digest, hashed.size)
            if not self._is_kept(stored.digest):
                self._keep(_ref(stored.digest), lambda: self._repository.write_files("blob", [temporary])[0])
        return stored

    def put_bytes(self, content: bytes) -> Stored:
        """Keep bytes; durable when it returns, and shared by `settle`.

        Raises:
            MlspecError: `store/too-large`, `env/…`; nothing was kept.
        """
        stored = Stored(digests.of_bytes(content), len(content))
        _refuse_large(stored.size, "what is to be kept")
        if not self._is_kept(stored.digest):
            self._keep(_ref(stored.digest), lambda: self._repository.write_objects("blob", [content])[0])
        return stored

    def has(self, digest: str) -> bool:
        """Say whether an object is here, or else at the remote.

        Raises:
            RemoteError: it is not here, and the remote cannot be asked.
        """
        if not digests.is_digest(digest):
            return False
        ref = _ref(digest)
        return self._here(ref) is not None or (self._remote is not None and ref in self._remote.tips(ref))

    def fetch(self, digest: str, target: Path) -> None:
        """Copy an object to a new file, verified; the file appears when all of it is right.

        Raises:
            MlspecError: as `read`, or `env/…` about the target.
        """
        content = self.read(digest)
        with files.partial(target.parent, target.name) as temporary, files.in_words(target, len(content)):
            temporary.write_bytes(content)
            temporary.replace(target)

    def lend(self, digest: str) -> Path | None:  # noqa: ARG002 -- none is a file here
        """Lend nothing: what is here is no file of its own."""
        return None

    def check(self, digest: str) -> None:
        """Read an object and hold it against its digest; errors as `read`."""
        self.read(digest)

    def gather(self, names: Collection[str]) -> None:
        """Fetch what is not here in one go; what stands against it the reading of each will tell."""
        refs = {_ref(name) if digests.is_digest(name) else _note(name) for name in names}
        missing = refs - self._repository.refs(_OBJECTS, _NOTES).keys()
        if missing and self._remote is not None:
            with suppress(RemoteError):
                there = self._remote.tips(f"{_OBJECTS}/*", f"{_NOTES}/*").keys() & missing
                if there:
                    self._remote.fetch(*(f"+{ref}:{ref}" for ref in sorted(there)))

    def read(self, digest: str) -> bytes:
        """Return the verified bytes of an object.

        Raises:
            MlspecError: `store/missing` or `store/damaged`.
            RemoteError: it is not here, and the remote cannot be asked.
        """
        if not digests.is_digest(digest):
            raise fail("store/missing", f"`{digest}` is not the name of an object")
        ref = _ref(digest)
        oid = self._brought(ref)
        if oid is None:
            where = f"neither here nor at the remote `{self._remote.name}`" if self._remote else "not here"
            hint = f"push it from a clone that has it: git push REMOTE {ref}"
            raise fail("store/missing", f"the store in git has no object {digest}: {ref} is {where}", help=hint)
        content = self._repository.content(oid)
        if content is None or digests.of_bytes(content) != digest:
            message = f"the object {digest} of the store in git is damaged: {ref} has other bytes"
            hint = f"remove it, git update-ref -d {ref}, and push it again from a clone that has it"
            raise fail("store/damaged", message, help=hint)
        return content

    def note(self, name: str, content: bytes) -> bytes:
        """Keep a note unless there is one of this name, here or at the remote; return what is there now.

        Raises:
            MlspecError: `env/…`; nothing was kept.
        """
        ref, sealed = _note(name), notes.seal(content)
        try:
            kept = self.noted(name)
        except MlspecError as error:
            if error.problems[0].code != "store/damaged":
                raise
            self._keep(ref, lambda: self._repository.write_objects("blob", [sealed])[0])
            return content
        if kept is None:
            self._keep(ref, lambda: self._repository.write_objects("blob", [sealed])[0], first=True)
            kept = self.noted(name)
        return content if kept is None else kept

    def noted(self, name: str) -> bytes | None:
        """Return the verified content of a note, or None; where the remote cannot be asked, of what is here.

        Raises:
            MlspecError: `store/damaged`.
        """
        ref = _note(name)
        try:
            oid = self._brought(ref)
        except RemoteError as error:
            self._tell(Remarked(f"{error.problems[0].message}; whether it was done elsewhere is not known"))
            return None
        if oid is None:
            return None
        sealed = self._repository.content(oid)
        if sealed is None:
            raise notes.damaged(name, ref)
        return notes.unseal(name, sealed, ref)

    def contents(self) -> Iterator[Lying]:
        """List what lies here and at the remote. Git keeps no times of blobs, and no sizes of those that are elsewhere.

        Raises:
            RemoteError: the remote cannot be asked.
        """
        refs = self._repository.refs(_OBJECTS, _NOTES)
        there = self._remote.tips(f"{_OBJECTS}/*", f"{_NOTES}/*") if self._remote is not None else {}
        refs = {**there, **refs}
        for (ref, _), size in zip(refs.items(), self._repository.sizes(list(refs.values())), strict=True):
            name = _name(ref)
            if name is not None:
                yield Lying(name, size or 0, None)

    def remove(self, names: Collection[str], before: float) -> set[str]:  # noqa: ARG002 -- git knows no times
        """Remove the refs here and at the remote; git, and the forge, drop the blobs when they next clean up.

        Raises:
            RemoteError: the remote cannot be reached.
            MlspecError: `store/refused`: it does not let them go, in its own words.
        """
        wanted = {_ref(name) if digests.is_digest(name) else _note(name): name for name in names}
        listed, removed = sorted(wanted), set[str]()
        for at in range(0, len(listed), _AT_ONCE):
            part = listed[at : at + _AT_ONCE]
            if self._remote is not None:
                removed |= self._push_away(self._remote, part)
            with self._repository.lock():
                for ref, oid in self._repository.refs(*part).items():
                    if self._repository.delete_ref(ref, oid):
                        removed.add(ref)
        with self._naming:
            self._unsettled.difference_update(removed)
        return {wanted[ref] for ref in removed}

    def ready(self) -> None:
        """Make sure that nothing is in the way of the store's refs.

        Raises:
            MlspecError: `store/in-the-way`.
        """
        for name in (_OBJECTS, _NOTES):
            if name in self._repository.refs(name):
                raise _in_the_way(name)

    def settle(self) -> None:
        """Push what is only here: objects first, then the notes that name them.

        Raises:
            RemoteError: the remote cannot be reached.
            MlspecError: `store/refused`: it does not take an object, in its own words.
        """
        if self._remote is None:
            return
        with self._settling:
            waiting = sorted(self._waiting(self._remote))
            objects = [ref for ref in waiting if ref.startswith(_OBJECTS)]
            for at in range(0, len(objects), _AT_ONCE):
                _refuse(self._remote.push(*(f"{ref}:{ref}" for ref in objects[at : at + _AT_ONCE])), self._remote)
            named = [ref for ref in waiting if ref.startswith(_NOTES)]
            for at in range(0, len(named), _AT_ONCE):
                self._push_notes(self._remote, named[at : at + _AT_ONCE])
            with self._naming:
                self._unsettled.difference_update(waiting)
            self._is_compared = True

    @staticmethod
    def _push_away(remote: Remote, refs: Sequence[str]) -> set[str]:
        there = remote.tips(*refs)
        if there:
            _refuse(remote.push(*(f":{ref}" for ref in there), expected=there), remote)
        return set(there)

    def _push_notes(self, remote: Remote, named: list[str]) -> None:
        late = remote.push(*(f"{ref}:{ref}" for ref in named), expected=dict.fromkeys(named))
        theirs = remote.tips(*late) if late else {}
        _refuse({ref: why for ref, why in late.items() if ref not in theirs}, remote)
        if theirs:
            remote.fetch(*(f"+{ref}:{ref}" for ref in theirs))

    def _waiting(self, remote: Remote) -> set[str]:
        """Return the refs to push: at first all that the remote lacks, as an apply that was killed left them."""
        with self._naming:
            new = set(self._unsettled)
        if self._is_compared:
            return new
        here, there = self._repository.refs(_OBJECTS, _NOTES), remote.tips(f"{_OBJECTS}/*", f"{_NOTES}/*")
        return new | {ref for ref, oid in here.items() if there.get(ref) != oid}

    def _here(self, ref: str) -> str | None:
        """Return the id of the blob that a ref names, if that is here."""
        out = self._repository.run("cat-file", "--batch-check=%(objectname)", stdin=f"{ref}\n".encode()).decode()
        return None if out.rstrip().endswith(" missing") else out.strip()

    def _brought(self, ref: str) -> str | None:
        """Return the same, fetched from the remote where it is not here and is there."""
        oid = self._here(ref)
        if oid is not None or self._remote is None or ref not in self._remote.tips(ref):
            return oid
        self._remote.fetch(f"+{ref}:{ref}")
        return self._here(ref)

    def _is_kept(self, digest: str) -> bool:
        oid = self._here(_ref(digest))
        content = self._repository.content(oid) if oid else None
        return content is not None and digests.of_bytes(content) == digest

    def _keep(self, ref: str, write: Callable[[], str], *, first: bool = False) -> None:
        """Write a blob, also in the place of a damaged one, and name it; with `first` unless something has the name."""
        oid = write()
        if self._repository.content(oid) is None:
            self._repository.drop_loose(oid)
            write()
        if self._repository.content(oid) is None:
            raise fail("store/damaged", f"git keeps other bytes for {ref}", help="see what it says: git fsck")
        with self._repository.lock():
            old = self._repository.refs(ref).get(ref)
            if old != oid and not (first and old):
                try:
                    self._repository.swap_ref(ref, oid, old)
                except MlspecError:
                    self.ready()
                    raise
        with self._naming:
            self._unsettled.add(ref)


def _ref(digest: str) -> str:
    return f"{_OBJECTS}/{digest.removeprefix(digests.PREFIX)}"


def _note(name: str) -> str:
    return f"{_NOTES}/{notes.named(name)}"


def _name(ref: str) -> str | None:
    """Return the digest or the name of a note that a ref stands for."""
    if ref.startswith(f"{_OBJECTS}/"):
        digest = digests.PREFIX + ref.removeprefix(f"{_OBJECTS}/")
        return digest if digests.is_digest(digest) else None
    name = ref.removeprefix(f"{_NOTES}/")
    return name if notes.is_name(name) else None


def _refuse_large(size: int, what: str) -> None:
    if size > LIMIT:
        raise fail(
            "store/too-large",
            f"{what} has {size:,} bytes, and a store in git takes up to {LIMIT:,}, as forges do",
            help="use a bucket, `store: s3://bucket/prefix` in mlspec.yaml, or a folder that machines share",
        )


def _refuse(reasons: Mapping[str, str], remote: Remote) -> None:
    for ref, why in reasons.items():
        hint = f"see what it says: git push {remote.name} {ref}"
        raise fail("store/refused", f"the remote `{remote.name}` does not take {ref}: {why}", help=hint)


def _in_the_way(name: str) -> MlspecError:
    message = f"the ref {name} is in the way of the store, which keeps refs below it"
    return fail("store/in-the-way", message, help=f"give it another name, then: git update-ref -d {name}")
