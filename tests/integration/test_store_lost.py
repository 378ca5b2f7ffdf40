"""Bytes that are gone, changed, or have no room: said plainly, nothing half-written, and nothing retrains silently."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.samples import sampled
from tests.worlds import World

TRAININGS = 1
"""How many the project has had before a test begins."""


def lose(world: World, *names: str) -> None:
    for path in objects(world, names):
        path.unlink()


def flip(world: World, *names: str) -> None:
    for path in objects(world, names):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.chmod(0o644)
        path.write_bytes(content)


def objects(world: World, names: tuple[str, ...]) -> list[Path]:
    where = {
        "content": "snapshot-dataset.questions",
        "model": "train-model.answer",
        "predictions": "evaluate-model.answer",
    }
    return [world.stored(where[name], name) for name in names or where]


def trainings(world: World) -> int:
    return sum("-train-" in path for path in world.recorded())


def stricter(world: World) -> None:
    world.edit("specs/gate.yaml", "0.5", "0.6")
    world.commit("A stricter gate")


def without_source(world: World) -> None:
    (world.root / "data" / "questions.csv").unlink()
    world.edit("specs/answer.yaml", "C: 1.0", "C: 2.0")
    world.commit("Other parameters, and no data")


def back_in_staging(world: World) -> None:
    """Leave staging, then come back to v1, which was there before: a rollback."""
    world.edit("specs/answer.yaml", "stages:\n  staging", "stages: {}\n# staging")
    world.commit("Leave staging")
    world.apply()
    world.git("revert", "--no-edit", "HEAD")


@dataclass(frozen=True)
class Lost:
    """What is gone, what is asked for then, and what the plan says is blocked."""

    names: tuple[str, ...]
    edit: Callable[[World], None]
    action: str
    why: str


LOST = {
    "model and predictions": Lost(
        ("model", "predictions"),
        stricter,
        "! evaluate v1",
        r"the store holds neither the predictions nor the model sha256:[0-9a-f]{64}; restore the store",
    ),
    "snapshot and source": Lost(
        ("content",),
        without_source,
        "! train v2",
        r"the store does not hold sha256:[0-9a-f]{64} and the source no longer has those bytes: restore either",
    ),
    "a model that would come back": Lost(
        ("model",),
        back_in_staging,
        "! promote v1 to staging",
        r"the store does not hold the model sha256:[0-9a-f]{64}; restore the store",
    ),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST.keys())
def test_what_must_read_lost_bytes_is_blocked(world: World, lost: Lost) -> None:
    lost.edit(world)
    lose(world, *lost.names)
    planned = world.mlspec("plan")
    assert planned.code == 0
    assert lost.action in planned.out
    assert re.search(f"blocked: {lost.why}", planned.out)
    assert world.mlspec("apply", "--yes").code == 0
    assert lost.action in world.mlspec("plan").out
    assert trainings(world) == TRAININGS
    assert world.mlspec("verify").code == 0


def test_what_reads_no_lost_bytes_goes_on(world: World) -> None:
    shutil.rmtree(world.root / ".mlspec" / "store")
    assert "No changes." in world.mlspec("plan").out
    with (world.root / "specs" / "gate.yaml").open("a") as file:
        file.write("description: In other words\n")
    world.commit()
    world.apply()
    assert trainings(world) == TRAININGS


def test_lost_data_come_back_from_the_source(world: World) -> None:
    lose(world, "content")
    stricter(world)
    planned = world.mlspec("plan").out
    assert "~ snapshot the source" in planned
    assert "store: recorded -> missing" in planned
    applied = world.apply().out
    assert "5,393 bytes of data/questions.csv" in applied
    assert trainings(world) == TRAININGS
    assert world.mlspec("verify", "--store").code == 0


@pytest.mark.parametrize("names", [("model",), ()], ids=["the model", "everything"])
def test_export_of_lost_bytes(world: World, names: tuple[str, ...]) -> None:
    lose(world, *names)
    done = world.mlspec("export", "answer", "out")
    assert (done.code, done.out) == (1, "")
    assert re.search(
        r"^error\[store/missing\]: the store .* has no object sha256:[0-9a-f]{64}$", done.err, re.MULTILINE
    )
    assert "help: bring the store's folder back" in done.err
    assert "`store: git`: see docs/how-to/share-a-store.md" in done.err
    assert not (world.root / "out").exists()


def test_bytes_that_changed_are_never_used(world: World) -> None:
    """Found when they are read; that fails nothing for good, for the world may be mended."""
    stricter(world)
    flip(world)
    for _ in range(2):
        done = world.mlspec("apply", "--yes")
        assert done.code == 1
        assert re.search(r"failed +model/answer: evaluate v1 .*sha256:[0-9a-f]{64} of the store is damaged", done.out)
        assert "bring it back from another copy of the store" in done.out
    assert trainings(world) == TRAININGS
    exported = world.mlspec("export", "answer", "out")
    assert (exported.code, exported.out) == (1, "")
    assert "error[store/damaged]: " in exported.err
    assert not (world.root / "out").exists()
    assert world.mlspec("verify", "--store").out.count("error[store/damaged]") == 3


def test_a_damaged_model_enters_no_stage(world: World) -> None:
    """Nothing is recorded, and with its bytes back the next apply promotes it."""
    back_in_staging(world)
    (model,) = objects(world, ("model",))
    content, tip = model.read_bytes(), world.tip
    flip(world, "model")
    for _ in range(2):
        done = world.mlspec("apply", "--yes")
        assert done.code == 1
        assert re.search(r"failed +model/answer: promote v1 to staging .*sha256:[0-9a-f]{64} of the store", done.out)
        assert world.tip == tip
    model.write_bytes(content)
    assert "v1 is in staging" in world.apply().out


Damage = Callable[[Path], object]


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


CACHE_DAMAGES: Mapping[str, Damage] = {
    "garbage": lambda path: path.write_bytes(b"\x80\x04garbage\n" * 9),
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "one bit": lambda path: path.write_bytes(path.read_bytes()[:-9] + b"X" + path.read_bytes()[-8:]),
    "a folder": a_folder,
}


@pytest.mark.parametrize("damage", CACHE_DAMAGES.values(), ids=CACHE_DAMAGES.keys())
def test_damaged_caches_are_not_believed(world: World, damage: Damage) -> None:
    cache = world.root / ".mlspec" / "cache"
    stricter(world)
    plans = [re.sub(r'"at": "[^"]+"', "", world.mlspec("plan", "--format", "json").out) for _ in range(2)]
    kept = {path.name: path.read_bytes() for path in cache.iterdir()}
    assert "documents" in kept
    for name in kept:
        damage(cache / name)
    planned = world.mlspec("plan", "--format", "json")
    assert (planned.code, planned.err) == (0, "")
    assert {re.sub(r'"at": "[^"]+"', "", planned.out), *plans} == {plans[0]}
    if damage is not a_folder:
        assert (cache / "documents").read_bytes() == kept["documents"]


def test_no_cache_can_be_kept(world: World) -> None:
    shutil.rmtree(world.root / ".mlspec" / "cache")
    (world.root / ".mlspec" / "cache").write_text("in the way")
    assert "No changes." in world.mlspec("plan").out


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("free", "models"), sampled([(16 << 10, 0), (0, 0), (4 << 10, 0), (40 << 10, 0), (256 << 10, 1)], 2)
)
def test_full_disk(declared: World, small_disk: Path, free: int, models: int) -> None:
    """However far it gets: each failed step says why, what is recorded is whole, and with room the rest is done."""
    world = declared.copy(small_disk / "world")
    if not models:
        (world.root / "specs" / "answer.yaml").unlink()
        world.commit()
    world.git("repack", "-a", "-d", "-q")
    status = os.statvfs(small_disk)
    filler = small_disk / "filler"
    filler.write_bytes(bytes(status.f_bavail * status.f_frsize - free))
    done = world.mlspec("apply", "--yes")
    assert done.code == 1
    failed = [line for line in done.out.splitlines() if line.startswith("failed ")]
    failed += [line for line in done.err.splitlines() if line.startswith("error")]
    assert [line for line in failed if not re.search(r"no space (is )?left|couldn't write", line, re.IGNORECASE)] == []
    assert failed
    filler.unlink()
    assert world.mlspec("verify", "--store").code == 0
    world.apply()
    assert trainings(world) == models
    assert "No changes." in world.mlspec("plan").out
    assert world.mlspec("verify", "--store").code == 0
    left = [path for path in world.root.rglob("*") if path.is_file() and path.name.endswith((".partial", "line.lock"))]
    assert left == []
