"""A remote that lost its place, belongs to others, or takes branches only; and what two clones did twice."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.worlds import LINEAGE, MLSPEC, World

ONLY_BRANCHES = """\
#!/bin/sh
case $1 in refs/heads/*) exit 0 ;; esac
echo only branches here >&2
exit 1
"""


@pytest.fixture
def hub(world: World, tmp_path: Path) -> World:
    """The bare repository that the project and its lineage were pushed to."""
    hub = World(tmp_path / "hub.git", world.env)
    world.git("init", "-q", "--bare", "-b", "main", str(hub.root))
    hub.git("config", "uploadpack.allowFilter", "true")
    world.git("remote", "add", "origin", f"file://{hub.root}")
    world.git("push", "-q", "origin", "main", LINEAGE)
    world.git("fetch", "-q")
    return hub


def clone(hub: World, name: str, *options: str) -> World:
    root = hub.root.parent / name
    hub.git("clone", "-q", *options, f"file://{hub.root}", str(root))
    return World(root, hub.env)


def within(world: World, seconds: float, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run mlspec, which must end in time."""
    return subprocess.run(
        [str(MLSPEC), *argv],
        cwd=world.root,
        env=world.env,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def test_a_rename_that_two_made_is_recorded_once(world: World, hub: World) -> None:
    """The second is not the rename of nothing, which would empty the head of what has the name already."""
    world.edit("specs/answer.yaml", "name: answer", "name: reply")
    world.edit("mlspec.yaml", "deploy:", "moved: [{from: model/answer, to: model/reply}]\ndeploy:")
    world.commit("Rename")
    world.git("push", "-q", "origin", "main")
    other = clone(hub, "other")
    other.apply("--no-push")
    world.apply()
    pushed = other.mlspec("push")
    assert (pushed.code, other.tip) == (0, world.tip), pushed
    assert "staging     v1" in other.mlspec("show").out
    assert "No changes." in other.mlspec("plan").out
    assert other.mlspec("verify").code == 0


def test_records_are_never_pushed_into_the_lineage_of_another_project(world: World, hub: World) -> None:
    tip = hub.git("rev-parse", LINEAGE)
    other = clone(hub, "other")
    other.git("remote", "remove", "origin")
    other.edit("mlspec.yaml", "project: answers", "project: others")
    other.commit("Another project")
    other.apply("dataset/questions")
    own = other.tip
    other.git("remote", "add", "origin", f"file://{hub.root}")
    for command in ("push", "pull", "plan"):
        refused = other.mlspec(command)
        assert refused.code == 1
        assert "lineage/other-project" in refused.err
    assert (hub.git("rev-parse", LINEAGE), other.tip) == (tip, own)


def test_an_incomplete_clone_whose_remote_was_removed_plans_nothing(hub: World) -> None:
    """What is kept apart is not forgotten: never "nothing recorded, train everything"."""
    shallow = clone(hub, "shallow", "--depth=1")
    assert "No changes." in shallow.mlspec("plan").out
    shallow.git("remote", "remove", "origin")
    refused = shallow.mlspec("plan")
    assert refused.code == 1
    assert "remote/gone" in refused.err
    shallow.git("remote", "add", "origin", f"file://{hub.root}")
    assert "No changes." in shallow.mlspec("plan").out


def test_records_are_made_again_in_a_clone_whose_history_was_cut_meanwhile(world: World, hub: World) -> None:
    """Which commit came first is asked of the remote while the lock of the repository is held: by the same process."""
    other = clone(hub, "other")
    with (other.root / "specs/gate.yaml").open("a") as file:
        file.write("description: One\n")
    other.commit("One")
    other.git("push", "-q", "origin", "main")
    other.apply("--no-push")
    world.git("pull", "-q", "origin", "main")
    with (world.root / "specs/answer.yaml").open("a") as file:
        file.write("description: Two\n")
    world.commit("Two")
    world.git("push", "-q", "origin", "main")
    world.apply()
    other.git("fetch", "-q", "--depth=1", "origin", "main")
    other.git("reset", "-q", "--hard", "FETCH_HEAD")
    planned = within(other, 60, "plan")
    assert planned.returncode == 0, planned
    assert "was superseded" in planned.stdout + planned.stderr
    assert other.tip == world.tip


def test_a_remote_that_takes_branches_only_lends_no_lease_and_stops_nobody(world: World, hub: World) -> None:
    hook = hub.root / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(ONLY_BRANCHES)
    hook.chmod(0o755)
    world.edit("specs/answer.yaml", "C: 1.0", "C: 2.0")
    world.commit("Train anew")
    done = within(world, 120, "apply", "--yes")
    assert done.returncode == 0, done
    assert hub.git("rev-parse", LINEAGE) == world.tip
    assert not hub.git("for-each-ref", "refs/mlspec")
