"""A clock that is wrong, or goes backwards: what is recorded keeps its order, and nothing follows from the time."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.worlds import MLSPEC, World

FAKETIME = shutil.which("faketime")
pytestmark = pytest.mark.skipif(FAKETIME is None, reason="needs faketime (Debian: apt-get install faketime)")


def at(world: World, offset: str, *argv: str) -> str:
    """Run mlspec, which must succeed, with its clock and that of git so far off."""
    env = {**world.env, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    command = [str(FAKETIME), "-f", offset, str(MLSPEC), *argv]
    done = subprocess.run(command, cwd=world.root, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.replace("running", "")) == (0, done.stderr.replace("running", "")), done
    return done.stdout


@pytest.mark.torture
def test_a_clock_that_jumps(world: World) -> None:
    """Ten years ahead, ten back, and an hour: each change is the newest when it is made."""
    for number, offset in enumerate(("+10y", "-10y", "-1h")):
        world.edit("specs/gate.yaml", f"0.{5 + number}", f"0.{6 + number}")
        world.commit("A stricter gate")
        assert "evaluate v1" in at(world, offset, "apply", "--yes")
        assert "No changes." in world.mlspec("plan").out
        assert "No changes." in at(world, offset, "plan")
    shown = json.loads(world.mlspec("show", "model/answer", "--format", "json").out)
    assert "0.8" in json.dumps(shown["verdicts"][-1] if "verdicts" in shown else shown)
    assert world.mlspec("verify", "--store").code == 0
    records = [json.loads(world.content(path)) for path in world.recorded() if path.startswith("log/")]
    logged = world.mlspec("log", "answer", "--format", "json")
    assert logged.code == 0
    mine = sorted((one for one in records if one["address"] == "model/answer"), key=lambda one: one["generation"])
    assert [one["previous"] for one in mine[1:]] == [one["digest"] for one in mine[:-1]]
    newest_first = [one["digest"] for one in reversed(mine)]
    assert [one["digest"] for one in json.loads(logged.out)["records"]] == newest_first
    everything = json.loads(world.mlspec("log", "--format", "json").out)["records"]
    assert [one["digest"] for one in everything if one["address"] == "model/answer"] == newest_first
    assert len(everything) == len(records)
