"""One trains, the others wait or take over: leases, heartbeats, and trainings that finished without being recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.samples import sampled
from tests.worlds import MLSPEC, World

CODE = """\
import os, time
from sklearn.linear_model import LogisticRegression

def train(data, params, seed):
    with open({counter!r}, "a") as file:
        file.write("begun\\n")
    time.sleep({seconds})
    return LogisticRegression().fit(data.X, data.y)
"""
INTENTS = "refs/mlspec/intents/"


@pytest.fixture
def slow(declared: World, tmp_path: Path) -> World:
    """A project with a remote, whose model takes a second to train and counts its trainings; not applied yet."""
    world = declared.copy(tmp_path / "slow")
    code(world, tmp_path / "counter", 1.0)
    world.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "hub.git"))
    world.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    world.git("push", "-q", "origin", "main")
    world.git("fetch", "-q")
    return world


def code(world: World, counter: Path, seconds: float) -> None:
    world.write({"src/train.py": CODE.format(counter=str(counter), seconds=seconds)})
    path = world.root / "specs/answer.yaml"
    text = path.read_text()
    begin = text.index("  estimator:")
    path.write_text(text[:begin] + "  entrypoint: src/train.py:train\n" + text[text.index("  seed:") :])
    world.commit("Train slowly")


def clone(world: World, name: str, *, store: bool = True) -> World:
    """Clone the remote; with the store of the first, as a shared folder would be."""
    root = world.root.parent / name
    world.git("clone", "-q", str(world.root.parent / "hub.git"), str(root))
    other = World(root, world.env)
    if store:
        (world.root / ".mlspec/store").mkdir(parents=True, exist_ok=True)
        (root / ".mlspec").mkdir()
        (root / ".mlspec/store").symlink_to(world.root / ".mlspec/store")
    return other


def trainings(world: World) -> int:
    """Return how often the training code was begun."""
    counter = world.root.parent / "counter"
    return len(counter.read_text().splitlines()) if counter.exists() else 0


def start(world: World, *argv: str) -> subprocess.Popen[str]:
    command = [str(MLSPEC), "apply", "--yes", *argv]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=world.root, env=world.env, text=True, start_new_session=True, **pipes)


def intents(world: World) -> list[str]:
    """Return the intents on the remote."""
    hub = World(world.root.parent / "hub.git", world.env)
    return hub.git("for-each-ref", "--format=%(refname)", INTENTS).splitlines()


def until(holds: object, seconds: float = 60.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("shared", sampled([True, False], 1), ids=["clones", "one-clone"])
def test_two_at_once_train_once(slow: World, shared: bool) -> None:
    """Two clones by the remote, two processes of one clone by its own refs: one trains, the other reuses."""
    if not shared:
        slow.git("remote", "remove", "origin")
    other = clone(slow, "other") if shared else slow
    running = [start(world) for world in (slow, other)]
    ended = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], ended
    assert trainings(slow) == 1
    said = "\n".join(out for out, _ in ended)
    assert "trained it meanwhile" in said
    assert "waiting for another apply that is at it" in "\n".join(err for _, err in ended)
    assert slow.mlspec("pull").code == 0 or not shared
    assert len([path for path in slow.recorded() if "-train-" in path]) == 1
    assert not shared or intents(slow) == []
    assert slow.git("for-each-ref", INTENTS) == ""
    assert slow.mlspec("verify", "--store").code == 0


def test_a_dead_owner_of_this_machine_is_taken_over_at_once(slow: World) -> None:
    process = start(slow)
    until(lambda: trainings(slow) == 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(intents(slow)) == 1
    other = clone(slow, "other")
    began = time.monotonic()
    other.apply()
    assert trainings(slow) == 2 and time.monotonic() - began < 45
    assert intents(slow) == []


def forged(world: World, *, ttl_s: float, beat: int = 0) -> bytes:
    """Return the intent of somebody on another machine."""
    intent = {
        "format": "mlspec.intent/1",
        "address": "model/answer",
        "verb": "train",
        "fingerprint": "",
        "owner": "Grace",
    }
    more = {
        "owner": "Grace",
        "run": "https://ci.example.org/7",
        "apply": "x",
        "started": "2026-11-23T06:00:00Z",
        "ttl_s": ttl_s,
    }
    return json.dumps({**intent, **more, "beat": beat, "machine": "elsewhere"}).encode()


def put(world: World, ref: str, content: bytes) -> None:
    blob = world.git("hash-object", "-w", "--stdin", stdin=content)
    world.git("push", "-q", "--force", "origin", f"{blob}:{ref}")


def ref_of(world: World) -> str:
    """Return the ref of the intent to train what is checked out."""
    plan = json.loads(world.mlspec("plan", "--format", "json").out)
    run = next(action["run"] for action in plan["actions"] if action["verb"] == "train")
    return INTENTS + run.removeprefix("sha256:")


@pytest.mark.torture
def test_an_owner_that_is_silent_is_taken_over(slow: World) -> None:
    """Its heartbeat has not changed for its time to live, by our own clock; what its clock says is nothing."""
    put(slow, ref_of(slow), forged(slow, ttl_s=2))
    done = slow.apply()
    assert "Grace, since 2026-11-23T06:00:00Z, https://ci.example.org/7" in done.err
    assert trainings(slow) == 1 and intents(slow) == []


@pytest.mark.torture
def test_an_owner_that_lives_is_waited_for(slow: World) -> None:
    """Exit code 5 after the wait bound; what does not depend on it is done."""
    ref, stop = ref_of(slow), threading.Event()

    def beat() -> None:
        for number in range(1000):
            put(slow, ref, forged(slow, ttl_s=4, beat=number))
            if stop.wait(1.0):
                return

    thread = threading.Thread(target=beat)
    thread.start()
    until(lambda: intents(slow) == [ref])
    try:
        done = slow.mlspec("apply", "--yes", "--wait", "8")
    finally:
        stop.set()
        thread.join()
    assert done.code == 5, done
    assert "busy" in done.out and "Grace" in done.out and "--wait" in done.out
    assert trainings(slow) == 0
    assert "snapshot" in "".join(slow.recorded())
    plan = slow.mlspec("plan").out
    assert "train v1" in plan


@pytest.mark.torture
def test_a_training_that_finished_unrecorded_is_adopted(slow: World) -> None:
    """The store knows it by its fingerprint: another clone that shares the store records it, and trains nothing."""
    slow.apply("--no-push")
    other = clone(slow, "other")
    done = other.apply()
    assert "its training had finished; it is recorded now" in done.out
    assert trainings(slow) == 1
    assert slow.mlspec("push").code in (0, 4)
    assert slow.mlspec("verify", "--store").code == 0


@pytest.mark.torture
def test_what_the_dead_left_is_swept(slow: World) -> None:
    """Who is killed between recording and giving up a lease leaves an intent: the next one takes it away."""
    ref = ref_of(slow)
    slow.apply()
    put(slow, ref, forged(slow, ttl_s=60))
    slow.edit("specs/answer.yaml", "seed: 7", "seed: 8")
    slow.commit("Another seed")
    slow.apply()
    assert intents(slow) == []


@pytest.mark.torture
def test_a_finished_training_whose_objects_are_lost_is_not_believed(slow: World) -> None:
    slow.apply("--no-push")
    slow.stored("train-model.answer", "model").unlink()
    other = clone(slow, "other")
    other.apply()
    assert trainings(slow) == 2
    assert other.mlspec("verify", "--store").code == 0


@pytest.mark.torture
def test_without_the_remote_it_trains_all_the_same(slow: World) -> None:
    """A lease saves work and decides nothing: a remote that vanishes in the middle holds nobody up."""
    slow.apply("dataset/questions")
    hub = slow.root.parent / "hub.git"
    hook = hub / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ncase $1 in {INTENTS}*) mv '{hub}' '{hub}.away';; esac\nexit 0\n")
    hook.chmod(0o755)
    done = slow.mlspec("apply", "--yes")
    assert (
        done.code == 1
        and "error[remote/unreachable]" in done.err
        and "mlspec push" in slow.mlspec("plan", "--offline").out
    )
    assert trainings(slow) == 1 and "promote v1" in done.out
    hub.with_name("hub.git.away").rename(hub)
    hook.unlink()
    assert slow.mlspec("push").code == 0
