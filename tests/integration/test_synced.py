"""What an apply acknowledges is on the disk: nothing that a power cut would lose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import crashes
from tests.crashes import Scene
from tests.tracer import WORKS, Call
from tests.unsynced import unsynced

pytestmark = pytest.mark.skipif(not WORKS, reason=crashes.WITHOUT_TRACER)


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "shared"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return crashes.stage(tmp_path_factory.mktemp("synced") / "scene", shared=request.param)


@pytest.fixture(scope="module")
def calls(scene: Scene) -> tuple[Call, ...]:
    whole = crashes.traced(scene)
    assert whole.code == 0, whole
    return whole.calls


def ours(scene: Scene) -> tuple[str, ...]:
    return tuple(f"{scene.base / name}/" for name in ("repository/.git", "repository/.mlspec", "store"))


def test_all_is_synced_when_it_is_acknowledged(
    scene: Scene, calls: tuple[Call, ...], record_property: pytest.RecordProperty
) -> None:
    assert calls
    assert unsynced(calls, ours(scene)) == []
    syncs = sum(call.name == "fsync" for call in calls)
    record_property(
        "figure", f"fsync order of an apply ({syncs} syncs of {len(calls)} calls): 0 bytes or names unsynced"
    )


OMISSIONS: dict[str, Callable[[Call], bool]] = {
    "folders": lambda call: call.role == "mlspec" and "." not in Path(call.paths[0]).name,
    "objects of the store": lambda call: call.paths[0].endswith(".partial"),
    "objects of git": lambda call: "/tmp_obj_" in call.paths[0],
    "refs": lambda call: call.paths[0].endswith(".lock"),
}


@pytest.mark.parametrize("omitted", OMISSIONS)
def test_what_is_not_synced_is_seen(scene: Scene, calls: tuple[Call, ...], omitted: str) -> None:
    left = [call for call in calls if not (call.name == "fsync" and OMISSIONS[omitted](call))]
    assert len(left) < len(calls)
    assert unsynced(left, ours(scene))
