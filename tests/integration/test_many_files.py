"""Datasets of many files, through git and the command line: snapshot, check, learn, add a month, verify."""

from __future__ import annotations

import gzip
import json
import os
import time
from pathlib import Path

import pytest

from mlspec.core import digest
from mlspec.io.hashes import HashCache
from tests.integration.test_scratch import left
from tests.worlds import DATASET, World, declare

GLOB = DATASET.replace("data/questions.csv", '"data/20*.csv.gz"')


def month(number: int) -> bytes:
    rows = [f"{number * 1000 + n},{n % 2 + n / 200:.2f},{'yes' if n % 2 else 'no'}\n" for n in range(100)]
    return gzip.compress(("id,hint,label\n" + "".join(rows)).encode(), mtime=0)


def put(world: World, name: str, content: bytes) -> None:
    path = world.root / "data" / name
    path.write_bytes(content)
    os.utime(path, (time.time() - 60,) * 2)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A dataset of three months, applied once."""
    world = declare(tmp_path_factory.mktemp("many") / "repository")
    world.write({"specs/questions.yaml": GLOB})
    for number in (1, 2, 3):
        put(world, f"2026-0{number}.csv.gz", month(number))
    world.commit()
    world.apply()
    return world


def objects(world: World) -> int:
    return sum(1 for path in (world.root / ".mlspec/store/sha256").rglob("*") if path.is_file())


def outputs(world: World) -> dict[str, list[str]]:
    record = json.loads(world.content(world.record("snapshot-dataset.questions")))
    names: dict[str, list[str]] = {}
    for output in record["outputs"]:
        names.setdefault(output["name"], []).append(output["digest"])
    return names


def test_it_is_learned_from_like_one_file(world: World) -> None:
    shown = world.mlspec("show", "--format", "json")
    assert '"version": 1' in shown.out
    assert world.mlspec("plan", "--detailed-exitcode").code == 0
    named = outputs(world)
    assert (len(named["content"]), len(named["pack"])) == (1, 1), "three small files are one pack"
    profile = json.loads(world.stored("check-dataset.questions", "profile").read_bytes())
    assert profile["rows"] == 300


def test_at_a_commit_it_is_the_same(world: World) -> None:
    assert world.mlspec("plan", "--ref", "HEAD", "--detailed-exitcode").code == 0


def test_a_month_more_is_a_new_version(world: World, tmp_path: Path) -> None:
    later = world.copy(tmp_path / "later")
    put(later, "2026-04.csv.gz", month(4))
    planned = later.mlspec("plan").out
    assert "~ snapshot the source" in planned
    assert "content: " in planned
    later.commit()
    assert "400 rows keep the contract" in later.apply("dataset/questions").out
    assert later.mlspec("verify", "--store").code == 0


def test_what_was_rejected_is_shown_until_it_is_mended(world: World, tmp_path: Path) -> None:
    later = world.copy(tmp_path / "rejected")
    later.edit(
        "specs/questions.yaml", "{name: id, type: integer, role: id}", "{name: id, type: integer, role: id, max: 4999}"
    )
    for number, rejected in ((5, 1), (4, 0)):
        put(later, "2026-04.csv.gz", month(number))
        later.commit()
        assert later.mlspec("apply", "--yes", "dataset/questions").code == (3 if rejected else 0)
        (shown,) = json.loads(later.mlspec("show", "dataset/questions", "--format", "json").out)["resources"]
        assert [text.partition(": ")[2] for text in shown["rejected"]] == [
            "column `id`, 100 rows: the value is above 4999"
        ] * rejected
        assert shown["size"] is None, "the manifest's size is not the data's"


def test_a_move_of_the_folder_is_no_new_version(world: World, tmp_path: Path) -> None:
    moved = world.copy(tmp_path / "moved")
    (moved.root / "data").rename(moved.root / "rows")
    moved.edit("specs/questions.yaml", "data/20", "rows/20")
    moved.commit()
    assert "snapshot" not in moved.mlspec("plan").out


def test_a_folder_of_parts(world: World, tmp_path: Path) -> None:
    folder = world.copy(tmp_path / "folder")
    (folder.root / "parts" / "a").mkdir(parents=True)
    for number in (1, 2):
        (folder.root / f"parts/a/{number}").write_bytes(month(number))
    (folder.root / "parts/_SUCCESS").write_bytes(b"")
    folder.edit("specs/questions.yaml", 'source: "data/20*.csv.gz"', "source: {path: parts, format: csv}")
    folder.commit()
    assert "200 rows keep the contract" in folder.apply("dataset/questions").out


def test_lost_and_damaged_packs(world: World, tmp_path: Path) -> None:
    lost = world.copy(tmp_path / "lost")
    (pack,) = outputs(lost)["pack"]
    name = pack.removeprefix("sha256:")
    path = lost.root / ".mlspec/store/sha256" / name[:2] / name[2:]
    path.unlink()
    verified = lost.mlspec("verify", "--store")
    assert verified.code == 3
    assert "it is the pack of dataset/questions" in verified.out + verified.err
    lost.edit("specs/questions.yaml", "type: number", "type: number, min: -9")
    lost.commit()
    assert "snapshot the source" in lost.mlspec("plan").out, "what is checked anew must be there"
    lost.apply("dataset/questions")
    assert path.exists()
    path.chmod(0o600)
    path.write_bytes(b"other")
    lost.edit("specs/questions.yaml", "min: -9", "min: -8")
    lost.commit()
    assert "is damaged" in " ".join(lost.mlspec("apply", "--yes", "dataset/questions").out.split())


def test_parts_that_do_not_fit_are_named(world: World, tmp_path: Path) -> None:
    bad = world.copy(tmp_path / "bad")
    put(bad, "2026-04.csv.gz", gzip.compress(b"id,hnt,label\n1,2,yes\n"))
    bad.commit()
    done = bad.mlspec("apply", "--yes", "dataset/questions")
    assert done.code == 3
    said = " ".join(done.out.split())
    where = "data/2026-04.csv.gz has other columns than data/2026-01.csv.gz: without `hint` and with `hnt`"
    assert where in said


def test_rows_that_break_the_contract_are_named_by_file(world: World, tmp_path: Path) -> None:
    bad = world.copy(tmp_path / "rows")
    bad.write({"specs/questions.yaml": GLOB.replace("number", "number, max: 1.4") + "checks: {unique: [id]}\n"})
    put(bad, "2026-04.csv.gz", gzip.compress(b"id,hint,label\n1,wide,yes\n"))
    bad.commit()
    done = bad.mlspec("apply", "--yes", "dataset/questions")
    assert done.code == 3
    assert "is not a number, as 'wide'  data/2026-04.csv.gz rows 1\n" in done.out
    put(bad, "2026-04.csv.gz", gzip.compress(b"id,hint,label\n1,2,yes\n1001,0,no\n"))
    bad.commit()
    told = bad.mlspec("apply", "--yes", "dataset/questions").out
    assert "data/2026-01.csv.gz rows 82, 84, 86, 88, 90, …\n" in told
    assert "data/2026-01.csv.gz rows 2; data/2026-04.csv.gz rows 2\n" in told
    log = json.loads(bad.mlspec("log", "dataset/questions", "--format", "json").out)
    (twice, _) = log["records"][0]["violations"]
    assert twice["rows"] == [2, 302], "counted through all files, as ever"
    assert twice["places"] == [
        {"file": "data/2026-01.csv.gz", "rows": [2]},
        {"file": "data/2026-04.csv.gz", "rows": [2]},
    ]


def test_a_part_that_changes_before_it_is_copied_is_refused(world: World, tmp_path: Path) -> None:
    """What was planned is known from the cache of digests, as it is when a part changes between hashing and copying."""
    changed = world.copy(tmp_path / "changed")
    put(changed, "2026-04.csv.gz", month(5))
    changed.commit()
    path = changed.root / "data/2026-04.csv.gz"
    hashes = HashCache(changed.root / ".mlspec/cache/hashes", lambda: time.time_ns() + 10**10)
    hashes.note(path, hashes.watch(path), digest.of_bytes(month(4)))
    hashes.save()
    before = changed.tip, objects(changed)
    done = changed.mlspec("apply", "--yes", "dataset/questions")
    assert done.code == 1
    assert (
        "failed    dataset/questions: snapshot the source  data/2026-04.csv.gz changed after it was planned" in done.out
    )
    assert (changed.tip, objects(changed)) == before, "nothing is recorded, and nothing is left in the store"
    os.utime(path)
    assert "400 rows keep the contract" in changed.apply("dataset/questions").out


def test_a_month_more_is_tried_and_leaves_nothing(world: World, tmp_path: Path) -> None:
    scratch = world.copy(tmp_path / "scratch")
    put(scratch, "2026-04.csv.gz", month(4))
    before = left(scratch)
    done = scratch.mlspec("apply", "--scratch")
    assert done.code == 0, done
    assert "400 rows keep the contract" in done.out
    assert " beside v1 in staging\n" in done.out
    assert left(scratch) == before
    assert "snapshot the source" in scratch.mlspec("plan").out, "it is still to be done"


def test_what_is_no_file_blocks_the_snapshot(world: World, tmp_path: Path) -> None:
    blocked = world.copy(tmp_path / "blocked")
    os.mkfifo(blocked.root / "data" / "2026-05.csv.gz")
    assert "`data/2026-05.csv.gz` is a pipe, a socket or a device" in blocked.mlspec("plan").out
