"""An apply that is asked to stop, or that nobody listens to: nothing is lost, nothing is left running."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import crashes
from tests.crashes import Scene
from tests.samples import sampled
from tests.worlds import MLSPEC

pytestmark = [
    pytest.mark.usefixtures("in_its_environment"),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for children in /proc"),
]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return crashes.stage(tmp_path_factory.mktemp("stopped") / "scene")


@pytest.fixture(scope="module")
def lasts(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> float:
    return duration(scene.copy(tmp_path_factory.mktemp("whole") / "scene"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The project with four more datasets: an apply of twenty steps, two at a time."""
    scene = crashes.stage(tmp_path_factory.mktemp("wide") / "scene", datasets=5)
    assert scene.steps == 20
    return scene


@pytest.fixture(scope="module")
def wide_lasts(wide: Scene, tmp_path_factory: pytest.TempPathFactory) -> float:
    return duration(wide.copy(tmp_path_factory.mktemp("whole") / "scene"))


def duration(scene: Scene) -> float:
    """Return how long a whole apply takes from its first line on, in seconds."""
    process = begun(scene)
    since = time.monotonic()
    out, _ = process.communicate()
    assert process.returncode == 0
    assert f"\nApply: {scene.steps} done" in out.decode()
    return time.monotonic() - since


def begun(scene: Scene) -> subprocess.Popen[bytes]:
    """Begin an apply, and return when it has shown its plan."""
    command = [str(MLSPEC), "apply", "--yes", "--jobs", "1" if scene.datasets == 1 else "2"]
    process = subprocess.Popen(
        command,
        cwd=scene.world.root,
        env=scene.world.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    os.read(process.stdout.fileno(), 1)
    return process


def none_is_left(scene: Scene) -> bool:
    """Say whether every process of a scene has ended, or does within a moment."""
    until = time.monotonic() + 10
    while (left := crashes.marked(str(scene.base))) and time.monotonic() < until:
        time.sleep(0.05)
    return not left


def to_group(process: subprocess.Popen[bytes], number: int) -> None:
    os.killpg(process.pid, number)


def to_one(process: subprocess.Popen[bytes], number: int) -> None:
    os.kill(process.pid, number)


SENT = {
    "ctrl-c": (signal.SIGINT, to_group),
    "terminate": (signal.SIGTERM, to_one),
    "hang-up": (signal.SIGHUP, to_group),
}


def stopped(scene: Scene, how: str, after: float, *, twice: bool = False) -> list[str]:
    """Stop an apply some seconds after its first line; return what is wrong then, and after the next apply."""
    number, send = SENT[how]
    before = crashes.users_own(scene.world)
    process = begun(scene)
    time.sleep(after)
    for _ in range(1 + twice):
        if process.poll() is None:
            send(process, number)
        time.sleep(0.05)
    out, err = (text.decode() for text in process.communicate(timeout=120))
    wrong = [] if none_is_left(scene) else ["a child is left"]
    if process.returncode != (0 if f"\nApply: {scene.steps} done" in out and process.returncode == 0 else 130):
        wrong.append(f"exit {process.returncode}: {out} {err}")
    if "Traceback" in err:
        wrong.append(err)
    wrong += crashes.problems_of_wreck(scene, before, crashes.Broken(process.returncode, out, err, ()))
    return wrong + crashes.problems_after(scene, before, crashes.finished(scene), scene.trainings)


@pytest.mark.parametrize("how", sampled(SENT, 1))
def test_stopped(scene: Scene, lasts: float, tmp_path: Path, how: str) -> None:
    assert stopped(scene.copy(tmp_path / "scene"), how, lasts / 2) == []


@pytest.mark.torture
def test_stopped_at_once(scene: Scene, lasts: float, tmp_path: Path) -> None:
    assert stopped(scene.copy(tmp_path / "scene"), "ctrl-c", lasts / 3, twice=True) == []


@pytest.mark.torture
@pytest.mark.parametrize("part", range(10))
def test_stopped_at_random_moments(
    wide: Scene, wide_lasts: float, tmp_path: Path, part: int, record_property: pytest.RecordProperty
) -> None:
    dice = random.Random(part)
    for number in range(5):
        how, after = dice.choice(sorted(SENT)), dice.uniform(0, wide_lasts)
        assert stopped(wide.copy(tmp_path / str(number)), how, after, twice=dice.random() < 0.3) == []
    record_property(
        "figure",
        "an apply of 20 steps stopped at 5 random moments of 50: exit 130, no child left, the next apply finished",
    )


def killed(scene: Scene, after: float, kill: Callable[[subprocess.Popen[bytes], int], None]) -> list[str]:
    before = crashes.users_own(scene.world)
    process = begun(scene)
    time.sleep(after)
    if process.poll() is None:
        kill(process, signal.SIGKILL)
    out, err = (text.decode() for text in process.communicate(timeout=120))
    wrong = [] if none_is_left(scene) else ["a child is left"]
    wrong += crashes.problems_of_wreck(scene, before, crashes.Broken(process.returncode, out, err, ()))
    return wrong + crashes.problems_after(scene, before, crashes.finished(scene), scene.trainings)


@pytest.mark.torture
@pytest.mark.parametrize("part", range(40))
def test_killed_at_random_moments(
    wide: Scene, wide_lasts: float, tmp_path: Path, part: int, record_property: pytest.RecordProperty
) -> None:
    """The whole group and the main process only, in turns."""
    dice = random.Random(1000 + part)
    for number in range(5):
        kill = to_group if number % 2 else to_one
        assert killed(wide.copy(tmp_path / str(number)), dice.uniform(0, wide_lasts), kill) == []
    record_property("figure", "an apply of 20 steps killed at 5 random moments of 200: the next apply finished")


def test_nobody_listens(scene: Scene, tmp_path: Path) -> None:
    """What read our output has gone: the apply goes on to its end, and all of it is recorded."""
    scene = scene.copy(tmp_path / "scene")
    process = begun(scene)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=120)
    assert (process.returncode, crashes.recorded(scene.world)) == (0, scene.records)
    assert b"Traceback" not in err


def test_output_that_cannot_be_written(scene: Scene, tmp_path: Path) -> None:
    """A full disk under the log of a job is told, and loses no record."""
    scene = scene.copy(tmp_path / "scene")
    with open("/dev/full", "wb") as full:
        command = [str(MLSPEC), "apply", "--yes"]
        done = subprocess.run(
            command, cwd=scene.world.root, env=scene.world.env, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert crashes.recorded(scene.world) == scene.records
    assert b"what is done can no longer be shown: no space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
