"""Many writers of one remote at once, and pushes that are cut off: every record arrives, none of them twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.test_leases import code, trainings
from tests.s3 import Fault, Proxy, free_port
from tests.worlds import LINEAGE, MLSPEC, World

Record = Callable[[str, object], None]


def hub_of(world: World, folder: Path) -> World:
    """Make a bare repository the remote of a project; return it."""
    hub = World(folder / "hub.git", world.env)
    world.git("init", "-q", "--bare", "-b", "main", str(hub.root))
    world.git("remote", "add", "origin", str(hub.root))
    world.git("push", "-q", "origin", "main")
    return hub


def clones(world: World, folder: Path, count: int) -> list[World]:
    """Clone the remote so many times; all use the first one's store, as a shared folder would be."""
    store = world.root / ".mlspec/store"
    store.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        root = folder / f"clone{number}"
        world.git("clone", "-q", str(folder / "hub.git"), str(root))
        (root / ".mlspec").mkdir()
        (root / ".mlspec/store").symlink_to(store)
        made.append(World(root, world.env))
    return made


def together(worlds: list[World], *argvs: list[str]) -> list[tuple[int, str, str]]:
    """Apply in all work trees at once, each with its own arguments, or all with the same."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    given = argvs if len(argvs) == len(worlds) else argvs * len(worlds)
    running = [
        subprocess.Popen([str(MLSPEC), "apply", "--yes", *argv], cwd=world.root, env=world.env, **pipes)  # type: ignore[call-overload]
        for world, argv in zip(worlds, given, strict=True)
    ]
    ended = [(process, process.communicate(timeout=600)) for process in running]
    return [(process.returncode, out, err) for process, (out, err) in ended]


def records(hub: World) -> list[str]:
    return hub.git("ls-tree", "-r", "--name-only", LINEAGE, "log/").splitlines()


@pytest.mark.parametrize(("writers", "each"), [(4, 4), pytest.param(16, 20, marks=pytest.mark.torture)])
def test_writers_at_once(declared: World, tmp_path: Path, record_property: Record, writers: int, each: int) -> None:
    """Clones that each snapshot and check datasets of their own, with the real command: one history holds all."""
    world = declared.copy(tmp_path / "first")
    hub = hub_of(world, tmp_path)
    made = clones(world, tmp_path, writers)
    dataset = (world.root / "specs/questions.yaml").read_text()
    argvs = []
    for number, clone in enumerate(made):
        clone.git("switch", "-q", "-c", f"own{number}")
        names = [f"own-{number}-{n}" for n in range(each // 2)]
        clone.write({f"specs/{name}.yaml": dataset.replace("name: questions", f"name: {name}") for name in names})
        clone.commit("Datasets of my own")
        argvs.append([f"dataset/{name}" for name in names])
    began = time.monotonic()
    ended = together(made, *argvs)
    seconds = time.monotonic() - began
    assert [code for code, _, _ in ended] == [0] * writers, ended
    found = Counter(path.rpartition("/")[2].partition("-")[2] for path in records(hub))
    own = {name: count for name, count in found.items() if ".own-" in name}
    assert len(own) == writers * each and set(own.values()) == {1}
    assert hub.git("rev-list", "--merges", LINEAGE) == ""
    assert made[0].mlspec("verify", "--store").code == 0
    assert made[0].mlspec("pull").code == 0
    told = f"{writers} clones x {each} records at once: {len(own)} of {writers * each} in {seconds:.0f} s"
    record_property("figure", told)


APPEND = """
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from mlspec.commands.catch_up import find_home, writes_to
from mlspec.commands.load import load_project
from mlspec.core.record import Record
from mlspec.io.git import open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.read import EMPTY
from mlspec.lineage.share import publish
from mlspec.lineage.write import append

name, count = sys.argv[1], int(sys.argv[2])
project, repository = load_project(WorkTree(Path.cwd())), open_repository(Path.cwd())
home = find_home(repository, project)
branch = writes_to(home, project)
now = lambda: datetime.now(UTC)
for number in range(count):
    draft = Record.model_validate({
        "address": f"dataset/{name}", "verb": "update", "apply": f"20261123T060000Z-{name}", "n": number + 1,
        "generation": 0, "started": "2026-11-23T06:00:00Z", "finished": "2026-11-23T06:00:00Z",
        "actor": {"name": "Example", "email": "example@example.org"}, "fields": {"description": str(number)},
        "origin": {"commit": "0" * 40, "branch": "main", "dirty": False, "deploys": False}, "mlspec": "0",
    })
    append(branch, EMPTY, (draft,), now)
    shared = publish(home, branch, now)
    assert not shared.refused
    print("acknowledged", number + 1, flush=True)
"""


@pytest.mark.parametrize(("writers", "each"), [(3, 4), pytest.param(16, 20, marks=pytest.mark.torture)])
def test_each_record_pushed_at_once(
    declared: World, tmp_path: Path, record_property: Record, writers: int, each: int
) -> None:
    """The worst of races: every single record is pushed before the next is made."""
    world = declared.copy(tmp_path / "first")
    hub = hub_of(world, tmp_path)
    made = clones(world, tmp_path, writers)
    script = tmp_path / "append.py"
    script.write_text(APPEND)
    began = time.monotonic()
    running = [
        subprocess.Popen([sys.executable, str(script), f"w{number}", str(each)], cwd=clone.root, env=clone.env)
        for number, clone in enumerate(made)
    ]
    assert [process.wait(600) for process in running] == [0] * writers
    seconds = time.monotonic() - began
    assert len(records(hub)) == len(set(records(hub))) == writers * each
    assert made[0].mlspec("verify").code == 0
    record_property("figure", f"{writers} clones x {each} pushes of one record: {len(records(hub))} in {seconds:.0f} s")


@pytest.mark.parametrize("writers", [3, pytest.param(16, marks=pytest.mark.torture)])
def test_all_on_one_model(declared: World, tmp_path: Path, record_property: Record, writers: int) -> None:
    """All of them want the same: one trains, the others reuse it, and everybody ends well."""
    world = declared.copy(tmp_path / "first")
    code(world, tmp_path / "counter", 1.0)
    hub = hub_of(world, tmp_path)
    made = clones(world, tmp_path, writers)
    began = time.monotonic()
    ended = together(made, ["--wait", "600"])
    seconds = time.monotonic() - began
    assert [code for code, _, _ in ended] == [0] * writers, ended
    assert trainings(world) == 1
    verbs = Counter(path.rpartition("/")[2].split("-")[1] for path in records(hub))
    assert verbs["train"] == verbs["register"] == verbs["promote"] == 1
    assert made[0].mlspec("pull").code == made[0].mlspec("verify", "--store").code == 0
    assert hub.git("for-each-ref", "refs/mlspec/intents") == ""
    record_property("figure", f"{writers} clones on one model: trained {trainings(world)} time in {seconds:.0f} s")


@pytest.fixture
def served(declared: World, tmp_path: Path) -> Iterator[tuple[World, World, Proxy]]:
    """A project whose remote is behind git's own server and a proxy that can cut connections."""
    world = declared.copy(tmp_path / "first")
    hub = hub_of(world, tmp_path)
    hub.git("config", "daemon.receivepack", "true")
    port = free_port()
    argv = ["git", "daemon", "--reuseaddr", f"--base-path={tmp_path}", "--export-all", f"--port={port}"]
    daemon = subprocess.Popen(
        [*argv, "--listen=127.0.0.1", "--enable=receive-pack"], env=world.env, stderr=subprocess.DEVNULL
    )
    with Proxy(port, Fault(), times=0) as proxy:
        world.git("remote", "set-url", "origin", f"git://127.0.0.1:{proxy.port}/hub.git")
        deadline = time.monotonic() + 20
        while subprocess.run(
            ["git", "ls-remote", "-q"], cwd=world.root, env=world.env, capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield world, hub, proxy
    daemon.terminate()
    daemon.wait()


@pytest.mark.parametrize("pushes", [12, pytest.param(200, marks=pytest.mark.torture)])
def test_pushes_that_are_cut_off(
    served: tuple[World, World, Proxy], record_property: Record, tmp_path: Path, pushes: int
) -> None:
    """The stream breaks at random bytes, both ways: whatever the client was told, the branch has each record once."""
    world, hub, proxy = served
    numbers = random.Random(7)
    script = tmp_path / "append.py"
    script.write_text(APPEND)
    acknowledged, cut = 0, 0
    proxy.fault, proxy.times = _fault(numbers), 1
    argv = [sys.executable, str(script), "cut", str(pushes)]
    with subprocess.Popen(argv, cwd=world.root, env=world.env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line.split()[1])
            cut += proxy.hurt
            proxy.fault, proxy.hurt, proxy.times = _fault(numbers), 0, numbers.choice((1, 1, 2, 3))
    assert process.returncode == 0
    assert acknowledged == pushes
    found = [path.rpartition("/")[2] for path in records(hub)]
    assert len(found) == len(set(found)) == pushes
    assert world.mlspec("verify").code == 0
    record_property(
        "figure", f"{pushes} pushes, {cut} connections cut at random bytes: {len(found)} records, none twice"
    )


def _fault(numbers: random.Random) -> Fault:
    """Cut a connection after so many bytes that a push may be anywhere: asking, sending, or waiting for the answer."""
    if numbers.random() < 0.5:
        return Fault(up=numbers.randrange(1, 3000), reset=numbers.random() < 0.3)
    return Fault(down=numbers.randrange(1, 1200), reset=numbers.random() < 0.3)
