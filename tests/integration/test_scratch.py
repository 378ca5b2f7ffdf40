"""`apply --scratch`: trained, evaluated, shown beside the champion, and nothing of it is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worlds import World

SPEC = "specs/answer.yaml"


def left(world: World) -> tuple[str, list[str], str]:
    """Return all that an apply might leave: refs, what lies below .mlspec but caches, and what git says of the tree."""
    folder = world.root / ".mlspec"
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    kept = [name for name in files if not name.startswith("cache/") and name != ".gitignore"]
    return world.git("for-each-ref"), kept, world.git("status", "--porcelain", "--ignored=no")


def test_a_dirty_tree_is_tried_beside_the_champion_and_nothing_is_recorded(world: World) -> None:
    world.edit(SPEC, "C: 1.0", "C: 0.01")
    before = left(world)
    done = world.mlspec("apply", "--scratch")
    assert done.code == 0, done
    assert "model/answer: run " in done.out
    assert " beside v1 in staging\n" in done.out
    (accuracy,) = [text for text in done.out.splitlines() if text.startswith("  accuracy")]
    assert accuracy.count("[") == 2
    assert "Both were measured on the same test rows." in done.out
    assert done.out.endswith("Apply: 2 done.\n")
    assert "nothing of this is recorded" in done.err
    assert left(world) == before
    assert "train run" in world.mlspec("plan").out, "it is still to be done"


def test_data_that_changed_is_tried_too_and_a_gate_that_fails_is_exit_code_3(world: World) -> None:
    text = (world.root / "data/questions.csv").read_text()
    world.write({"data/questions.csv": text + "".join(f"{n},1,yes\n" for n in range(400, 480))})
    world.edit("specs/gate.yaml", "min: 0.5", "min: 0.999")
    before = left(world)
    done = world.mlspec("apply", "--scratch", "answer")
    assert done.code == 3, done
    assert "fail          gate/better-than-chance" in done.out
    assert "The test rows are not the same" in done.out
    assert left(world) == before


def test_a_step_that_fails_is_exit_code_1_and_is_not_held_against_it(world: World) -> None:
    world.edit(SPEC, "C: 1.0", "C: -1.0")
    before = left(world)
    done = world.mlspec("apply", "--scratch")
    assert done.code == 1, done
    assert "failed    model/answer: train" in done.out
    assert left(world) == before
    assert "blocked" not in world.mlspec("plan").out.partition("promote")[0]


def test_nobody_needs_to_have_a_name_or_a_champion(fresh: World, tmp_path: Path) -> None:
    world = World(
        fresh.root, {name: value for name, value in fresh.env.items() if not name.startswith("GIT_COMMITTER")}
    )
    before = left(world)
    done = world.mlspec("apply", "--scratch")
    assert done.code == 0, done
    assert "nothing is in a stage to compare it with" in done.out
    assert left(world) == before


def test_what_is_recorded_already_is_shown_and_not_done_again(world: World) -> None:
    before = left(world)
    done = world.mlspec("apply", "--scratch")
    assert (done.code, done.out) == (0, "Nothing to do.\n")
    assert left(world) == before


@pytest.mark.parametrize("argv", [["plan.json"], ["--approved", "plan.json"]])
def test_a_plan_is_not_tried(world: World, argv: list[str]) -> None:
    world.mlspec("plan", "-o", "plan.json")
    done = world.mlspec("apply", "--scratch", *argv)
    assert (done.code, done.out) == (1, "")
    assert "not a plan" in done.err
