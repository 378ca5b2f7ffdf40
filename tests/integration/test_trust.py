"""What comes with a repository is not believed: forged caches, edited plans, files hidden from git."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.worlds import World


@pytest.mark.parametrize("argv", [["plan"], ["apply", "--yes"], ["show"], ["log"]], ids=str)
@pytest.mark.parametrize("what", ["cache/heads", "cache/quiet", "store/x"])
def test_a_local_folder_that_came_with_the_repository_is_refused(world: World, argv: list[str], what: str) -> None:
    world.write({f".mlspec/{what}": "forged"})
    world.git("add", "-f", f".mlspec/{what}")
    world.git("commit", "-q", "-m", "Forge")
    tip = world.tip
    done = world.mlspec(*argv)
    assert done.code == 1
    assert "git tracks `.mlspec`" in done.err
    assert "git rm -r --cached .mlspec" in done.err
    assert world.tip == tip


def test_a_committed_link_leads_nothing_out_of_the_repository(fresh: World, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (fresh.root / ".mlspec").symlink_to(victim)
    fresh.git("add", "-f", ".mlspec")
    fresh.git("commit", "-q", "-m", "Link")
    assert fresh.mlspec("plan").code == 1
    fresh.mlspec("validate")
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_change_hidden_from_git_does_not_deploy(world: World, flag: str) -> None:
    world.git("update-index", flag, "specs/gate.yaml")
    world.edit("specs/gate.yaml", "min: 0.5", "min: 0.1")
    plan = json.loads(world.mlspec("plan", "--format", "json").out)
    assert plan["dirty"] is True
    assert plan["deploys"] is False


def test_an_edited_plan_is_refused(world: World) -> None:
    world.edit("specs/answer.yaml", "C: 1.0", "C: 0.5")
    world.commit()
    path = world.root / ".mlspec" / "plan.json"
    world.mlspec("plan", "-o", str(path))
    plan = json.loads(path.read_text())
    for action in plan["actions"]:
        if action["verb"] == "promote":
            action.update(verb="update", address="gate/better-than-chance", stage=None)
    path.write_text(json.dumps(plan))
    tip = world.tip
    for argv in (["apply", str(path)], ["apply", "--yes", "--approved", str(path)], ["show", str(path)]):
        done = world.mlspec(*argv)
        if argv[0] == "apply":
            assert done.code == 1, done
            assert "was edited" in done.err
    assert world.tip == tip


def test_what_blocks_everything_is_said_by_apply_too(world: World) -> None:
    world.edit("specs/gate.yaml", "min: 0.5", "min: 0.999")
    world.edit("specs/answer.yaml", "C: 1.0", "C: 0.5")
    world.commit()
    assert world.mlspec("apply", "--yes").code == 3
    again = world.mlspec("apply", "--yes")
    assert "blocked: " in again.out
    assert "better-than-chance" in again.out
