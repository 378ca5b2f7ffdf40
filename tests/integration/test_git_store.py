"""The store in git, between clones: pushed with the records that name it, fetched when it is needed, not by a clone."""

from __future__ import annotations

import os
import random
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mlspec.core import digest
from mlspec.core.problem import MlspecError
from mlspec.io.git import open_repository
from mlspec.lineage.home import locate
from mlspec.stores import git
from mlspec.stores.git import GitStore
from tests.worlds import World, declare

CONTENT = random.Random(1).randbytes(70_000)
NAME = digest.of_bytes(CONTENT)
REF = "refs/mlspec/store/" + NAME.removeprefix("sha256:")
NOTE = "runs/" + "ab" * 32


def run(*argv: str, at: Path) -> str:
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(["git", *argv], cwd=at, env=env, capture_output=True, text=True, check=True).stdout.strip()


def clone(remote: Path, target: Path, *options: str) -> Path:
    run("clone", "-q", *options, remote.as_uri(), str(target), at=remote)
    return target


def opened(work: Path) -> GitStore:
    home = locate(open_repository(work), "mlspec/lineage", None)
    return GitStore(home.repository, home.remote, work / ".mlspec" / "cache" / "objects", lambda _: None)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository with a branch of one commit."""
    world = declare(tmp_path / "origin")
    return Path(clone(world.root, tmp_path / "remote.git", "--bare"))


def code_of(error: pytest.ExceptionInfo[MlspecError]) -> str:
    (problem,) = error.value.problems
    return problem.code


@pytest.mark.parametrize("options", [[], ["--depth=1"], ["--filter=blob:none"]], ids=["plain", "shallow", "partial"])
def test_another_clone_fetches_what_it_reads_and_nothing_else(remote: Path, tmp_path: Path, options: list[str]) -> None:
    first = opened(clone(remote, tmp_path / "first"))
    first.put_bytes(CONTENT)
    first.put_bytes(b"another")
    first.note(NOTE, b"done")
    first.settle()
    second = clone(remote, tmp_path / "second", *options)
    assert "mlspec/store" not in run("for-each-ref", at=second), "a clone brings no objects"
    store = opened(second)
    assert store.has(NAME)
    assert not store.has(digest.of_bytes(b"never kept"))
    assert store.read(NAME) == CONTENT
    assert store.noted(NOTE) == b"done"
    assert store.note(NOTE, b"mine") == b"done"
    store.settle()
    here = run("for-each-ref", at=second) + run("for-each-ref", at=open_apart(second))
    assert REF in here
    assert digest.of_bytes(b"another").removeprefix("sha256:") not in here
    mine = store.put_bytes(b"from the second").digest
    store.settle()
    assert first.read(mine) == b"from the second"
    run("fsck", "--strict", at=remote)


def open_apart(work: Path) -> Path:
    apart = work / ".git" / "mlspec" / "lineage.git"
    return apart if apart.exists() else work


def test_what_is_not_settled_is_seen_by_nobody_else(remote: Path, tmp_path: Path) -> None:
    first, second = (opened(clone(remote, tmp_path / name)) for name in ("first", "second"))
    first.put_bytes(CONTENT)
    assert not second.has(NAME)
    with pytest.raises(MlspecError) as caught:
        second.read(NAME)
    assert code_of(caught) == "store/missing"
    opened(tmp_path / "first").settle()  # by the next process, as when the first was killed
    assert second.read(NAME) == CONTENT
    assert run("for-each-ref", "--format=%(refname)", "refs/mlspec", at=remote) == REF


def test_many_threads_may_fetch_the_same_and_others(remote: Path, tmp_path: Path) -> None:
    first = opened(clone(remote, tmp_path / "first"))
    names = [first.put_bytes(b"%d" % n).digest for n in range(6)]
    first.settle()
    store = opened(clone(remote, tmp_path / "second"))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(store.read, names * 3))
    assert read == [b"%d" % n for n in range(6)] * 3


def test_the_first_of_two_notes_to_settle_stays(remote: Path, tmp_path: Path) -> None:
    first, second = (opened(clone(remote, tmp_path / name)) for name in ("first", "second"))
    assert first.note(NOTE, b"first") == b"first"
    assert second.note(NOTE, b"second") == b"second"
    second.settle()
    first.settle()
    assert first.noted(NOTE) == second.noted(NOTE) == b"second"
    assert first.note(NOTE, b"again") == b"second"


def test_a_remote_that_is_away_is_told_and_what_is_here_is_used(remote: Path, tmp_path: Path) -> None:
    work = clone(remote, tmp_path / "work")
    store = opened(work)
    store.put_bytes(CONTENT)
    remote.rename(tmp_path / "gone")
    assert store.read(NAME) == CONTENT
    assert store.noted(NOTE) is None
    assert store.note(NOTE, b"here") == b"here"
    for ask in (store.settle, lambda: store.has(digest.of_bytes(b"x")), lambda: store.read(digest.of_bytes(b"x"))):
        with pytest.raises(MlspecError) as caught:
            ask()
        assert code_of(caught) == "remote/unreachable"
    (tmp_path / "gone").rename(remote)
    store.settle()
    assert opened(clone(remote, tmp_path / "other")).noted(NOTE) == b"here"


def test_a_remote_that_refuses_is_told_in_its_words(remote: Path, tmp_path: Path) -> None:
    hook = remote / "hooks" / "update"
    hook.write_text("#!/bin/sh\necho 'no large things here' >&2\nexit 1\n")
    hook.chmod(0o755)
    store = opened(clone(remote, tmp_path / "work"))
    store.put_bytes(CONTENT)
    with pytest.raises(MlspecError, match="no large things here") as caught:
        store.settle()
    assert code_of(caught) == "store/refused"
    hook.unlink()
    store.settle()
    assert run("for-each-ref", "--format=%(refname)", "refs/mlspec", at=remote) == REF


def test_an_object_too_large_for_a_forge_is_refused_before_anything_is_written(remote: Path, tmp_path: Path) -> None:
    store, large = opened(clone(remote, tmp_path / "work")), tmp_path / "large"
    with large.open("wb") as handle:
        handle.truncate(git.LIMIT + 1)
    with pytest.raises(MlspecError, match="95,000,001 bytes") as caught:
        store.put(large)
    assert code_of(caught) == "store/too-large"
    assert "s3://" in (caught.value.problems[0].help or "")
    assert run("for-each-ref", "refs/mlspec", at=tmp_path / "work") == ""
    assert not (tmp_path / "work" / ".mlspec").exists()


@pytest.mark.parametrize("name", ["refs/mlspec/store", "refs/mlspec/notes"])
def test_a_ref_in_the_way_is_told(remote: Path, tmp_path: Path, name: str) -> None:
    work = clone(remote, tmp_path / "work")
    run("update-ref", name, "HEAD", at=work)
    store = opened(work)
    keep = {"store": lambda: store.put_bytes(b"x"), "notes": lambda: store.note(NOTE, b"x")}[name.rpartition("/")[2]]
    for deed in (store.ready, keep):
        with pytest.raises(MlspecError) as caught:
            deed()
        assert code_of(caught) == "store/in-the-way"
        assert f"git update-ref -d {name}" in (caught.value.problems[0].help or "")


def test_a_damaged_blob_is_found_and_written_anew(remote: Path, tmp_path: Path) -> None:
    work = clone(remote, tmp_path / "work")
    store = opened(work)
    store.put_bytes(CONTENT)
    oid = run("rev-parse", REF, at=work)
    path = work / ".git" / "objects" / oid[:2] / oid[2:]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)
    with pytest.raises(MlspecError) as caught:
        opened(work).check(NAME)
    assert code_of(caught) == "store/damaged"
    opened(work).put_bytes(CONTENT)
    opened(work).check(NAME)


def test_objects_in_a_pack_are_kept_once(remote: Path, tmp_path: Path) -> None:
    work = clone(remote, tmp_path / "work")
    opened(work).put_bytes(CONTENT)
    run("gc", "-q", "--prune=now", at=work)
    assert opened(work).read(NAME) == CONTENT
    opened(work).put_bytes(CONTENT)
    run("update-ref", "-d", REF, at=work)
    opened(work).put_bytes(CONTENT)
    assert run("count-objects", at=work).startswith("0 objects")


def test_a_model_trained_in_one_clone_is_used_in_another(tmp_path: Path) -> None:
    """The whole way, by the command line: no bucket, no shared folder, only the remote."""
    world = declare(tmp_path / "origin")
    world.edit("mlspec.yaml", "version: 1\n", "version: 1\nstore: git\n")
    world.commit("Keep models in git")
    remote = clone(world.root, tmp_path / "remote.git", "--bare")
    first, second = (World(clone(remote, tmp_path / name), world.env) for name in ("first", "second"))
    done = first.mlspec("apply", "--yes", CI="true")
    assert done.code == 0, done
    assert not (first.root / ".mlspec" / "store").exists()
    listed = run("for-each-ref", "--format=%(refname)", "refs/mlspec/store", at=remote).splitlines()
    assert len(listed) >= 5
    assert second.mlspec("plan", "--detailed-exitcode").code == 0
    exported = second.mlspec("export", "answer@staging", str(tmp_path / "model"))
    assert exported.code == 0, exported
    assert (tmp_path / "model" / "model.skops").stat().st_size > 100
    third, trace = World(clone(remote, tmp_path / "whole"), world.env), tmp_path / "trace"
    verified = third.mlspec("verify", "--store", GIT_TRACE=str(trace))
    assert verified.code == 0, verified
    fetches = [row for row in trace.read_text().splitlines() if " fetch " in row and "run_command" not in row]
    assert 1 <= len(fetches) <= 2, "the lineage, then all objects and notes in one go"
    broken = replace(second, root=clone(remote, tmp_path / "third"))
    for ref in listed:
        run("update-ref", "-d", ref, at=remote)
    lost = broken.mlspec("verify", "--store")
    assert lost.code == 3, lost
    assert "store/missing" in lost.out + lost.err
