"""Files are written whole and durable, read once, and refused in words."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mlspec.core.problem import MlspecError
from mlspec.io import files

SIZES = [0, 1, files.BLOCK - 1, files.BLOCK, files.BLOCK + 1, 3 * files.BLOCK + 7]


def code_of(run: Callable[[], object]) -> str:
    with pytest.raises(MlspecError) as caught:
        run()
    (problem,) = caught.value.problems
    return problem.code


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List what is made durable, by its path at that time."""
    seen: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


@pytest.fixture
def on_first_read(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen to the world just after the first block of a file was read."""

    def install(act: Callable[[], object]) -> None:
        real, waiting = os.readv, [act]

        def readv(descriptor: int, buffers: Sequence[memoryview]) -> int:
            count = real(descriptor, buffers)
            if waiting:
                waiting.pop()()
            return count

        monkeypatch.setattr(os, "readv", readv)

    return install


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.json"
    files.write_file(path, b"one")
    files.write_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert [file.name for file in path.parent.iterdir()] == ["file.json"]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    files.write_file(path, b"one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~_umask()
    path.chmod(0o640)
    files.write_file(path, b"two")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_written_file_is_durable(tmp_path: Path, synced: list[str]) -> None:
    files.write_file(tmp_path / "a" / "file.json", b"one")
    assert synced[0] == str(tmp_path), "the new folder's name"
    assert synced[1].endswith(".partial"), "the content, before it has its name"
    assert synced[2] == str(tmp_path / "a"), "the file's name"


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b"before")
    program = (
        "import resource, sys; from pathlib import Path; from mlspec.io.files import write_file\n"
        "from mlspec.core.problem import MlspecError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))\n"
        "try: write_file(Path(sys.argv[1]), bytes(5000))\n"
        "except MlspecError as error: print(error.problems[0].code, error.problems[0].message)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"env/disk-full cannot write `{path}`: the limit of a file's size"
    assert path.read_bytes() == b"before"
    assert [file.name for file in tmp_path.iterdir()] == ["file.json"]


def test_the_own_folder_is_ignored_by_git_from_the_start(tmp_path: Path) -> None:
    files.make_folders(tmp_path / ".mlspec" / "cache")
    assert (tmp_path / ".mlspec" / ".gitignore").read_text() == "*\n"
    (tmp_path / ".mlspec" / ".gitignore").unlink()
    files.make_folders(tmp_path / ".mlspec" / "cache")
    assert not (tmp_path / ".mlspec" / ".gitignore").exists(), "nothing was made, so nothing is touched"
    files.make_folders(tmp_path / ".mlspec" / "store")
    assert (tmp_path / ".mlspec" / ".gitignore").exists(), "a folder that something else made is ignored too"


WORDS = [
    (errno.ENOSPC, "env/disk-full", "cannot write `{path}`: no space is left"),
    (errno.EDQUOT, "env/disk-full", "cannot write `{path}`: the quota is used up"),
    (errno.EFBIG, "env/disk-full", "cannot write `{path}`: the limit of a file's size"),
    (errno.EACCES, "env/permission", "cannot use `{path}`: permission denied"),
    (errno.EPERM, "env/permission", "cannot use `{path}`: operation not permitted"),
    (errno.EROFS, "env/permission", "cannot use `{path}`: read-only file system"),
    (errno.EIO, "env/io", "cannot use `{path}`: input/output error"),
    (errno.EMFILE, "env/io", "cannot use `{path}`: too many open files"),
]


@pytest.mark.parametrize(("number", "code", "message"), WORDS)
def test_errors_of_the_system_are_told_in_words(tmp_path: Path, number: int, code: str, message: str) -> None:
    path = tmp_path / "folder" / "file"
    with pytest.raises(MlspecError) as caught, files.in_words(path):
        raise OSError(number, os.strerror(number))
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == (code, message.format(path=path))
    assert ("bytes are free" in (problem.help or "")) == (code == "env/disk-full")


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_is_hashed_on_the_way(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "source").write_bytes(content)
    hashed = files.copy_hashed(tmp_path / "source", tmp_path / "copy")
    assert hashed == files.Hashed("sha256:" + hashlib.sha256(content).hexdigest(), size)
    assert (tmp_path / "copy").read_bytes() == content
    assert files.hash_file(tmp_path / "source") == hashed


def test_a_source_that_keeps_changing_is_refused(tmp_path: Path) -> None:
    source, begun, stop = tmp_path / "source", threading.Event(), threading.Event()
    source.write_bytes(bytes(32 * files.BLOCK))

    def write() -> None:
        with source.open("r+b", buffering=0) as handle:
            while not stop.is_set():
                handle.seek(0, os.SEEK_END)
                handle.write(b"x")
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait()
    try:
        assert code_of(lambda: files.copy_hashed(source, tmp_path / "copy")) == "source/changed"
        assert code_of(lambda: files.hash_file(source)) == "source/changed"
    finally:
        stop.set()
        writer.join()


def test_a_source_that_changed_once_is_read_again(
    tmp_path: Path, on_first_read: Callable[[Callable[[], object]], None]
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"before")
    on_first_read(lambda: source.write_bytes(b"longer than before"))
    assert files.copy_hashed(source, tmp_path / "copy").size == 18
    assert (tmp_path / "copy").read_bytes() == b"longer than before"


def test_a_source_that_was_replaced_is_read_again(
    tmp_path: Path, on_first_read: Callable[[Callable[[], object]], None]
) -> None:
    source, newer = tmp_path / "source", tmp_path / "newer"
    source.write_bytes(b"before")
    newer.write_bytes(b"after!")
    os.utime(newer, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
    on_first_read(lambda: newer.replace(source))
    files.copy_hashed(source, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"after!"


def test_a_source_that_vanishes_while_read_is_missing(
    tmp_path: Path, on_first_read: Callable[[Callable[[], object]], None]
) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"before")
    on_first_read(source.unlink)
    assert code_of(lambda: files.hash_file(source)) == "source/missing"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository with one of everything that is not a source."""
    root = tmp_path / "repository"
    for folder in (".git", ".mlspec/store", "rows"):
        (root / folder).mkdir(parents=True)
    for file in (".git/config", ".mlspec/store/object", "rows/adult.csv", "../outside.csv"):
        (root / file).write_text("a,b\n")
    links = {
        "rows/inside.csv": "adult.csv",
        "rows/chain.csv": "inside.csv",
        "rows/outside.csv": "../../outside.csv",
        "rows/absolute.csv": "/etc/hosts",
        "rows/device.csv": "/dev/null",
        "rows/config.csv": "../.git/config",
        "rows/object.csv": "../.mlspec/store/object",
        "rows/loop.csv": "loop.csv",
        "rows/dangling.csv": "gone.csv",
        "linked": "rows",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "rows/pipe.csv")
    return root


@pytest.mark.parametrize("path", ["rows/adult.csv", "rows/inside.csv", "rows/chain.csv", "linked/adult.csv"])
def test_links_inside_the_repository_are_followed(repository: Path, path: str) -> None:
    assert files.find_source(repository, path) == repository.resolve() / "rows/adult.csv"


REFUSED = {
    "rows/adlut.csv": ("source/missing", "there is no file `rows/adlut.csv`"),
    "nowhere/adult.csv": ("source/missing", "there is no file `nowhere/adult.csv`"),
    "rows/adult.csv/x": ("source/missing", "there is no file `rows/adult.csv/x`"),
    "rows/dangling.csv": ("source/missing", "there is no file `rows/dangling.csv`"),
    "rows": ("source/directory", "`rows` is a folder, not a file"),
    "linked": ("source/directory", "`linked` is a folder, not a file"),
    "rows/pipe.csv": ("source/not-a-file", "`rows/pipe.csv` is a pipe or a device, not a file"),
    "rows/loop.csv": ("source/not-a-file", "`rows/loop.csv` is a link, not a file"),
    "rows/outside.csv": ("source/outside", "`rows/outside.csv` is a link out of the repository"),
    "rows/absolute.csv": ("source/outside", "`rows/absolute.csv` is a link out of the repository"),
    "rows/device.csv": ("source/outside", "`rows/device.csv` is a link out of the repository"),
    "../outside.csv": ("source/outside", "`../outside.csv` is a link out of the repository"),
    "rows/config.csv": ("source/outside", "`rows/config.csv` leads into files of git or mlspec"),
    ".git/config": ("source/outside", "`.git/config` leads into files of git or mlspec"),
    "rows/object.csv": ("source/outside", "`rows/object.csv` leads into files of git or mlspec"),
}


@pytest.mark.parametrize(("path", "expected"), REFUSED.items(), ids=REFUSED.keys())
def test_what_is_no_source_is_refused(repository: Path, path: str, expected: tuple[str, str]) -> None:
    with pytest.raises(MlspecError) as caught:
        files.find_source(repository, path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == expected


def test_a_missing_source_is_guessed(repository: Path) -> None:
    with pytest.raises(MlspecError) as caught:
        files.find_source(repository, "rows/adlut.csv")
    assert caught.value.problems[0].help == "did you mean `adult.csv`?"


def test_only_regular_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to("/etc/hosts")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")  # relative: a socket's path may have 107 bytes
        for name in ("link", "pipe", "socket"):
            assert code_of(lambda name=name: files.hash_file(tmp_path / name)) == "source/not-a-file"  # type: ignore[misc]
    assert code_of(lambda: files.read_regular(Path("/dev/null"))) == "source/not-a-file"
    assert code_of(lambda: files.read_regular(tmp_path)) == "source/directory"


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        files.hash_file(tmp_path / "file")
        files.write_file(tmp_path / "other", b"y")
        code_of(lambda: files.hash_file(tmp_path / "pipe"))
        code_of(lambda: files.hash_file(tmp_path))
    assert len(os.listdir("/dev/fd")) == before
