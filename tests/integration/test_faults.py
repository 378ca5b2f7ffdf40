"""Disks that are full or broken: refused in words, nothing half-written, and the next apply finishes."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from pathlib import Path

import pytest

from tests import crashes
from tests.crashes import Broken, Scene
from tests.samples import sampled
from tests.tracer import WORKS
from tests.worlds import MLSPEC, World

pytestmark = pytest.mark.usefixtures("in_its_environment")
ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EINTR")
WORDS = {
    "ENOSPC": ("no space is left",),
    "EDQUOT": ("the quota is used up",),
    "EIO": ("input/output error",),
    "EINTR": ("interrupted system call",),
}
PARTS = 40
FAILING = ("write", "fsync", "create", "mkdir", "rename", "link", "linkat")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return crashes.stage(tmp_path_factory.mktemp("faults") / "scene")


@pytest.fixture(scope="module")
def points(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """The calls at which an apply writes, but for those of the user's own code."""
    whole = crashes.traced(scene.copy(tmp_path_factory.mktemp("whole") / "scene"))
    assert whole.code == 0, whole
    chosen = set(crashes.points(whole.calls))
    return [call.n for call in whole.calls if call.n in chosen and call.name in FAILING and call.role != "child"]


def failed(scene: Scene, at: int | str, error: str) -> list[str]:
    """Let one call fail; return what is wrong with how that is told, with what is left, and after the next apply."""
    before = crashes.users_own(scene.world)
    broken = crashes.traced(scene, at, error)
    if broken.call is None:
        return []
    wrong = problems_of_words(broken, error)
    wrong += crashes.problems_of_wreck(scene, before, broken)
    wrong += crashes.problems_after(scene, before, crashes.finished(scene), scene.trainings)
    return [f"{error} at {at} ({broken.call.role} {broken.call.name} {broken.call.paths[-1]}): {why}" for why in wrong]


def problems_of_words(broken: Broken, error: str) -> list[str]:
    said = (broken.out + broken.err).lower()
    wrong = [f"exit {broken.code}: {said[-400:]}"] if broken.code not in (0, 1) else []
    users_own = broken.call is not None and broken.call.paths[-1].endswith("/trained")  # its code tells where
    if "error[defect]" in said or ("traceback" in said and not users_own):
        wrong.append(f"a traceback: {broken.err[-400:]}")
    if broken.code == 1 and not any(words in said for words in (*WORDS[error], "git does not say why")):
        wrong.append(f"not told in words: {said[-400:]}")
    return wrong


SAMPLE = {
    "ENOSPC": "write /order.json",
    "EDQUOT": "write .git/refs/heads/mlspec/lineage.lock",
    "EIO": "write /predictions.parquet",
    "EINTR": "create .git/objects/",
}
"""Writes of the step's own folder, of a ref by git (which does not say why it could not), of a child, of git's."""


@pytest.mark.skipif(not WORKS, reason=crashes.WITHOUT_TRACER)
@pytest.mark.parametrize("error", sampled(SAMPLE, 1))
def test_a_call_fails(scene: Scene, tmp_path: Path, error: str) -> None:
    assert failed(scene.copy(tmp_path / "scene"), SAMPLE[error], error) == []


@pytest.mark.torture
@pytest.mark.skipif(not WORKS, reason=crashes.WITHOUT_TRACER)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("error", ERRORS)
def test_every_call_fails(
    scene: Scene, points: list[int], tmp_path: Path, part: int, error: str, record_property: pytest.RecordProperty
) -> None:
    wrong, chosen = [], points[part::PARTS]
    for at in chosen:
        wrong += failed(scene.copy(tmp_path / str(at)), at, error)
    assert wrong == []
    record_property(
        "figure", f"{error} at {len(chosen)} of {len(points)} calls: told in words, the next apply finished"
    )


def applied(world: World, **limits: int) -> Broken:
    """Apply with limits of the system, which are names of `resource`."""

    def limit() -> None:
        for name, value in limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))

    command = [str(MLSPEC), "apply", "--yes", "--jobs", "1"]
    done = subprocess.run(
        command, cwd=world.root, env=world.env, capture_output=True, text=True, check=False, preexec_fn=limit
    )
    return Broken(done.returncode, done.stdout, done.stderr, ())


@pytest.mark.parametrize("size", sampled([200, 4000], 1))
def test_a_limit_on_the_size_of_files(scene: Scene, tmp_path: Path, size: int) -> None:
    scene = scene.copy(tmp_path / "scene")
    before = crashes.users_own(scene.world)
    broken = applied(scene.world, RLIMIT_FSIZE=size)
    assert broken.code == 1, broken
    assert "the limit of a file's size" in broken.out + broken.err
    assert "Traceback" not in broken.err
    wrong = crashes.problems_of_wreck(scene, before, broken)
    assert wrong + crashes.problems_after(scene, before, crashes.finished(scene), scene.trainings) == []


def mounted(folder: Path, options: str) -> bool:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


LIMITS = {"bytes": [0, 20, 60, 150, 400, 900], "inodes": [0, 5, 20, 60, 120, 200]}


@pytest.mark.parametrize("what", sampled(LIMITS, 1))
def test_a_full_disk(scene: Scene, tmp_path: Path, what: str) -> None:
    """A real one, of which so much is free when the apply begins: KiB, or inodes."""
    disk = tmp_path / "disk"
    if not mounted(disk, "size=8m,nr_inodes=2000"):
        pytest.skip("may not mount a tmpfs here")
    try:
        copied = scene.copy(disk / "scene")
        before = crashes.users_own(copied.world)
        for free in LIMITS[what]:
            ballast = fill(disk, what, free)
            broken = applied(copied.world)
            said = broken.out + broken.err
            assert broken.code in (0, 1), said
            assert broken.code == 0 or "no space is left" in said, said
            assert "Traceback" not in said
            for path in ballast:
                path.unlink()
            assert crashes.problems_of_wreck(copied, before, broken) == []
        assert crashes.problems_after(copied, before, crashes.finished(copied), copied.trainings) == []
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path, what: str, free: int) -> list[Path]:
    """Use up a disk but for what is to be free; return the files that do."""
    status, ballast = os.statvfs(disk), disk / "ballast"
    if what == "bytes":
        try:
            with ballast.open("wb", buffering=0) as file:
                file.write(bytes(max(0, status.f_bavail * status.f_frsize - free * 1024)))
        except OSError as error:
            assert error.errno == errno.ENOSPC
        return [ballast]
    files = [disk / f"ballast{n}" for n in range(max(0, status.f_favail - free))]
    for file in files:
        file.touch()
    return files


@pytest.mark.parametrize("case", sampled(["home read-only", "TMPDIR is not there", "no HOME", "no TMPDIR"], 1))
def test_an_odd_environment(scene: Scene, tmp_path: Path, case: str) -> None:
    """Nothing of an apply needs a home to write to, or a temp folder of one's own."""
    scene = scene.copy(tmp_path / "scene")
    env = dict(scene.world.env)
    match case:
        case "home read-only":
            env["HOME"] = "/proc"
        case "no HOME":
            env.pop("HOME", None)
        case "no TMPDIR":
            env.pop("TMPDIR")
        case _:
            env["TMPDIR"] = str(tmp_path / "absent")
    done = World(scene.world.root, env).mlspec("apply", "--yes")
    assert (done.code, crashes.recorded(scene.world)) == (0, scene.records), done
