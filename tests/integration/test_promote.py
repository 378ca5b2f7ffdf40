"""`promote` edits one value of a spec, says what is known of the version, and moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worlds import World

SPEC = "specs/answer.yaml"


@pytest.fixture
def twice(applied_twice: World, tmp_path: Path) -> World:
    """A project of the test's own, with v2 in staging."""
    return applied_twice.copy(tmp_path / "twice")


def test_the_newest_version_is_pinned_and_the_rest_of_the_file_stays(twice: World) -> None:
    twice.edit(SPEC, "  staging: {version: latest", "  # kept\n  staging:   {version: latest")
    before, tip = (twice.root / SPEC).read_text(), twice.tip
    done = twice.mlspec("promote", "answer", "--to", "staging")
    assert (done.code, done.err) == (0, "")
    assert (twice.root / SPEC).read_text() == before.replace("version: latest", "version: 2")
    assert "edited    specs/answer.yaml:14  stages.staging.version: latest -> 2\n" in done.out
    assert "gate/better-than-chance pass\n" in done.out
    assert "Next: git commit -m 'Promote model/answer v2 to staging' -- specs/answer.yaml\n" in done.out
    assert (twice.tip, twice.git("diff", "--cached")) == (tip, "")
    again = twice.mlspec("promote", "model/answer", "--to", "staging", "--version", "v2")
    assert (again.code, "edited" in again.out) == (0, False)
    assert "already   specs/answer.yaml:14  stages.staging.version: 2\n" in again.out


def test_what_it_wrote_is_what_the_next_apply_does(twice: World) -> None:
    done = twice.mlspec("promote", "answer", "--to", "staging", "--version", "1")
    assert "Rollback: v1 held staging before; no gate stops that." in done.out
    twice.commit("Promote v1")
    assert "roll back staging to v1" in twice.mlspec("plan").out


def test_a_gate_that_is_known_to_fail_is_said(twice: World) -> None:
    twice.edit("mlspec.yaml", "[staging]", "[staging, production]")
    twice.edit(SPEC, "better-than-chance]}\n", "better-than-chance]}\n  production: {gates: []}\n")
    twice.edit("specs/gate.yaml", "0.5", "0.9999")
    twice.commit("A bar that is too high")
    assert twice.mlspec("apply", "--yes").code == 3
    done = twice.mlspec("promote", "answer", "--to", "production", "--version", "staging")
    assert done.code == 0
    assert "stages.production.version: latest (not written) -> 2" in done.out
    assert "gate/better-than-chance fail: " in done.out
    assert "Blocked: v2 does not pass gate/better-than-chance" in done.out
    assert "production: {version: 2, gates: []}" in (twice.root / SPEC).read_text()
    twice.commit("Promote v2")
    assert "blocked: v2 failed gate/better-than-chance" in twice.mlspec("plan").out


def test_an_override_ends_with_the_edit(twice: World) -> None:
    rollback = ["--stage", "staging", "--reason", "Recall fell", "--expires", "2d", "--yes"]
    assert twice.mlspec("rollback", "answer", *rollback).code == 0
    done = twice.mlspec("promote", "answer", "--to", "staging")
    assert "; v1 is in staging now" in done.out
    assert "Override: staging is held by override until " in done.out


def nothing(_: World) -> None:
    """Leave the project as it is."""


def other_stage(world: World) -> None:
    world.edit("mlspec.yaml", "[staging]", "[staging, production]")


def elsewhere(world: World) -> None:
    outside = world.root.parent / "outside.yaml"
    (world.root / SPEC).rename(outside)
    (world.root / SPEC).symlink_to(outside)


REFUSED: dict[str, tuple[Callable[[World], None], list[str], str]] = {
    "an unknown model": (nothing, ["answr", "--to", "staging"], "did you mean `answer`?"),
    "an unknown stage": (nothing, ["answer", "--to", "stagin"], "did you mean `staging`?"),
    "a stage that the spec lacks": (
        other_stage,
        ["answer", "--to", "production"],
        "help: add below `stages`: production: {version: latest, gates: […]}",
    ),
    "an unknown version": (nothing, ["answer", "--to", "staging", "--version", "v9"], "has no v9; versions: v1"),
    "no version": (nothing, ["answer", "--to", "staging", "--version", "stagin"], "did you mean `staging`?"),
    "a link that leads out": (elsewhere, ["answer", "--to", "staging"], "error[file/unreadable]"),
    "an invalid spec": (
        lambda world: world.edit(SPEC, "metrics:", "metricks:"),
        ["answer", "--to", "staging"],
        "error[spec/unknown-field]",
    ),
}


@pytest.mark.parametrize(("prepare", "argv", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_done_says_why_and_writes_nothing(
    world: World, prepare: Callable[[World], None], argv: list[str], said: str
) -> None:
    prepare(world)
    before = (world.root / SPEC).read_text()
    done = world.mlspec("promote", *argv)
    assert done.code == 1, done
    assert said in done.err
    assert "Traceback" not in done.err
    assert (world.root / SPEC).read_text() == before


def test_nothing_registered_and_no_repository(fresh: World, tmp_path: Path) -> None:
    done = fresh.mlspec("promote", "answer", "--to", "staging")
    assert "no version of model/answer is registered yet" in done.err
    assert "help: run: mlspec apply" in done.err
