"""SIGKILL before any system call of an apply that changes files: the next apply finishes, and no hand is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import crashes
from tests.crashes import Broken, Scene
from tests.samples import sampled
from tests.tracer import WORKS, Call

pytestmark = pytest.mark.skipif(not WORKS, reason=crashes.WITHOUT_TRACER)
QUICK, PARTS = 3, 40


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return crashes.stage(tmp_path_factory.mktemp("killed") / "scene")


@pytest.fixture(scope="module")
def points(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """The calls of an apply that nobody kills."""
    whole = crashes.traced(scene.copy(tmp_path_factory.mktemp("whole") / "scene"))
    assert whole.code == 0, whole
    return crashes.points(whole.calls)


def killed(scene: Scene, at: int | str) -> list[str]:
    """Kill an apply at a call; return what is wrong with what it leaves, and with the apply after it."""
    before = crashes.users_own(scene.world)
    broken = crashes.traced(scene, at)
    if broken.call is None:
        return [] if broken.code == 0 else [f"exit {broken.code}"]  # this time it made fewer calls
    return problems(scene, before, broken, broken.call)


def problems(scene: Scene, before: dict[str, bytes], broken: Broken, call: Call) -> list[str]:
    wrong = crashes.problems_of_wreck(scene, before, broken)
    finished, trainings = crashes.finished(scene), scene.trainings
    wrong += crashes.problems_after(scene, before, finished, trainings)
    return [f"{call.n} ({call.role} {call.name} {call.paths[-1]}): {why}" for why in wrong]


@pytest.mark.usefixtures("in_its_environment")
@pytest.mark.parametrize("nth", sampled(range(QUICK), 1))
def test_killed_at_a_call(scene: Scene, points: list[int], tmp_path: Path, nth: int) -> None:
    at = crashes.spread(points, QUICK)[nth]
    assert killed(scene.copy(tmp_path / "scene"), at) == []


LATE = """
from mlspec.commands.session import Session
from mlspec.stores.folder import FolderStore

late = {}

def keep(self, temporary, stored):
    late[stored.digest] = self.path(stored.digest), temporary.read_bytes()
    return stored

def record(self, drafts, real=Session.record):
    real(self, drafts)
    for output in [output for draft in drafts for output in draft.outputs]:
        path, content = late.pop(output.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

FolderStore._keep, Session.record = keep, record
"""
"""A defect: an object is put into the store when the record that names it is on the branch already."""


@pytest.mark.usefixtures("in_its_environment")
def test_a_defect_is_seen(scene: Scene, tmp_path: Path) -> None:
    """What these tests would say of an mlspec that writes in the wrong order."""
    planted = scene.copy(tmp_path / "planted")
    planted.plant(LATE)
    wrong = killed(planted, "/store/sha256/")
    assert any("has no object" in why for why in wrong), wrong


@pytest.mark.torture
@pytest.mark.usefixtures("in_its_environment")
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_call(
    scene: Scene, points: list[int], tmp_path: Path, part: int, record_property: pytest.RecordProperty
) -> None:
    wrong, applied = [], scene.copy(tmp_path / "scene")
    before = crashes.users_own(applied.world)
    left = crashes.images(applied, points[part::PARTS], tmp_path / "images")
    for call, (image, broken) in left.items():
        wrong += problems(image, before, broken, call)
    assert wrong == []
    record_property("figure", f"killed at {len(left)} of {len(points)} calls: each time the next apply finished")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return crashes.stage(tmp_path_factory.mktemp("shared") / "scene", shared=True)


AT = {
    "the training's note": "/store/notes/runs/",
    "its record": ".git/refs/heads/mlspec/lineage",
    "its push": "/remote.git/",
}


@pytest.mark.usefixtures("in_its_environment")
@pytest.mark.parametrize("before", sampled(AT, 1))
def test_killed_and_gone_on_elsewhere(shared: Scene, tmp_path: Path, before: str) -> None:
    """The machine is lost: a fresh clone with the same store ends what it began, and so does the machine when back."""
    scene = shared.copy(tmp_path / "scene")
    broken = crashes.traced(scene, AT[before])
    assert broken.call is not None
    finished, trainings, clone = crashes.finished(scene), scene.trainings, scene.clone("clone")
    assert crashes.problems_after(clone, crashes.users_own(clone.world), finished, trainings) == []
    own = crashes.users_own(scene.world)
    assert crashes.problems_after(scene, own, 1, scene.trainings) == []
