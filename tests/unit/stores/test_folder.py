"""How the folder store lays out its files; what every store promises is tested in tests/ports."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlspec.core import digest
from mlspec.core.problem import MlspecError
from mlspec.stores.folder import FolderStore

HELLO = digest.of_bytes(b"hello")
PLACE = "sha256/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / ".mlspec" / "store"


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_an_object_lies_where_its_digest_says_and_is_read_only(root: Path) -> None:
    FolderStore(root).put_bytes(b"hello")
    assert (root / PLACE).read_bytes() == b"hello"
    assert stat.S_IMODE((root / PLACE).stat().st_mode) == 0o444
    assert names(root) == {PLACE}


def test_looking_makes_no_folder(root: Path) -> None:
    store = FolderStore(root)
    assert not store.has(HELLO)
    assert list(store.digests()) == []
    with pytest.raises(MlspecError):
        store.read(HELLO)
    assert not root.parent.exists()


def test_an_object_that_is_there_is_not_written_again(root: Path, tmp_path: Path) -> None:
    store = FolderStore(root)
    store.put_bytes(b"hello")
    before = (root / PLACE).stat()
    (tmp_path / "file").write_bytes(b"hello")
    store.put(tmp_path / "file")
    store.put_bytes(b"hello")
    after = (root / PLACE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_old_object_is_young_when_it_is_put_again(root: Path) -> None:
    store = FolderStore(root)
    store.put_bytes(b"hello")
    os.utime(root / PLACE, (1, 1))
    store.put_bytes(b"hello")
    assert (root / PLACE).stat().st_mtime > 1


def test_objects_are_listed_and_nothing_else(root: Path) -> None:
    store = FolderStore(root)
    expected = sorted(store.put_bytes(b"%d" % n).digest for n in range(20))
    (root / "sha256/2c").mkdir(exist_ok=True)
    for stray in ("README", "sha256/2c/x", "sha256/2c/.partial", "sha256/notes.txt", "partial/.a.partial"):
        (root / stray).write_bytes(b"")
    assert list(store.digests()) == expected


@pytest.mark.parametrize(
    ("place", "ignored"), [(".mlspec/store", ".mlspec"), ("artifacts", "artifacts"), ("a/.mlspec/b/c", "a/.mlspec")]
)
def test_git_sees_nothing_of_a_new_store(tmp_path: Path, place: str, ignored: str) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    FolderStore(tmp_path / place).put_bytes(b"hello")
    assert (tmp_path / ignored / ".gitignore").read_text() == "*\n"
    seen = subprocess.run(["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, check=True).stdout
    assert seen == b""


def test_a_folder_of_the_user_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    FolderStore(tmp_path / "shared").put_bytes(b"hello")
    assert not (tmp_path / "shared" / ".gitignore").exists()


def test_what_killed_writers_left_is_removed_after_a_day(root: Path) -> None:
    store = FolderStore(root)
    store.put_bytes(b"first")
    old, new = root / "partial/.old.partial", root / "partial/.new.partial"
    for path, age_h in ((old, 25), (new, 23)):
        path.write_bytes(b"half")
        os.utime(path, (time.time() - age_h * 3600,) * 2)
    store.put_bytes(b"second")
    assert not old.exists()
    assert new.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_object_is_durable_with_all_folders_above_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    FolderStore(root).put_bytes(b"hello")
    folders = [tmp_path, tmp_path / ".mlspec", root, root / "sha256", (root / PLACE).parent]
    assert {str(folder) for folder in folders} <= set(seen)
    content = next(n for n, path in enumerate(seen) if "/partial/.object." in path)
    assert seen[content + 1 :] == [str((root / PLACE).parent)], "content first, then its name, then no more"
    seen.clear()
    FolderStore(root).put_bytes(b"hello")
    assert str((root / PLACE).parent) in seen, "its writer may have died before making the name durable"


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_what_is_no_file_is_no_object(root: Path, tmp_path: Path, kind: str) -> None:
    store = FolderStore(root)
    store.put_bytes(b"hello")
    (root / PLACE).unlink()
    if kind == "link":
        (tmp_path / "elsewhere").write_bytes(b"hello")
        (root / PLACE).symlink_to(tmp_path / "elsewhere")
    else:
        (root / PLACE).mkdir()
    for read in (store.read, store.check, lambda name: store.fetch(name, tmp_path / "out")):
        with pytest.raises(MlspecError) as caught:
            read(HELLO)
        assert caught.value.problems[0].code == "store/damaged"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["a file", "a link to nowhere"])
def test_what_is_no_folder_is_no_store(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "store"
    root.write_bytes(b"") if kind == "a file" else root.symlink_to(tmp_path / "nowhere")
    store = FolderStore(root)
    deeds = [
        *(store.ready, lambda: store.put_bytes(b"hello"), lambda: store.note("runs/x", b"")),
        *(lambda: store.has(HELLO), lambda: store.read(HELLO), lambda: store.noted("runs/x")),
    ]
    for deed in deeds:
        with pytest.raises(MlspecError, match=str(root)) as caught:
            deed()
        assert caught.value.problems[0].code == "store/not-a-folder"


def test_a_shared_folder_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "mnt" / "models", shared=True)
    for deed in (
        store.ready,
        lambda: store.put_bytes(b"hello"),
        lambda: store.has(HELLO),
        lambda: store.noted("runs/x"),
    ):
        with pytest.raises(MlspecError, match="mnt/models") as caught:
            deed()
        assert caught.value.problems[0].code == "store/not-there"
    assert not (tmp_path / "mnt").exists()


def test_a_store_that_cannot_be_written_to_is_told_beforehand(root: Path) -> None:
    FolderStore(root).put_bytes(b"hello")
    shutil.rmtree(root / "partial")
    (root / "partial").write_bytes(b"in the way")
    with pytest.raises(MlspecError) as caught:
        FolderStore(root).ready()
    assert caught.value.problems[0].code == "env/io"


def test_two_projects_may_share_a_store(tmp_path: Path) -> None:
    """What is equal is kept once; what one of them noted of a run holds for an equal run of the other."""
    one, other = (FolderStore(tmp_path / "shared") for _ in range(2))
    assert one.put_bytes(b"hello") == other.put_bytes(b"hello")
    assert one.note("runs/0f", b"done by one") == other.note("runs/0f", b"done by the other") == b"done by one"
    one.discard(HELLO)
    assert not other.has(HELLO)
    assert other.put_bytes(b"hello").digest == HELLO


def test_fetching_into_a_folder_that_is_not_there_is_told(root: Path, tmp_path: Path) -> None:
    store = FolderStore(root)
    store.put_bytes(b"hello")
    with pytest.raises(MlspecError) as caught:
        store.fetch(HELLO, tmp_path / "gone" / "out")
    assert caught.value.problems[0].code == "env/io"
