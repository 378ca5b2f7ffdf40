"""`explain` on the command line: text, JSON, and what it cannot explain."""

from __future__ import annotations

import json
import re

from tests.worlds import World


def test_what_is_up_to_date_and_then_is_not(world: World) -> None:
    settled = world.mlspec("explain", "answer")
    assert (settled.code, settled.err) == (0, "")
    assert settled.out.startswith("model/answer  up to date\n\nRun ")
    assert " ~ " not in settled.out
    world.edit("specs/answer.yaml", "C: 1.0", "C: 0.5")
    tip = world.tip
    done = world.mlspec("explain", "model/answer")
    assert "model/answer  not up to date: 2 planned, 1 blocked\n" in done.out
    assert "  ~ train.params.C   1.0 -> 0.5  specs/answer.yaml:9\n" in done.out
    assert re.search(r"  \* train run \w{8}  planned\n      train.params.C differs\n", done.out)
    assert "  ! promote v2 (expected) to staging  blocked\n      specs/answer.yaml is not committed" in done.out
    assert world.tip == tip


def test_json_says_the_same(world: World) -> None:
    world.edit("specs/gate.yaml", "min: 0.5", "min: 0.6")
    done = world.mlspec("explain", "gate/better-than-chance", "--offline", "--format", "json")
    found = json.loads(done.out)
    assert (found["format"], found["up_to_date"], found["used_by"]) == ("mlspec.explain/1", False, ["model/answer"])
    rows = {row["field"]: row for row in found["sections"][0]["rows"]}
    assert rows["checks.0.min"] == {
        "field": "checks.0.min",
        "recorded": 0.5,
        "asked": 0.6,
        "same": False,
        "file": "specs/gate.yaml",
        "line": 5,
    }
    (model,) = [
        step
        for step in json.loads(world.mlspec("explain", "answer", "--format", "json").out)["steps"]
        if step["action"].startswith("evaluate ")
    ]
    assert (model["state"], model["why"]) == ("planned", "checks.0.min differs, via gate/better-than-chance")


def test_what_no_spec_declares_and_what_nobody_knows(world: World) -> None:
    (world.root / "specs/answer.yaml").unlink()
    done = world.mlspec("explain", "answer")
    assert "no spec declares it any more" in done.out or "blocked" in done.out
    unknown = world.mlspec("explain", "dataset/question")
    assert (unknown.code, unknown.out) == (1, "")
    assert "did you mean `dataset/questions`?" in unknown.err


def test_before_anything_is_recorded(fresh: World) -> None:
    done = fresh.mlspec("explain", "dataset/questions")
    assert "nothing is recorded yet" in done.out
    assert "  + content " in done.out
    assert "  * snapshot the source  planned\n      nothing is recorded of it yet\n" in done.out
