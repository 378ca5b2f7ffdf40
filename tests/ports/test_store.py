"""What every store promises: an object is whole or absent, whatever happens, and never other than its digest says.

A new implementation joins by a class like `Folder` and a name in `STORES`.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from mlspec.core import digest
from mlspec.core.ports import Store, Stored
from mlspec.core.problem import MlspecError
from mlspec.io.bucket import Bucket
from mlspec.io.git import open_repository
from mlspec.lineage.home import locate
from mlspec.stores.cached import CachedStore
from mlspec.stores.cloud import PART, CloudStore
from mlspec.stores.folder import FolderStore
from mlspec.stores.git import GitStore
from mlspec.stores.scratch import ScratchStore
from tests.s3 import BUCKET, Fault, Proxy, Server, environment

MIB = 1 << 20
SIZES = [0, 1, 1000, MIB - 1, MIB, MIB + 1, PART, PART + 1, 2 * PART + 3]


class Backend(Protocol):
    """A store to test, and the accidents that may befall it."""

    program: str
    """How the programs below open it: what makes `store`."""
    creates: bool
    """Whether of two writers of a note at the same instant only one can win."""

    def open(self) -> Store:
        """Return the store, as a new process would see it."""
        ...

    def rewrite(self, digest: str, change: Callable[[bytes], bytes]) -> None:
        """Change an object's bytes behind the store's back."""
        ...

    def rewrite_note(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Change a note's bytes behind the store's back."""
        ...

    def remove(self, digest: str) -> None:
        """Remove an object behind the store's back."""
        ...

    def wipe(self) -> None:
        """Remove everything."""
        ...

    def listing(self) -> set[str]:
        """Return the digests of what is there, and the names of what should not be."""
        ...


class Folder:
    """The folder store."""

    creates = True

    def __init__(self, place: Path) -> None:
        self.place = place
        self.program = f"from mlspec.stores.folder import FolderStore; store = FolderStore(Path({str(place)!r}))\n"

    def open(self) -> Store:
        return FolderStore(self.place)

    def path(self, name: str) -> Path:
        return self.place / "sha256" / name[7:9] / name[9:]

    def rewrite(self, digest: str, change: Callable[[bytes], bytes]) -> None:
        self._rewrite(self.path(digest), change)

    def rewrite_note(self, name: str, change: Callable[[bytes], bytes]) -> None:
        self._rewrite(self.place / "notes" / name, change)

    def _rewrite(self, path: Path, change: Callable[[bytes], bytes]) -> None:
        content = change(path.read_bytes())
        path.unlink()
        path.write_bytes(content)

    def remove(self, digest: str) -> None:
        self.path(digest).unlink()

    def wipe(self) -> None:
        shutil.rmtree(self.place)

    def listing(self) -> set[str]:
        files = {path.relative_to(self.place).as_posix() for path in self.place.rglob("*") if path.is_file()}
        objects = set(FolderStore(self.place).digests())
        return objects | {file for file in files if "sha256:" + file[7:].replace("/", "") not in objects}


class Scratch(Folder):
    """A folder in front of a store that is only read."""

    def __init__(self, place: Path, below: Path) -> None:
        super().__init__(place)
        self.below = below
        self.program += (
            "from mlspec.stores.scratch import ScratchStore\n"
            f"store = ScratchStore(FolderStore(Path({str(below)!r})), store)\n"
        )

    def open(self) -> Store:
        return ScratchStore(FolderStore(self.below), FolderStore(self.place))


class Cloud:
    """The store in a bucket of the endpoint on loopback, each below a prefix of its own."""

    def __init__(self, server: Server, *, creates: bool = True) -> None:
        self.server, self.creates, self.prefix = server, creates, secrets.token_hex(8)
        self.url = f"s3://{BUCKET}/{self.prefix}"
        self.program = (
            "from mlspec.io.bucket import Bucket; from mlspec.stores.cloud import CloudStore\n"
            f"bucket = Bucket({self.url!r}); store = CloudStore({self.url!r}, lambda: bucket, lambda _: None)\n"
        )

    def open(self) -> Store:
        bucket = Bucket(self.url)
        return CloudStore(self.url, lambda: bucket, lambda _: None)

    def rewrite(self, digest: str, change: Callable[[bytes], bytes]) -> None:
        self._rewrite(self.key(digest), change)

    def rewrite_note(self, name: str, change: Callable[[bytes], bytes]) -> None:
        self._rewrite(f"{self.prefix}/notes/{name}", change)

    def _rewrite(self, key: str, change: Callable[[bytes], bytes]) -> None:
        self.server.put(key, change(self.server.get(key)))

    def key(self, digest: str) -> str:
        return f"{self.prefix}/sha256/{digest[7:9]}/{digest[9:]}"

    def remove(self, digest: str) -> None:
        self.server.remove(self.key(digest))

    def wipe(self) -> None:
        for key in self.server.keys(self.prefix):
            self.server.remove(key)

    def listing(self) -> set[str]:
        found = set()
        for key in self.server.keys(self.prefix):
            kind, _, rest = key.removeprefix(self.prefix + "/").partition("/")
            whole = kind == "sha256" or rest.endswith("/index")
            found |= {"sha256:" + rest.removesuffix("/index").replace("/", "")} if whole else set()
            found |= {key} if kind not in ("sha256", "parts") else set()
        return found


class Cached(Cloud):
    """The same, behind a cache; what befalls the bucket befalls a machine that has no copies."""

    def __init__(self, server: Server, copies: Path) -> None:
        super().__init__(server)
        self.copies = copies
        self.program += (
            "from mlspec.stores.cached import CachedStore; from mlspec.stores.folder import FolderStore\n"
            f"store = CachedStore(store, FolderStore(Path({str(copies)!r})))\n"
        )

    def open(self) -> Store:
        return CachedStore(super().open(), FolderStore(self.copies))

    def rewrite(self, digest: str, change: Callable[[bytes], bytes]) -> None:
        shutil.rmtree(self.copies, ignore_errors=True)
        super().rewrite(digest, change)

    def remove(self, digest: str) -> None:
        shutil.rmtree(self.copies, ignore_errors=True)
        super().remove(digest)

    def wipe(self) -> None:
        shutil.rmtree(self.copies, ignore_errors=True)
        super().wipe()


class Git:
    """The store in a repository that has a remote."""

    creates = True

    def __init__(self, folder: Path) -> None:
        self.work, self.scratch = folder / "work", folder / "scratch"
        for argv in (["init", "-q", "--bare", "remote"], ["init", "-q", "work"]):
            subprocess.run(["git", *argv], cwd=folder, check=True)
        self.git("remote", "add", "origin", str(folder / "remote"))
        self.program = (
            "from mlspec.stores.git import GitStore; from mlspec.io.git import open_repository\n"
            "from mlspec.lineage.home import locate\n"
            f"repository = open_repository(Path({str(self.work)!r})); remote = locate(repository, 'x', None).remote\n"
            f"store = GitStore(repository, remote, Path({str(self.scratch)!r}), print)\n"
        )

    def open(self) -> Store:
        repository = open_repository(self.work)
        return GitStore(repository, locate(repository, "x", None).remote, self.scratch, lambda _: None)

    def git(self, *argv: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(["git", *argv], cwd=self.work, input=stdin, capture_output=True, check=True).stdout

    def ref(self, digest: str) -> str:
        return f"refs/mlspec/store/{digest[7:]}"

    def rewrite(self, digest: str, change: Callable[[bytes], bytes]) -> None:
        self._rewrite(self.ref(digest), change)

    def rewrite_note(self, name: str, change: Callable[[bytes], bytes]) -> None:
        self._rewrite(f"refs/mlspec/notes/{name}", change)

    def _rewrite(self, ref: str, change: Callable[[bytes], bytes]) -> None:
        other = self.git("hash-object", "-w", "--stdin", stdin=change(self.git("cat-file", "blob", ref)))
        self.git("update-ref", ref, other.decode().strip())

    def remove(self, digest: str) -> None:
        self.git("update-ref", "-d", self.ref(digest))

    def wipe(self) -> None:
        for name in self.git("for-each-ref", "--format=%(refname)").decode().split():
            self.git("update-ref", "-d", name)

    def listing(self) -> set[str]:
        names = self.git("for-each-ref", "--format=%(refname)").decode().split()
        left = {path.name for path in self.scratch.iterdir()} - {".gitignore"} if self.scratch.exists() else set()
        return {name.replace("refs/mlspec/store/", "sha256:") for name in names} | left


STORES = ("folder", "scratch", "git", "s3", "weak s3", "cached s3")


@pytest.fixture(params=STORES)
def backend(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    if request.param == "folder":
        yield Folder(tmp_path / ".mlspec" / "store")
        return
    if request.param == "scratch":
        yield Scratch(tmp_path / ".mlspec" / "store", tmp_path / "below")
        return
    if request.param == "git":
        yield Git(tmp_path)
        return
    server: Server = request.getfixturevalue("server")
    with Proxy(server.port, Fault(weak=True)) as weak:
        for name, value in environment(weak.port if request.param == "weak s3" else server.port).items():
            monkeypatch.setenv(name, value)
        if request.param == "cached s3":
            yield Cached(server, tmp_path / "copies")
        else:
            yield Cloud(server, creates=request.param == "s3")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / ".mlspec" / "store")


@pytest.fixture
def store(backend: Backend) -> Store:
    return backend.open()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n1,2\n")
    return path


def code_of(run: Callable[[], object]) -> str:
    with pytest.raises(MlspecError) as caught:
        run()
    (problem,) = caught.value.problems
    return problem.code


def start(backend: Backend, program: str, *arguments: object) -> subprocess.Popen[str]:
    """Run a program of its own that has `store` and `arguments`."""
    preamble = (
        "import os, resource, sys; from pathlib import Path; from mlspec.core.problem import MlspecError\n"
        f"arguments = sys.argv[1:]; {backend.program}"
    )
    argv = [sys.executable, "-c", preamble + program, *map(str, arguments)]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("size", SIZES)
def test_what_goes_in_comes_out(store: Store, tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    (tmp_path / "in").write_bytes(content)
    stored = store.put(tmp_path / "in")
    assert (stored.digest, stored.size) == (digest.of_bytes(content), size)
    assert store.has(stored.digest)
    assert store.read(stored.digest) == content
    store.fetch(stored.digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == content
    store.check(stored.digest)
    lent = store.lend(stored.digest)
    assert lent is None or lent.read_bytes() == content
    assert store.put_bytes(content) == stored


def test_what_is_fetched_may_be_written(store: Store, tmp_path: Path) -> None:
    stored = store.put_bytes(b"x")
    store.fetch(stored.digest, tmp_path / "out")
    assert os.access(tmp_path / "out", os.W_OK)
    (tmp_path / "out").write_bytes(b"changed")
    store.check(stored.digest)


def test_putting_twice_is_putting_once(backend: Backend, source: Path) -> None:
    first = backend.open().put(source)
    again = backend.open()
    assert again.put(source) == first
    assert again.put_bytes(source.read_bytes()) == first
    assert backend.listing() == {first.digest}


def test_nothing_is_there_before(store: Store) -> None:
    assert not store.has(digest.of_bytes(b"x"))


@pytest.mark.parametrize(
    "name",
    ["", "x", "sha256:", "sha256:" + "0" * 63, "sha256:" + "A" * 64, "sha256:../../../etc/hosts", "md5:" + "0" * 64],
)
def test_what_is_no_digest_is_not_there(store: Store, tmp_path: Path, name: str) -> None:
    store.put_bytes(b"x")
    assert not store.has(name)
    assert code_of(lambda: store.read(name)) == "store/missing"
    assert code_of(lambda: store.fetch(name, tmp_path / "out")) == "store/missing"
    assert code_of(lambda: store.check(name)) == "store/missing"


def every_way_to_read(store: Store, name: str, target: Path) -> list[str]:
    """Return the codes of the problems, and check that each names the object and that nothing is left at the target."""
    codes = []
    target.write_bytes(b"as it was")
    for read in (lambda: store.read(name), lambda: store.check(name), lambda: store.fetch(name, target)):
        with pytest.raises(MlspecError) as caught:
            read()
        (problem,) = caught.value.problems
        assert name in problem.message
        assert problem.help
        codes.append(problem.code)
    assert target.read_bytes() == b"as it was"
    assert [file.name for file in target.parent.iterdir() if "partial" in file.name] == []
    return codes


def test_an_object_that_was_removed_is_missing(backend: Backend, tmp_path: Path) -> None:
    stored = backend.open().put_bytes(b"some bytes")
    backend.remove(stored.digest)
    assert not backend.open().has(stored.digest)
    assert every_way_to_read(backend.open(), stored.digest, tmp_path / "out") == ["store/missing"] * 3


def test_what_is_lent_is_verified(tmp_path: Path) -> None:
    folder = FolderStore(tmp_path / "store")
    stored = folder.put_bytes(b"some bytes")
    lent = folder.lend(stored.digest)
    assert lent is not None
    assert not lent.stat().st_mode & 0o222
    lent.chmod(0o600)
    lent.write_bytes(b"other bytes")
    with pytest.raises(MlspecError, match="damaged"):
        folder.lend(stored.digest)
    assert CachedStore(FolderStore(tmp_path / "away"), folder).lend(stored.digest) is None


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda content: bytes([content[0] ^ 1]) + content[1:],
    "the last bit": lambda content: content[:-1] + bytes([content[-1] ^ 128]),
    "cut": lambda content: content[:-1],
    "emptied": lambda _: b"",
    "longer": lambda content: content + b"\0",
    "another object": lambda content: content[::-1],
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_found_whichever_way_it_is_read(
    backend: Backend, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    stored = backend.open().put_bytes(random.Random(1).randbytes(MIB + 99))
    backend.rewrite(stored.digest, damage)
    assert every_way_to_read(backend.open(), stored.digest, tmp_path / "out") == ["store/damaged"] * 3


def test_putting_the_bytes_again_heals_a_cut_object(backend: Backend, source: Path) -> None:
    stored = backend.open().put(source)
    backend.rewrite(stored.digest, lambda content: content[:3])
    backend.open().put(source)
    backend.open().check(stored.digest)
    backend.rewrite(stored.digest, lambda _: b"")
    backend.open().put_bytes(source.read_bytes())
    backend.open().check(stored.digest)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_putting_the_bytes_again_heals_a_folder(tmp_path: Path, source: Path, damage: Callable[[bytes], bytes]) -> None:
    """Where reading costs little, also an object that only its bytes tell is damaged."""
    folder = Folder(tmp_path / ".mlspec" / "store")
    for put in (lambda: folder.open().put(source), lambda: folder.open().put_bytes(source.read_bytes())):
        folder.rewrite(put().digest, damage)
        folder.open().check(put().digest)


def test_putting_the_bytes_again_heals_a_removed_object(backend: Backend, source: Path) -> None:
    store = backend.open()
    stored = store.put(source)
    backend.remove(stored.digest)
    assert store.put(source) == stored
    store.check(stored.digest)


def test_the_store_may_be_deleted_between_any_two_calls(backend: Backend, store: Store, source: Path) -> None:
    ways: list[Callable[[], Stored]] = [lambda: store.put(source), lambda: store.put_bytes(b"bytes")]
    for put in ways:
        stored = put()
        backend.wipe()
        assert not store.has(stored.digest)
        with pytest.raises(MlspecError, match=stored.digest):
            store.read(stored.digest)
        assert put() == stored
        store.check(stored.digest)


def test_what_is_no_file_is_not_kept(backend: Backend, store: Store, source: Path, tmp_path: Path) -> None:
    kept = store.put(source).digest
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(source)
    assert code_of(lambda: store.put(tmp_path / "gone")) == "source/missing"
    assert code_of(lambda: store.put(tmp_path)) == "source/directory"
    assert code_of(lambda: store.put(tmp_path / "pipe")) == "source/not-a-file"
    assert code_of(lambda: store.put(tmp_path / "link")) == "source/not-a-file"
    assert backend.listing() == {kept}


def test_a_source_that_keeps_changing_is_not_kept(backend: Backend, store: Store, tmp_path: Path) -> None:
    source, stop = tmp_path / "rows.csv", threading.Event()
    source.write_bytes(bytes(8 * MIB))

    def write() -> None:
        with source.open("ab", buffering=0) as handle:
            while not stop.is_set():
                handle.write(b"x")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert code_of(lambda: store.put(source)) == "source/changed"
    finally:
        stop.set()
        writer.join()
    assert backend.listing() == set()


def test_many_threads_may_put_the_same_and_others(backend: Backend, store: Store, tmp_path: Path) -> None:
    contents = [random.Random(n % 5).randbytes(MIB + n % 5) for n in range(20)]
    for n, content in enumerate(contents):
        (tmp_path / f"source{n}").write_bytes(content)
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda n: store.put(tmp_path / f"source{n}"), range(20)))
    assert [item.digest for item in stored] == [digest.of_bytes(content) for content in contents]
    assert backend.listing() == {item.digest for item in stored}
    for item in set(stored):
        store.check(item.digest)


def test_many_processes_may_put_the_same_and_others(backend: Backend, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(bytes(3 * MIB))
    program = (
        "print('ready', flush=True); input()\n"
        "print(store.put(Path(arguments[0])).digest, store.put_bytes(arguments[1].encode()).digest)"
    )
    writers = [start(backend, program, tmp_path / "source", f"own {n % 2}") for n in range(4)]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    seen = {name for writer in writers for name in writer.communicate(timeout=60)[0].split()}
    assert [writer.returncode for writer in writers] == [0] * 4
    assert seen == backend.listing()
    assert seen == {digest.of_bytes(content) for content in (bytes(3 * MIB), b"own 0", b"own 1")}


def test_a_reader_never_sees_a_part(backend: Backend, source: Path) -> None:
    content = random.Random(2).randbytes(2 * MIB)
    source.write_bytes(content)
    name, done = digest.of_bytes(content), threading.Event()
    wrong: list[str] = []

    def look() -> None:
        reader = backend.open()
        while not done.is_set():
            if reader.has(name):
                try:
                    reader.read(name)
                except MlspecError as error:
                    wrong.extend(problem.code for problem in error.problems if problem.code != "store/missing")

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(20):
        backend.open().put(source)
        backend.remove(name)
    done.set()
    reader.join()
    assert wrong == []


def test_a_writer_killed_at_any_instant_leaves_the_object_whole_or_absent(backend: Backend, tmp_path: Path) -> None:
    program = (
        "print('ready', flush=True)\n"
        "n = 0\n"
        "while True:\n"
        "    store.put(Path(arguments[0])); n += 1; store.put_bytes(b'%d' % n)\n"
    )
    (tmp_path / "source").write_bytes(bytes(MIB))
    name = digest.of_bytes(bytes(MIB))
    dice = random.Random(3)
    for _ in range(5):
        writer = start(backend, program, tmp_path / "source")
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        time.sleep(dice.random() * 0.03)
        writer.kill()
        writer.communicate()
        assert writer.returncode == -signal.SIGKILL
        store = backend.open()
        for seen in backend.listing():
            if digest.is_digest(seen):
                store.check(seen)
        store.put(tmp_path / "source")
        store.check(name)


OVER_THE_LIMIT = (
    "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))\n"
    "for put in (lambda: store.put(Path(arguments[0])), lambda: store.put_bytes(bytes(200_000))):\n"
    "    try: put()\n"
    "    except MlspecError as error: print(error.problems[0].code)\n"
    "print(store.put_bytes(b'small').digest)\n"
)


def test_a_file_that_may_not_grow_is_told_and_leaves_nothing(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(bytes(200_000))
    writer = start(folder, OVER_THE_LIMIT, tmp_path / "source")
    printed = writer.communicate(timeout=60)[0].split()
    assert printed == ["env/disk-full", "env/disk-full", digest.of_bytes(b"small")]
    assert folder.listing() == {digest.of_bytes(b"small")}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 5 MiB, where this user may."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    argv = [mount or "", "-t", "tmpfs", "-o", "size=5m,nr_inodes=500", "none", str(place)]
    if mount is None or os.geteuid() != 0 or subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_told_and_leaves_nothing(disk: Path, tmp_path: Path) -> None:
    backend = Folder(disk / ".mlspec" / "store")
    store = backend.open()
    source = tmp_path / "source"
    kept = {store.put_bytes(b"first").digest}
    for fill in range(20):
        source.write_bytes(random.Random(fill).randbytes(400_000 + fill))
        try:
            kept.add(store.put(source).digest)
        except MlspecError as error:
            (problem,) = error.problems
            assert problem.code == "env/disk-full"
            assert f"{400_000 + fill:,} bytes are needed" in (problem.help or "")
            assert "bytes are free" in (problem.help or "")
    assert 5 < len(kept) < 20
    assert backend.listing() - {".gitignore"} == kept
    backend.remove(max(kept - {digest.of_bytes(b"first")}))
    assert store.has(store.put(source).digest), "after making room it works again"


def test_a_disk_without_room_for_names_is_told(disk: Path) -> None:
    backend = Folder(disk / "store")
    store = backend.open()
    store.put_bytes(b"first")
    with pytest.raises(MlspecError) as caught:
        for n in range(1000):
            store.put_bytes(b"%d" % n)
    assert caught.value.problems[0].code == "env/disk-full"
    for name in backend.listing() - {".gitignore"}:
        store.check(name)


def test_a_read_only_disk_is_told(disk: Path, source: Path) -> None:
    store = FolderStore(disk / "store")
    stored = store.put(source)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert code_of(lambda: store.put_bytes(b"new")) == "env/permission"
    source.write_bytes(b"other")
    assert code_of(lambda: store.put(source)) == "env/permission"
    store.check(stored.digest)
    assert store.put_bytes(b"a,b\n1,2\n") == stored, "what is there needs no writing"


NAME = "runs/" + "0f" * 32


def test_a_note_is_written_once(backend: Backend) -> None:
    assert backend.open().noted(NAME) is None
    assert backend.open().note(NAME, b"first") == b"first"
    assert backend.open().note(NAME, b"second") == b"first"
    assert backend.open().noted(NAME) == b"first"
    assert backend.open().note("runs/other", b"") == b""
    assert backend.open().noted("runs/other") == b""


@pytest.mark.parametrize(
    "name", ["", "x", "runs/", "/x", "runs/../x", "Runs/x", "runs/x/y", "runs/x\n", "-/x", "runs/x.y"]
)
def test_what_is_no_name_of_a_note_is_a_defect(store: Store, name: str) -> None:
    with pytest.raises(ValueError, match="name of a note"):
        store.note(name, b"x")
    with pytest.raises(ValueError, match="name of a note"):
        store.noted(name)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_note_is_told_and_may_be_made_again(backend: Backend, damage: Callable[[bytes], bytes]) -> None:
    backend.open().note(NAME, b"a fact")
    backend.rewrite_note(NAME, damage)
    with pytest.raises(MlspecError, match=NAME) as caught:
        backend.open().noted(NAME)
    assert [problem.code for problem in caught.value.problems] == ["store/damaged"]
    assert backend.open().note(NAME, b"made again") == b"made again"
    assert backend.open().noted(NAME) == b"made again"


@pytest.mark.parametrize("name", [f"runs/{n}" for n in range(5)])
def test_of_many_writers_of_a_note_one_wins(backend: Backend, name: str) -> None:
    stores = [backend.open() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: stores[n].note(name, b"%d" % n), range(8)))
    assert backend.open().noted(name) in told
    if backend.creates:
        assert len(set(told)) == 1


def test_what_lies_there_is_listed(backend: Backend, store: Store) -> None:
    contents = [b"one", b"two", bytes(PART + 1)]
    stored = [store.put_bytes(content) for content in contents]
    store.note("runs/one", b"said")
    store.settle()
    now = time.time()
    found = {lying.name: lying for lying in backend.open().contents()}
    assert found.keys() == {"runs/one", *(one.digest for one in stored)}
    for one in stored:
        assert found[one.digest].size >= one.size
        assert found[one.digest].put is None or abs(found[one.digest].put - now) < 100
    backend.wipe()


def test_what_is_old_is_removed(backend: Backend, store: Store) -> None:
    old, kept = store.put_bytes(b"old").digest, store.put_bytes(b"kept").digest
    large = store.put_bytes(bytes(PART + 1)).digest
    store.note("runs/one", b"said")
    store.settle()
    names = {old, large, "runs/one", digest.of_bytes(b"never put")}
    assert store.remove(names, time.time() + 60) == {old, large, "runs/one"}
    for other in (store, backend.open()):
        assert [other.has(name) for name in (old, kept, large)] == [False, True, False]
        assert other.noted("runs/one") is None
        assert code_of(partial(other.read, old)) == "store/missing"
    assert {lying.name for lying in store.contents()} == {kept}
    assert store.put_bytes(b"old").digest == old
    store.check(old)
    assert store.note("runs/one", b"another") == b"another"


def test_what_is_younger_stays(backend: Backend, store: Store) -> None:
    if isinstance(backend, Git):
        pytest.skip("git keeps no times")
    name = store.put_bytes(b"young").digest
    store.note("runs/one", b"said")
    assert store.remove([name, "runs/one"], time.time() - 60) == set()
    store.check(name)


def test_what_is_put_again_is_young_again(folder: Folder) -> None:
    store = folder.open()
    name, long_ago = store.put_bytes(b"row").digest, time.time() - 90 * 86400
    os.utime(folder.path(name), (long_ago, long_ago))
    assert store.put_bytes(b"row").digest == name
    assert store.remove([name], time.time() - 86400) == set()
    store.check(name)
    os.utime(folder.path(name), (long_ago, long_ago))
    assert store.remove([name], time.time() - 86400) == {name}
