"""Copies in front of a store: verified when used, mended from the store, and done without where there is no room."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mlspec.core import digest
from mlspec.core.problem import MlspecError
from mlspec.stores.cached import CachedStore
from mlspec.stores.folder import FolderStore

CONTENT = b"some bytes of a model"
NAME = digest.of_bytes(CONTENT)


@pytest.fixture
def far(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "far")


@pytest.fixture
def copies(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / ".mlspec" / "cache" / "objects")


@pytest.fixture
def store(far: FolderStore, copies: FolderStore) -> CachedStore:
    return CachedStore(far, copies)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def rewrite(store: FolderStore, content: bytes) -> None:
    store.path(NAME).chmod(0o644)
    store.path(NAME).write_bytes(content)


def through(store: CachedStore, target: Path) -> list[bytes]:
    """Return what both ways of reading give."""
    store.fetch(NAME, target)
    return [store.read(NAME), target.read_bytes()]


def test_what_was_read_is_here(store: CachedStore, far: FolderStore, copies: FolderStore, tmp_path: Path) -> None:
    far.put_bytes(CONTENT)
    assert store.read(NAME) == CONTENT
    assert list(copies.digests()) == [NAME]
    far.discard(NAME)
    assert through(store, tmp_path / "out") == [CONTENT] * 2
    assert not store.has(NAME), "copies answer for nothing"
    with pytest.raises(MlspecError):
        store.check(NAME)


@pytest.mark.parametrize("damage", [b"", CONTENT[:-1], CONTENT[::-1]], ids=["emptied", "cut", "other bytes"])
def test_a_damaged_copy_is_fetched_again(
    store: CachedStore, copies: FolderStore, source: Path, tmp_path: Path, damage: bytes
) -> None:
    store.put(source)
    rewrite(copies, damage)
    assert store.read(NAME) == CONTENT
    copies.check(NAME)
    rewrite(copies, damage)
    assert through(store, tmp_path / "out") == [CONTENT] * 2
    copies.check(NAME)


def test_a_damaged_copy_is_not_sent(store: CachedStore, far: FolderStore, copies: FolderStore, source: Path) -> None:
    store.put(source)
    rewrite(copies, CONTENT[::-1])
    far.discard(NAME)
    assert store.put(source).digest == NAME
    far.check(NAME)


def test_damage_of_the_store_is_not_hidden_by_a_copy(store: CachedStore, far: FolderStore, source: Path) -> None:
    store.put(source)
    rewrite(far, CONTENT[::-1])
    with pytest.raises(MlspecError) as caught:
        store.check(NAME)
    assert caught.value.problems[0].code == "store/damaged"


def no_folder(root: Path) -> None:
    root.parent.mkdir(parents=True)
    root.write_bytes(b"")


def gone(root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)


@pytest.mark.parametrize("accident", [no_folder, gone])
def test_without_copies_it_works_all_the_same(
    store: CachedStore, far: FolderStore, copies: FolderStore, source: Path, accident: Callable[[Path], None]
) -> None:
    accident(copies.root)
    assert store.put(source).digest == store.put_bytes(CONTENT).digest == NAME
    assert through(store, source.with_name("out")) == [CONTENT] * 2
    assert list(far.digests()) == [NAME]


def test_what_is_nowhere_is_missing(store: CachedStore, tmp_path: Path) -> None:
    for read in (store.read, store.check, lambda name: store.fetch(name, tmp_path / "out")):
        with pytest.raises(MlspecError) as caught:
            read(NAME)
        assert caught.value.problems[0].code == "store/missing"
