"""The door to files: durable writes, one-read copies with their hash, sources that may be read; naming is the caller's.

Every error of the system is told in words: `env/disk-full`, `env/permission`, `env/io`. Sources have their own:
`source/missing`, `source/directory`, `source/not-a-file`, `source/outside`, `source/changed`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mlspec.core.digest import PREFIX
from mlspec.core.problem import MlspecError, fail, suggest
from mlspec.io.drain import Drain, write_all

BLOCK = 1 << 20
_BESIDE_BYTES = 8 << 20
"""A larger file is hashed in a thread beside its reading and writing; for a smaller one that would cost more."""
OWN_FOLDER = ".mlspec"
FULL = {
    errno.ENOSPC: "no space is left",
    errno.EDQUOT: "the quota is used up",
    errno.EFBIG: "the limit of a file's size",
}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OLD = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # non-blocking: a pipe must not hold us up


@dataclass(frozen=True, slots=True)
class Signature:
    """What the system says of a file's content without reading it; when any of it changes, the content may have."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Signature:
        """Take the signature of a file's status."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


@dataclass(frozen=True, slots=True)
class Hashed:
    """The digest and size in bytes of content that was read."""

    digest: str
    size: int


@contextmanager
def in_words(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turn an error of the system about a path into a problem; `needed` is how many bytes were to be written.

    Raises:
        MlspecError: `env/disk-full`, `env/permission`, or `env/io` for the rest.
    """
    try:
        yield
    except OSError as error:
        raise told(error, path, needed) from error


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, durable when it returns; an existing file keeps its permissions.

    Raises:
        MlspecError: `env/…`, and the file is as it was.
    """
    with in_words(path, len(content)):
        make_folders(path.parent)
        with partial(path.parent, path.name) as temporary:
            with os.fdopen(os.open(temporary, _NEW, 0o666), "wb") as handle:
                handle.write(content)
            if path.exists():
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
            settle(temporary, path)


@contextmanager
def partial(folder: Path, name: str) -> Iterator[Path]:
    """Give the name of a temporary file in a folder; what is left of it at the end is removed."""
    path = folder / f".{name[:100]}.{secrets.token_hex(8)}.partial"
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink()


def settle(temporary: Path, path: Path) -> None:
    """Make a finished temporary file durable under its name."""
    _sync_file(temporary)
    temporary.replace(path)
    sync_folder(path.parent)


def settle_first(temporary: Path, path: Path) -> bool:
    """Make a finished temporary file durable under its name unless that is taken; say whether it was free.

    Either way the name is durable. On a file system without hard links two writers at the same instant may both be
    told that it was, and the later one stays.
    """
    _sync_file(temporary)
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError:
        is_first = False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        is_first = not os.path.lexists(path)
        if is_first:
            temporary.replace(path)
    else:
        is_first = True
    sync_folder(path.parent)
    return is_first


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, _OLD)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable, where its file system can."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(descriptor)


def make_folders(path: Path) -> None:
    """Make a folder and the missing ones above it, durable. mlspec's own folder tells git to ignore it."""
    missing = [folder for folder in (path, *path.parents) if not folder.is_dir()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    if missing:
        for folder in (path, *path.parents):
            if folder.name == OWN_FOLDER and not (folder / ".gitignore").exists():
                ignore_folder(folder)


def ignore_folder(folder: Path) -> None:
    """Tell git to ignore a folder, from inside it.

    The temporary file always has one name: what a writer that was killed left of it becomes the file.
    """
    temporary = folder / ".gitignore.partial"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        os.write(descriptor, b"*\n")
    finally:
        os.close(descriptor)
    with suppress(FileNotFoundError):  # another process was first
        settle(temporary, folder / ".gitignore")


def find_source(root: Path, path: str) -> Path:
    """Return the file that a path of a spec names, links followed, if it lies inside the root and may be read.

    Raises:
        MlspecError: `source/outside`, `source/missing`, `source/directory`, `source/not-a-file`, `env/permission`.
    """
    inside, resolved = Path(os.path.realpath(root)), Path(os.path.realpath(root / path))
    if not resolved.is_relative_to(inside):
        raise fail("source/outside", f"`{path}` is a link out of the repository", help="copy the file in")
    if not {".git", OWN_FOLDER}.isdisjoint(resolved.relative_to(inside).parts):
        raise fail(
            "source/outside", f"`{path}` leads into files of git or mlspec", help="keep data in a folder of its own"
        )
    os.close(_open_regular(resolved, path))
    return resolved


def hash_file(source: Path) -> Hashed:
    """Hash a file in one read.

    Raises:
        MlspecError: `source/…` or `env/…`; `source/changed` when it changed while being read, twice.
    """
    return _twice(source, lambda: _read(source, lambda _: None))


def copy_hashed(source: Path, temporary: Path) -> Hashed:
    """Copy a file to a new one, hashing while copying: one read. Not durable before `settle`.

    Raises:
        MlspecError: as `hash_file`.
    """

    def copy() -> Hashed | None:
        with in_words(temporary, _size_at(source)):
            temporary.unlink(missing_ok=True)
            with (
                os.fdopen(os.open(temporary, _NEW, 0o666), "wb", buffering=0) as target,
                Drain(target.fileno()) as drain,
            ):
                return _read(source, drain.write)

    return _twice(source, copy)


def append_hashed(source: Path, descriptor: int) -> Hashed:
    """Append a file to an open one, hashing while copying: one read. Not durable.

    Raises:
        MlspecError: as `hash_file`.
    """
    start = os.lseek(descriptor, 0, os.SEEK_END)

    def append() -> Hashed | None:
        if os.lseek(descriptor, 0, os.SEEK_CUR) != start:  # a first attempt left something
            os.ftruncate(descriptor, start)
            os.lseek(descriptor, start, os.SEEK_SET)
        return _read(source, lambda block: write_all(descriptor, block))

    with in_words(source):
        return _twice(source, append)


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file that is no link.

    Raises:
        MlspecError: `source/…` or `env/…`.
    """
    with in_words(path), os.fdopen(_open_regular(path), "rb") as handle:
        return handle.read()


def _twice(source: Path, attempt: Callable[[], Hashed | None]) -> Hashed:
    hashed = attempt() or attempt()
    if hashed is None:
        raise fail(
            "source/changed",
            f"`{source}` changed while it was read, twice",
            help="run again when nothing writes to it; writers should rename a finished file into place",
        )
    return hashed


def _read(source: Path, take: Callable[[memoryview], None]) -> Hashed | None:
    """Read a file in blocks; None when it changed meanwhile."""
    hasher, size = hashlib.sha256(), 0
    with os.fdopen(_open_regular(source), "rb", buffering=0) as handle:
        before = Signature.of(os.fstat(handle.fileno()))
        hashing = _hash_beside if before.size > _BESIDE_BYTES else _hash_between
        for block in hashing(_blocks(handle.fileno(), source, before.size), hasher.update):
            take(block)
            size += len(block)
        after = Signature.of(os.fstat(handle.fileno()))
    if before == after == _signature_at(source) and size == before.size:
        return Hashed(PREFIX + hasher.hexdigest(), size)
    return None


def _blocks(descriptor: int, source: Path, size: int) -> Iterator[memoryview]:
    """Yield the blocks of a file; two buffers take turns, so that a block stands while the next one is read."""
    buffers = [memoryview(bytearray(min(BLOCK, size + 1))) for _ in range(1 if size < BLOCK else 2)]
    turn = 0
    while count := _fill(descriptor, buffers[turn], source):
        yield buffers[turn][:count]
        turn = (turn + 1) % len(buffers)


def _hash_between(blocks: Iterable[memoryview], update: Callable[[memoryview], None]) -> Iterator[memoryview]:
    for block in blocks:
        update(block)
        yield block


def _hash_beside(blocks: Iterable[memoryview], update: Callable[[memoryview], None]) -> Iterator[memoryview]:
    """Hash each block in a thread of its own while it is written and the next one is read."""
    with ThreadPoolExecutor(1, thread_name_prefix="hash") as pool:
        hashed: Future[None] | None = None
        for block in blocks:
            if hashed is not None:
                hashed.result()
            hashed = pool.submit(update, block)
            yield block


def _fill(descriptor: int, block: memoryview, source: Path) -> int:
    with in_words(source):
        return os.readv(descriptor, [block])


def _size_at(path: Path) -> int | None:
    signature = _signature_at(path)
    return signature.size if signature else None


def _signature_at(path: Path) -> Signature | None:
    try:
        return Signature.of(path.stat(follow_symlinks=False))
    except OSError:
        return None


def _open_regular(path: Path, named: str | None = None) -> int:
    """Open a file for reading; a problem calls it what the user did."""
    name = named or str(path)
    try:
        descriptor = os.open(path, _OLD)
    except OSError as error:
        raise _no_source(error, path, name) from error
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise fail("source/directory", f"`{name}` is a folder, not a file", help="name a file in it")
    raise fail("source/not-a-file", f"`{name}` is a pipe or a device, not a file")


def _no_source(error: OSError, path: Path, name: str) -> MlspecError:
    if error.errno in _ABSENT:
        return fail("source/missing", f"there is no file `{name}`", help=_near(path))
    if error.errno == errno.ELOOP:
        return fail("source/not-a-file", f"`{name}` is a link, not a file")
    if error.errno == errno.ENXIO:
        return fail("source/not-a-file", f"`{name}` is a socket or a device, not a file")
    return told(error, path)


def _near(path: Path) -> str | None:
    try:
        return suggest(path.name, (file.name for file in path.parent.iterdir()))
    except OSError:
        return None


def told(error: OSError, path: Path, needed: int | None = None) -> MlspecError:
    """Tell an error of the system about a path in words, as `in_words` does."""
    number = error.errno or 0
    reason = reason_of(error)
    if number in FULL:
        counts = {"needed": needed, "free": _free_bytes(path)}
        said = [f"{count:,} bytes are {what}" for what, count in counts.items() if count is not None]
        hint = "make room" + (f": {', '.join(said)}" if said else "")
        return fail("env/disk-full", f"cannot write `{path}`: {reason}", help=hint)
    return fail("env/permission" if number in _DENIED else "env/io", f"cannot use `{path}`: {reason}")


def reason_of(error: OSError) -> str:
    """Return in words why the system refused, without a path."""
    number = error.errno or 0
    return FULL.get(number) or (os.strerror(number).lower() if number else str(error))


def _free_bytes(path: Path) -> int | None:
    for folder in path.parents:
        try:
            status = os.statvfs(folder)
        except OSError:
            continue
        return status.f_bavail * status.f_frsize
    return None
