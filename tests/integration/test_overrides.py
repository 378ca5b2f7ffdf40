"""Rolling back by hand: at once, held until the spec is edited, and never undone by an apply."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlspec.commands import apply, plan, quiet, rollback
from mlspec.commands.apply import ApplyRequest
from mlspec.commands.rollback import RollbackRequest
from mlspec.core.events import Closed
from tests.samples import sampled
from tests.worlds import MLSPEC, Done, World

SPEC = "specs/answer.yaml"
WHY = "Recall fell on Sunday"


@dataclass(frozen=True)
class Off:
    """A clock that is off by some hours."""

    hours: float

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=self.hours)

    def monotonic(self) -> float:
        return time.monotonic()


@pytest.fixture(scope="module")
def promoted(applied: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project whose v2 took the place of v1 in staging; tests copy it."""
    world = applied.copy(tmp_path_factory.mktemp("promoted") / "repository")
    world.edit(SPEC, "C: 1.0", "C: 0.5")
    world.commit("C = 0.5")
    world.apply()
    return world


@pytest.fixture
def world(promoted: World, tmp_path: Path) -> World:
    """A project of the test's own, with v2 in staging, and v1 before it."""
    return promoted.copy(tmp_path / "world")


def roll_back(world: World, *argv: str, expires: str = "48h", reason: str = WHY, stage: str = "staging") -> Done:
    return world.mlspec(
        "rollback", "answer", "--yes", "--stage", stage, "--reason", reason, "--expires", expires, *argv
    )


def held(world: World, hours: float = 48) -> World:
    """Roll back as somebody did it some hours before the override expires; negative hours: it has expired."""
    made = Off(hours - 48)
    done = rollback.run(world.root, RollbackRequest("answer", "staging", WHY, "48h"), lambda _: True, made)
    assert done is not None
    assert done.exit_code == 0
    return world


def stage(world: World) -> dict[str, Any]:
    shown = json.loads(world.mlspec("show", "answer", "--format", "json").out)
    found: dict[str, Any] = shown["resources"][0]["stages"][0]
    return found


def blocked(world: World) -> list[str | None]:
    """Return why the actions of a plan are blocked."""
    planned = json.loads(world.mlspec("plan", "--format", "json").out)
    return [action["blocked"] for action in planned["actions"]]


def test_it_moves_the_stage_at_once_and_says_what_is_next(world: World) -> None:
    done = roll_back(world)
    assert done.code == 0, done
    assert "roll back staging to v1" in done.out
    assert WHY in done.out
    assert "gate/better-than-chance pass" in done.out
    assert "Next: edit stages.staging in specs/answer.yaml (version: 1 keeps it)" in done.out
    found = stage(world)
    assert (found["version"], found["by"], found["conforming"]) == (1, "Example", True)
    assert (found["override"]["reason"], found["override"]["declared"]) == (WHY, "latest")
    until = datetime.fromisoformat(found["override"]["until"])
    assert timedelta(hours=47.9) < until - datetime.now(UTC) < timedelta(hours=48)
    assert f"held by override until {until:%Y-%m-%d %H:%M} UTC: {WHY}" in world.mlspec("show").out
    assert f"rollback model/answer v1 in staging  held by override until {until:%Y-%m-%d}" in world.mlspec("log").out
    assert world.mlspec("verify", "--store").code == 0


def test_no_apply_undoes_it(world: World) -> None:
    roll_back(world)
    (why,) = blocked(world)
    assert why is not None
    assert why.startswith("held by override until ")
    assert why.endswith(f"({WHY}, by Example)")
    tip = world.tip
    done = world.apply()
    assert ("held by override until" in done.out, world.tip) == (True, tip)
    world.edit(SPEC, "C: 0.5", "C: 0.25")
    world.commit("An idea of somebody who has not heard of it")
    done = world.apply()
    assert "train" in done.out
    assert (stage(world)["version"], blocked(world)) == (1, [why]), "trained and judged, and not promoted"


def test_an_override_that_expired_asks_for_a_decision_and_makes_none(world: World) -> None:
    held(world, hours=-1)
    (why,) = blocked(world)
    assert why is not None
    assert "expired on" in why
    assert "edit stages.staging (pin version: 1 to keep it, or set another version)" in why
    done = world.mlspec("apply", "--yes")
    assert done.code == 3, done
    assert stage(world)["version"] == 1
    world.edit(SPEC, "version: latest", "version: 1")
    world.commit("Keep v1")
    assert world.apply().code == 0
    assert stage(world)["override"] is None
    assert blocked(world) == []


@pytest.mark.parametrize("hours", [-1.5, 1.5])
def test_a_clock_that_is_off_undoes_nothing(world: World, hours: float) -> None:
    """Whatever a runner's clock says, the stage stays; only whether that is negative depends on it."""
    held(world, hours=1)
    request = ApplyRequest(push=False)
    *_, closed = apply.run(world.root, request, lambda _: True, threading.Event(), clock=Off(hours))
    assert isinstance(closed, Closed)
    assert closed.exit_code == (3 if hours > 0 else 0)
    assert stage(world)["version"] == 1


EDITS: dict[str, tuple[Callable[[World], object], int | None]] = {
    "pinned to what is held": (lambda world: world.edit(SPEC, "version: latest", "version: 1"), 1),
    "the change reverted": (lambda world: world.edit(SPEC, "C: 0.5", "C: 1.0"), 1),
    "pinned to the version that went wrong": (lambda world: world.edit(SPEC, "version: latest", "version: 2"), 2),
    "a version to be": (
        lambda world: (
            world.edit(SPEC, "version: latest", "version: 3"),
            world.edit(SPEC, "C: 0.5", "C: 0.3"),
        ),
        3,
    ),
    "the entry removed": (
        lambda world: world.edit(SPEC, "stages:\n  staging: {version: latest, gates: [better-than-chance]}\n", ""),
        None,
    ),
}


@pytest.mark.parametrize("by", sampled(EDITS, 1))
def test_an_edit_of_the_entry_ends_it(world: World, by: str) -> None:
    edit, version = EDITS[by]
    roll_back(world)
    edit(world)
    world.commit("Decide")
    assert "stages.staging.override: until " in world.mlspec("plan").out
    world.apply()
    found = stage(world)
    assert (found["version"], found["override"]) == (version, None)
    assert "ends the override of staging" in world.mlspec("log").out
    assert world.mlspec("plan", "--detailed-exitcode").out.endswith("is what is recorded.\n")
    assert world.mlspec("verify").code == 0


def test_it_is_extended_and_ended_early_by_another(world: World) -> None:
    held(world, hours=-1)
    unsaid = roll_back(world)
    assert unsaid.code == 1
    assert "is held by an override already, with v1 in it" in unsaid.err
    assert "--to, of v2, v1" in unsaid.err
    again = roll_back(world, "--to", "v1")
    assert again.code == 0, again
    assert "hold staging at v1" in again.out
    (why,) = blocked(world)
    assert why is not None
    assert why.startswith("held by override until ")
    early = roll_back(world, "--to", "2", expires="90s", reason="It was another thing")
    assert early.code == 0, early
    assert "end the override of staging" in world.apply().out, "the spec asks for what the stage holds again"
    assert (stage(world)["version"], stage(world)["override"]) == (2, None)


def branch(world: World) -> None:
    world.git("switch", "-q", "-c", "idea")
    world.git("commit", "-q", "--allow-empty", "-m", "Not merged")


def second_stage(world: World) -> None:
    world.edit("mlspec.yaml", "stages: [staging]", "stages: [staging, production]")
    world.commit("Another stage")


def third_version(world: World) -> None:
    world.git("switch", "-q", "-c", "idea")
    world.edit(SPEC, "C: 0.5", "C: 0.25")
    world.commit("An idea")
    world.git("switch", "-q", "main")
    world.edit("mlspec.yaml", "stages: [staging]", "stages: [staging, production]")
    world.edit(
        SPEC, "version: latest, gates: [better-than-chance]}", "version: 2, gates: []}\n  production: {gates: []}"
    )
    world.edit(SPEC, "C: 0.5", "C: 0.25")
    world.commit("v3 in production alone")
    world.apply()


def nothing(_: World) -> None:
    """Leave the project as it is."""


REFUSED: dict[str, tuple[Callable[[World], object], list[str], str]] = {
    "a branch": (branch, [], "branch idea is not merged into main"),
    "a dirty tree": (lambda world: world.edit(SPEC, "C: 0.5", "C: 0.6"), [], "specs/answer.yaml is not committed"),
    "no terminal to ask on": (
        nothing,
        ["answer", "--stage", "staging", "--reason", WHY, "--expires", "1h"],
        "give --yes",
    ),
    "no reason": (nothing, ["--reason", "  "], "--reason must be one line"),
    "two lines": (nothing, ["--reason", "One\ntwo"], "--reason must be one line"),
    "no duration": (
        nothing,
        ["--expires", "soon"],
        "--expires is `soon`, not a duration such as 90m, 48h or 7d, at most 90d",
    ),
    "no time": (nothing, ["--expires", "0h"], "--expires is `0h`"),
    "for ever": (nothing, ["--expires", "91d"], "at most 90d"),
    "an unknown model": (nothing, ["--", "answers"], "did you mean `answer`?"),
    "an unknown stage": (nothing, ["--stage", "stagin"], "did you mean `staging`?"),
    "a stage the spec does not declare": (second_stage, ["--stage", "production"], "declares no stage `production`"),
    "no version": (nothing, ["--to", "latest"], "--to is `latest`, not a version such as v4"),
    "an unknown version": (
        nothing,
        ["--to", "v9"],
        "v9 of model/answer is not registered; versions that held staging: v1, v2",
    ),
    "a version that never held it": (third_version, ["--to", "v3"], "v3 never held staging of model/answer"),
    "nothing to go back to": (
        third_version,
        ["--stage", "production"],
        "nothing held production of model/answer before v3",
    ),
}


@pytest.mark.parametrize(("prepare", "argv", "said"), sampled(REFUSED.values(), len(REFUSED) - 1), ids=REFUSED.keys())
def test_what_cannot_be_done_says_why_and_moves_nothing(
    world: World, prepare: Callable[[World], object], argv: list[str], said: str
) -> None:
    prepare(world)
    tip = world.tip
    whole = ["answer", "--yes", "--stage", "staging", "--reason", WHY, "--expires", "48h"]
    done = world.mlspec("rollback", *(argv if argv[:1] == ["answer"] else _with(whole, argv)))
    assert done.code == 1, done
    assert said in done.err
    assert "Traceback" not in done.err
    assert world.tip == tip


def _with(whole: list[str], argv: list[str]) -> list[str]:
    """Return the words of a command line with an option changed, or after `--` the model."""
    return [argv[1], *whole[1:]] if argv[:1] == ["--"] else [*whole, *argv]


def test_only_the_newest_commit_may(world: World) -> None:
    world.git("switch", "-q", "--detach", "HEAD~1")
    tip = world.tip
    done = roll_back(world)
    assert done.code == 4, done
    assert "superseded" in done.err
    assert world.tip == tip


def test_a_model_that_is_lost_enters_no_stage(world: World) -> None:
    artifacts = sorted(path for path in (world.root / ".mlspec/store").rglob("*") if path.is_file())
    for path in artifacts:
        path.unlink()
    tip = world.tip
    done = roll_back(world)
    assert done.code == 1, done
    assert "store/missing" in done.err
    assert world.tip == tip


def test_gates_do_not_stop_it_and_what_they_say_is_shown(world: World) -> None:
    world.edit("specs/gate.yaml", "min: 0.5", "min: 0.999")
    world.commit("A bar that is too high")
    assert world.mlspec("apply", "--yes").code == 3
    done = roll_back(world)
    assert done.code == 0, done
    assert "gate/better-than-chance not judged" in done.out
    assert "it will be marked nonconforming" in done.out
    assert stage(world)["conforming"] is False
    assert world.mlspec("apply", "--yes").code == 3, "v1 is judged by the gate as it is now, and fails"
    assert (stage(world)["version"], stage(world)["conforming"]) == (1, False)
    assert "gate/better-than-chance fail: " in roll_back(world, "--to", "v1").out


def test_a_reason_steers_no_terminal(world: World) -> None:
    done = roll_back(world, reason="\x1b[2Jgone \u202eback")
    assert done.code == 0, done
    world.mlspec("plan", "-o", ".mlspec/plan.json")
    told = [world.mlspec(*argv) for argv in (["plan"], ["show"], ["log"], ["show", ".mlspec/plan.json"])]
    for one in (done, *told):
        assert "\u241b[2Jgone <U+202E>back" in one.out
        assert "\x1b" not in one.out + one.err


def test_asked_and_not_confirmed_nothing_is_written(world: World) -> None:
    tip, asked = world.tip, []
    done = rollback.run(
        world.root, RollbackRequest("model/answer", "staging", WHY, "7d"), lambda found: bool(asked.append(found))
    )
    assert done is None
    assert [(found.version, found.replaces) for found in asked] == [(1, 2)]
    assert world.tip == tip


def test_a_plan_made_before_is_refused_after(world: World) -> None:
    world.edit(SPEC, "C: 0.5", "C: 0.25")
    world.commit("v3")
    world.mlspec("plan", "-o", ".mlspec/plan.json")
    roll_back(world)
    tip = world.tip
    done = world.mlspec("apply", ".mlspec/plan.json")
    assert done.code == 4, done
    assert "promote model/answer to staging" in done.err
    assert world.tip == tip


SLOW = """\
import pathlib, time
from sklearn.linear_model import LogisticRegression

def train(data, params, seed):
    begun = pathlib.Path(params["flag"])
    begun.touch()
    while begun.exists():
        time.sleep(0.05)
    return LogisticRegression().fit(data.X, data.y)
"""


def test_an_apply_that_was_on_its_way_does_not_undo_it(world: World) -> None:
    """It planned to promote before the rollback, and comes to that after it."""
    flag = world.root / ".mlspec" / "begun"
    world.write({"src/slow.py": SLOW})
    declared = "estimator: sklearn.linear_model.LogisticRegression\n  params: {C: 0.5}"
    world.edit(SPEC, declared, f'entrypoint: "src/slow.py:train"\n  params: {{flag: {flag}}}')
    world.commit("v3, which takes its time")
    argv = [str(MLSPEC), "apply", "--yes"]
    with subprocess.Popen(argv, cwd=world.root, env=world.env, stdout=subprocess.PIPE, text=True) as running:
        try:
            while not flag.exists():
                assert running.poll() is None
                time.sleep(0.05)
            assert roll_back(world).code == 0
            flag.unlink()
            out, _ = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 0, out
    assert "promote v3 to staging  held by override until" in out
    assert stage(world)["version"] == 1


def test_a_plan_that_says_held_is_not_remembered(world: World) -> None:
    """Its words would be old when the override expires."""
    held(world, hours=1)
    assert plan.run(world.root, plan.PlanRequest(), Off(0.1)).actions
    assert quiet.recall(world.root) is None
    assert "held by override until" in world.mlspec("plan").out


@pytest.fixture
def shared(world: World, tmp_path: Path) -> World:
    """The project beside a remote that has all of it, and a clone of another at `other`."""
    world.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "hub.git"))
    world.git("remote", "add", "origin", str(tmp_path / "hub.git"))
    world.git("push", "-q", "origin", "main")
    world.git("fetch", "-q")
    world.mlspec("push")
    world.git("clone", "-q", str(tmp_path / "hub.git"), str(tmp_path / "other"))
    (tmp_path / "other" / ".mlspec").mkdir()
    (tmp_path / "other" / ".mlspec" / "store").symlink_to(world.root / ".mlspec" / "store")
    return world


def test_others_know_of_it_at_once(shared: World) -> None:
    other = World(shared.root.parent / "other", shared.env)
    assert roll_back(other).code == 0
    assert "held by override until" in shared.apply().out
    assert stage(shared)["version"] == 1


def test_of_two_who_move_a_stage_the_second_is_told(shared: World) -> None:
    """A rollback that was recorded without the remote holds only if nobody moved the stage meanwhile."""
    other = World(shared.root.parent / "other", shared.env)
    assert roll_back(other, "--no-push").code == 0
    shared.edit(SPEC, "version: latest", "version: 1")
    shared.commit("Back to v1")
    shared.git("push", "-q", "origin", "main")
    shared.apply()
    pushed = other.mlspec("push")
    assert pushed.code == 4, pushed
    assert "rollback model/answer: commit" in pushed.err
    assert "was superseded" in pushed.err
    assert stage(other)["override"] is None
