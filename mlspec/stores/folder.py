"""The folder store: read-only files, objects as `sha256/<2 hex>/<62 hex>`, notes as `notes/<name>`; whole or absent."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from mlspec.core import digest as digests
from mlspec.core.ports import Lying, Stored
from mlspec.core.problem import MlspecError, Problem, fail
from mlspec.io import files
from mlspec.stores import notes
from mlspec.stores.site import Site

_ALGORITHM = "sha256"
_PARTIAL = "partial"
_STALE_S = 24 * 3600
_RENEWED_S = _STALE_S / 2
_READ_ONLY = 0o444
_SHARE = "for clones and other machines share it, or write `store: git`: see docs/how-to/share-a-store.md"


def open_folder(site: Site) -> FolderStore:
    """Open the store in a folder, which need not be there yet.

    Raises:
        MlspecError: `store/not-a-folder`: something else is in its place.
    """
    root = site.base / site.place
    if os.path.lexists(root) and not root.is_dir():
        raise _not_a_folder(root)
    return FolderStore(root, shared=site.shared)


class FolderStore:
    """A folder of this machine, or one that machines share; satisfies `core.ports.Store`. Safe to share by threads."""

    near = True

    def __init__(self, root: Path, *, shared: bool = False) -> None:
        """Keep objects below `root`; it is made when it is first needed, but for a shared one, which must be there."""
        self.root, self.shared = root, shared

    def put(self, source: Path) -> Stored:
        """Copy a file in, hashing while copying; durable when it returns.

        Raises:
            MlspecError: `source/…` about the file, `env/…` about the store; nothing was kept.
        """
        with self._temporary() as temporary:
            hashed = files.copy_hashed(source, temporary)
            return self._keep(temporary, Stored(hashed.digest, hashed.size))

    def put_bytes(self, content: bytes) -> Stored:
        """Keep bytes; durable when it returns.

        Raises:
            MlspecError: `env/…`; nothing was kept.
        """
        stored = Stored(digests.of_bytes(content), len(content))
        if self._is_kept(stored):
            return stored
        with self._temporary() as temporary:
            with files.in_words(temporary, len(content)):
                temporary.write_bytes(content)
            return self._keep(temporary, stored)

    def has(self, digest: str) -> bool:
        """Say whether an object is there, without reading it."""
        return digests.is_digest(digest) and self._size(digest) is not None

    def fetch(self, digest: str, target: Path) -> None:
        """Copy an object to a new file, verified while copying; the file appears when all of it is right.

        Raises:
            MlspecError: `store/missing`, `store/damaged`, or `env/…` about the target.
        """
        path = self._existing(digest)
        with files.partial(target.parent, target.name) as temporary:
            with self._as_damage(digest):
                copied = files.copy_hashed(path, temporary)
            if copied.digest != digest:
                raise _damaged(digest, path)
            with files.in_words(target):
                temporary.replace(target)

    def lend(self, digest: str) -> Path | None:
        """Return the file of an object, verified; it is read-only.

        Raises:
            MlspecError: `store/missing` or `store/damaged`.
        """
        self.check(digest)
        return self.path(digest)

    def check(self, digest: str) -> None:
        """Read an object and hold it against its digest.

        Raises:
            MlspecError: `store/missing` or `store/damaged`.
        """
        path = self._existing(digest)
        with self._as_damage(digest):
            hashed = files.hash_file(path)
        if hashed.digest != digest:
            raise _damaged(digest, path)

    def gather(self, names: Collection[str]) -> None:
        """Do nothing: each is as near as it gets when it is read."""

    def read(self, digest: str) -> bytes:
        """Return the verified bytes of an object.

        Raises:
            MlspecError: `store/missing` or `store/damaged`.
        """
        path = self._existing(digest)
        with self._as_damage(digest):
            content = files.read_regular(path)
        if digests.of_bytes(content) != digest:
            raise _damaged(digest, path)
        return content

    def note(self, name: str, content: bytes) -> bytes:
        """Keep a note unless there is one of this name, durable; return what is there now. A damaged one is replaced.

        Raises:
            MlspecError: `env/…`; nothing was kept.
        """
        path, sealed = self._note_path(name), notes.seal(content)
        with self._temporary() as temporary, files.in_words(path, len(sealed)):
            files.make_folders(path.parent)
            temporary.write_bytes(sealed)
            temporary.chmod(_READ_ONLY)
            if not files.settle_first(temporary, path):
                try:
                    kept = self.noted(name)
                    return content if kept is None else kept
                except MlspecError as error:
                    if error.problems[0].code != "store/damaged":
                        raise
                files.settle(temporary, path)
        return content

    def noted(self, name: str) -> bytes | None:
        """Return the verified content of a note, or None.

        Raises:
            MlspecError: `store/damaged`, or `env/…`.
        """
        path = self._note_path(name)
        try:
            sealed = files.read_regular(path)
        except MlspecError as error:
            match error.problems[0].code:
                case "source/missing":
                    self._refuse_unfit()
                    return None
                case "source/directory" | "source/not-a-file":
                    raise notes.damaged(name, str(path)) from error
            raise
        return notes.unseal(name, sealed, str(path))

    def ready(self) -> None:
        """Make sure that a file can be written here.

        Raises:
            MlspecError: `store/not-a-folder`, `store/not-there` or `env/…`.
        """
        with self._temporary() as temporary, files.in_words(self.root):
            temporary.write_bytes(b"ready")

    def settle(self) -> None:
        """Do nothing: what is in the folder can be seen."""

    def path(self, digest: str) -> Path:
        """Return where an object lies, or would."""
        name = digest.removeprefix(digests.PREFIX)
        return self.root / _ALGORITHM / name[:2] / name[2:]

    def discard(self, digest: str) -> None:
        """Remove an object, as a cache may; where that fails it stays."""
        if digests.is_digest(digest):
            with contextlib.suppress(OSError):
                self.path(digest).unlink()

    def contents(self) -> Iterator[Lying]:
        """List objects and notes; they are not read.

        Raises:
            MlspecError: `env/…`, `store/not-a-folder` or `store/not-there`.
        """
        self._refuse_unfit()
        with files.in_words(self.root):
            for name, path in self._named():
                with contextlib.suppress(FileNotFoundError):
                    status = path.lstat()
                    yield Lying(name, status.st_size, status.st_mtime)

    def remove(self, names: Collection[str], before: float) -> set[str]:
        """Remove objects and notes that were not put since `before`; return which.

        Raises:
            MlspecError: `env/…`; some may be gone.
        """
        removed, folder = set[str](), self.root / _PARTIAL
        with files.in_words(self.root):
            for name in names:
                path = self.path(name) if digests.is_digest(name) else self._note_path(name)
                with contextlib.suppress(FileNotFoundError):  # or another gc was faster
                    if path.lstat().st_mtime < before and _take_away(path, folder, before):
                        removed.add(name)
        return removed

    def digests(self) -> Iterator[str]:
        """List the objects that are there, sorted; they are not read."""
        return iter(sorted(name for name, _ in self._named() if digests.is_digest(name)))

    def _named(self) -> Iterator[tuple[str, Path]]:
        for path in self.root.glob(f"{_ALGORITHM}/??/*"):
            digest = digests.PREFIX + path.parent.name + path.name
            if digests.is_digest(digest):
                yield digest, path
        for path in self.root.glob("notes/*/*"):
            if notes.is_name(name := f"{path.parent.name}/{path.name}"):
                yield name, path

    def _note_path(self, name: str) -> Path:
        return self.root / "notes" / notes.named(name)

    def _existing(self, digest: str) -> Path:
        if not digests.is_digest(digest):
            raise fail("store/missing", f"`{digest}` is not the name of an object")
        if self._size(digest) is None:
            raise self._missing(digest)
        return self.path(digest)

    def _missing(self, digest: str) -> MlspecError:
        hint = "bring the store's folder back from where it was written"
        if not self.shared:
            hint += f"; {_SHARE}"
        return fail("store/missing", f"the store {self.root} has no object {digest}", help=hint)

    def _size(self, digest: str) -> int | None:
        """Return the size of an object's file, None where there is none, -1 where something else has its name."""
        path = self.path(digest)
        with files.in_words(path):
            try:
                status = path.lstat()
            except (FileNotFoundError, NotADirectoryError):
                self._refuse_unfit()
                return None
        return status.st_size if stat.S_ISREG(status.st_mode) else -1

    def _refuse_unfit(self) -> None:
        """Refuse a store whose folder is something else, or is shared and not there: it may not be mounted."""
        if os.path.lexists(self.root):  # first: another writer may be making it
            if self.root.is_dir():
                return
            raise _not_a_folder(self.root)
        if self.shared:
            message = f"the shared folder {self.root} of the store is not there"
            raise fail("store/not-there", message, help="mount it; if this is its first use, make it")

    @contextlib.contextmanager
    def _temporary(self) -> Iterator[Path]:
        folder = self.root / _PARTIAL
        with files.in_words(self.root):
            if not folder.is_dir():
                self._refuse_unfit()
                _make(self.root, folder)
            _clean(folder)
        with files.partial(folder, "object") as temporary:
            yield temporary

    def _keep(self, temporary: Path, stored: Stored) -> Stored:
        if self._is_kept(stored):
            return stored
        path = self.path(stored.digest)
        with files.in_words(path):
            files.make_folders(path.parent)
            temporary.chmod(_READ_ONLY)
            files.settle(temporary, path)
        return stored

    def _is_kept(self, stored: Stored) -> bool:
        """Say whether an object is there, and right; its name is made durable, as its writer may not have come to that.

        A damaged one is not: who puts its content brings it back.
        """
        if self._size(stored.digest) != stored.size:
            return False
        try:
            self.check(stored.digest)
        except MlspecError:
            return False
        path = self.path(stored.digest)
        try:
            _renew(path)
        except FileNotFoundError:
            return False
        with files.in_words(path):
            files.sync_folder(path.parent)
        return True

    @contextlib.contextmanager
    def _as_damage(self, digest: str) -> Iterator[None]:
        """Tell what is wrong with a file of the store in terms of its object."""
        try:
            yield
        except MlspecError as error:
            match error.problems[0].code:
                case "source/missing":
                    raise self._missing(digest) from error
                case "source/directory" | "source/not-a-file" | "source/changed":
                    raise _damaged(digest, self.path(digest)) from error
            raise


def _make(root: Path, folder: Path) -> None:
    is_new = not root.exists()
    files.make_folders(folder)
    if is_new and files.OWN_FOLDER not in root.parts:
        files.ignore_folder(root)


def _clean(folder: Path) -> None:
    """Remove what writers that were killed left behind more than a day ago."""
    oldest = time.time() - _STALE_S
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def _renew(path: Path) -> None:
    """Make an old file young again, for it was put now: who removes what is old then leaves it.

    One that is young is left alone: whoever reads it at this moment would take it for changed.
    """
    if time.time() - path.stat().st_mtime > _RENEWED_S:
        with contextlib.suppress(PermissionError):  # another user's file of a shared folder
            try:
                os.utime(path)
            except OSError as error:
                if error.errno != errno.EROFS:  # where nothing is removed either
                    raise


def _take_away(path: Path, folder: Path, before: float) -> bool:
    """Remove a file; one that is put again at that instant comes back."""
    files.make_folders(folder)
    away = folder / f"removed.{os.getpid()}.{path.parent.name}{path.name}"
    path.rename(away)
    if away.lstat().st_mtime >= before:
        with contextlib.suppress(FileExistsError):
            os.link(away, path)
        away.unlink()
        return False
    away.unlink()
    files.sync_folder(path.parent)
    return True


def _not_a_folder(root: Path) -> MlspecError:
    hint = "name another folder as `store:` in mlspec.yaml, or move what is in the way"
    return fail("store/not-a-folder", f"the store {root} is not a folder", help=hint)


def _damaged(digest: str, path: Path) -> MlspecError:
    message = f"the object {digest} of the store is damaged: its bytes are others"
    hint = f"remove {path} and bring it back from another copy of the store"
    return MlspecError(Problem("store/damaged", message, None, hint))
