"""A remembered plan says what a fresh one would say, whatever changed in between."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from mlspec.commands import quiet
from mlspec.commands.plan import PlanRequest, run
from tests.worlds import LINEAGE, World


class Later:
    """A clock ahead of the files, so that none of them counts as just written."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=10)

    def monotonic(self) -> float:
        return 0.0


class AsWritten(Later):
    """A clock that stands where the files were written, however slow the machine is."""

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(minutes=10)


@pytest.fixture
def quieted(world: World) -> World:
    """A project whose last plan had nothing to do, and is remembered."""
    assert run(world.root, PlanRequest(), Later()).actions == ()
    assert quiet.recall(world.root) is not None
    return world


def touch_data(world: World) -> None:
    with (world.root / "data/questions.csv").open("a") as data:
        data.write("9000,0.5,yes\n")


def same_size_edit(world: World) -> None:
    """Same size, same modification time: only the time of the change of status tells."""
    path = world.root / "specs/answer.yaml"
    before = path.stat()
    world.edit("specs/answer.yaml", "C: 1.0", "C: 2.0")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, Callable[[World], object]] = {
    "a spec": lambda world: world.edit("specs/answer.yaml", "C: 1.0", "C: 0.5"),
    "a spec, with its old size and time": same_size_edit,
    "a new spec in a new folder": lambda world: world.write({"specs/more/other.yaml": "kind: Nothing\n"}),
    "the project": lambda world: world.edit("mlspec.yaml", "project: answers", "project: others"),
    "a spec removed": lambda world: (world.root / "specs/answer.yaml").unlink(),
    "the data": touch_data,
    "the data removed": lambda world: (world.root / "data/questions.csv").unlink(),
    "a tracked file beside": lambda world: (world.write({"notes.txt": "a"}), world.git("add", "notes.txt")),
    "a commit": lambda world: world.git("commit", "-q", "--allow-empty", "-m", "Nothing"),
    "a branch": lambda world: world.git("switch", "-q", "-c", "other"),
    "a detached HEAD": lambda world: world.git("switch", "-q", "--detach"),
    "the lineage removed": lambda world: world.git("update-ref", "-d", LINEAGE),
    "the deployed branch moved away": lambda world: (
        world.git("switch", "-q", "--detach"),
        world.git("branch", "-q", "-D", "main"),
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_changed_is_seen(quieted: World, change: Callable[[World], object]) -> None:
    change(quieted)
    assert quiet.recall(quieted.root) is None
    shown = quieted.mlspec("plan")
    (quieted.root / ".mlspec/cache/quiet").unlink()
    assert shown == quieted.mlspec("plan")


def test_unchanged_it_says_the_same_and_nothing_is_written(quieted: World) -> None:
    kept = (quieted.root / ".mlspec/cache/quiet").read_bytes()
    first = quieted.mlspec("plan", "--detailed-exitcode")
    (quieted.root / ".mlspec/cache/quiet").unlink()
    assert quieted.mlspec("plan", "--detailed-exitcode") == first
    assert first.code == 0
    assert "No changes." in first.out
    (quieted.root / ".mlspec/cache/quiet").write_bytes(kept[:-5])
    assert quiet.recall(quieted.root) is None, "a damaged memory is none"


def test_files_just_written_are_not_trusted(world: World) -> None:
    world.edit("specs/answer.yaml", "seed: 7", "seed: 7  # the same")
    world.commit()
    world.apply()
    assert run(world.root, PlanRequest(), AsWritten()).actions == ()
    assert quiet.recall(world.root) is None


@pytest.mark.parametrize(
    "argv", [["--ref", "HEAD"], ["model/answer"], ["--format", "json"], ["-o", "plan.json"]], ids=str
)
def test_other_plans_do_not_use_it(quieted: World, argv: list[str]) -> None:
    path = quieted.root / ".mlspec/cache/quiet"
    path.write_bytes(path.read_bytes().replace(b"No changes.", b"Forged....."))
    assert "Forged" not in quieted.mlspec("plan", *argv).out
