"""A second look reads nothing, and no change goes unseen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from mlspec.core import digest
from mlspec.io.hashes import HashCache

SECOND = 1_000_000_000


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """List the bytes of each read of a file that is hashed."""
    seen: list[int] = []
    real = os.readv

    def readv(descriptor: int, buffers: Sequence[memoryview]) -> int:
        seen.append(real(descriptor, buffers))
        return seen[-1]

    monkeypatch.setattr(os, "readv", readv)
    return seen


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a,b\n1,2\n")
    yield path


def later() -> int:
    """Tell the time as if five seconds had gone by since the files were written."""
    return time.time_ns() + 5 * SECOND


def test_a_second_look_reads_nothing(tmp_path: Path, file: Path, reads: list[int]) -> None:
    first = HashCache(tmp_path / "cache", later)
    hashed = first.hash(file)
    first.save()
    assert hashed.digest == digest.of_bytes(file.read_bytes())
    assert hashed.size == 8
    reads.clear()
    assert first.hash(file) == hashed
    assert HashCache(tmp_path / "cache", later).hash(file) == hashed
    assert reads == []


CHANGES: dict[str, Callable[[Path], object]] = {
    "longer": lambda file: file.write_bytes(b"a,b\n1,2\n3,4\n"),
    "same length": lambda file: file.write_bytes(b"a,b\n1,3\n"),
    "same length, old time": lambda file: _quietly(file, b"a,b\n1,3\n"),
    "replaced": lambda file: _replace(file, b"a,b\n1,3\n"),
}


def _quietly(file: Path, content: bytes) -> None:
    before = file.stat()
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(file: Path, content: bytes) -> None:
    other = file.with_name("other.csv")
    other.write_bytes(content)
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.replace(file)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_seen(tmp_path: Path, file: Path, change: Callable[[Path], object]) -> None:
    hashes = HashCache(tmp_path / "cache", later)
    hashes.hash(file)
    time.sleep(0.02)  # the clock above says that the file is old, so make it older than the file system's tick
    change(file)
    assert hashes.look(file) is None
    assert hashes.hash(file).digest == digest.of_bytes(file.read_bytes())


@pytest.mark.parametrize(("age", "trusted"), [(-5, False), (0, False), (1, False), (3, True)])
def test_a_file_written_just_before_is_not_trusted(tmp_path: Path, file: Path, age: int, trusted: bool) -> None:
    written = max(file.stat().st_mtime_ns, file.stat().st_ctime_ns)
    hashes = HashCache(tmp_path / "cache", lambda: written + age * SECOND)
    hashes.hash(file)
    assert (hashes.look(file) is not None) == trusted


def test_a_digest_made_elsewhere_is_noted_unless_the_file_changed_since(tmp_path: Path, file: Path) -> None:
    hashes = HashCache(tmp_path / "cache", later)
    before = hashes.watch(file)
    hashes.note(file, before, digest.of_bytes(b"a,b\n1,2\n"))
    assert hashes.look(file) == hashes.hash(file)
    file.write_bytes(b"a,b\n1,2\n3,4\n")
    hashes.note(file, before, digest.of_bytes(b"a,b\n1,2\n"))
    assert hashes.look(file) is None
    hashes.note(tmp_path / "gone", hashes.watch(tmp_path / "gone"), digest.of_bytes(b""))
    assert hashes.look(tmp_path / "gone") is None


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "emptied": lambda _: b"",
    "cut": lambda body: body[:-9],
    "a flipped bit": lambda body: body[:-9] + bytes([body[-9] ^ 1]) + body[-8:],
    "something else": lambda _: b"\x00\xff" * 99,
    "another version": lambda body: body.replace(b"hashes/1", b"hashes/0"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_cache_is_no_cache(tmp_path: Path, file: Path, damage: Callable[[bytes], bytes]) -> None:
    kept = tmp_path / "cache"
    hashes = HashCache(kept, later)
    hashes.hash(file)
    hashes.save()
    assert HashCache(kept, later).look(file) is not None
    kept.write_bytes(damage(kept.read_bytes()))
    assert HashCache(kept, later).look(file) is None


def test_two_writers_keep_both(tmp_path: Path, file: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_bytes(b"x")
    one, two = HashCache(tmp_path / "cache", later), HashCache(tmp_path / "cache", later)
    one.hash(file)
    two.hash(other)
    one.save()
    two.save()
    both = HashCache(tmp_path / "cache", later)
    assert both.look(file) is not None
    assert both.look(other) is not None


def test_nothing_new_writes_nothing(tmp_path: Path, file: Path) -> None:
    kept = tmp_path / "cache"
    hashes = HashCache(kept, later)
    hashes.hash(file)
    hashes.save()
    before = kept.stat().st_ino
    again = HashCache(kept, later)
    again.hash(file)
    again.save()
    assert kept.stat().st_ino == before


def test_a_cache_that_cannot_be_written_costs_only_time(file: Path) -> None:
    hashes = HashCache(file / "cache", later)
    assert hashes.hash(file).size == 8
    hashes.save()
