"""`show --at`: the state as it was, folded from the log up to a moment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlspec.core.record import Record, sealed, to_bytes
from mlspec.lineage.layout import Layout
from tests.worlds import World


def records(world: World) -> list[dict[str, Any]]:
    """Return what `log` lists, the oldest first."""
    found: list[dict[str, Any]] = json.loads(world.mlspec("log", "--format", "json").out)["records"]
    return found[::-1]


def shown(world: World, *argv: str) -> dict[str, Any]:
    done = world.mlspec("show", *argv, "--format", "json")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.fixture(scope="module")
def dated(applied_twice: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The project of two applies, as if the first had been on the 1st and the second on the 3rd of November."""
    world = applied_twice.copy(tmp_path_factory.mktemp("dated") / "repository")
    listed = {path: Record.model_validate_json(world.content(path)) for path in world.recorded() if path[:3] == "log"}
    first = min(record.apply for record in listed.values())
    changed: dict[str, bytes | None] = dict.fromkeys(listed)
    digests: dict[str | None, str] = {}
    for record in sorted(listed.values(), key=lambda one: one.generation):
        day = "01" if record.apply == first else "03"
        moved = sealed(
            record.model_copy(
                update={
                    "apply": f"202611{day}T060000Z{record.apply[16:]}",
                    "started": f"2026-11-{day}T06:00:00Z",
                    "finished": f"2026-11-{day}T06:{record.n:02}:00Z",
                    "previous": digests.get(record.previous),
                }
            )
        )
        digests[record.digest] = moved.digest
        changed[moved.path] = to_bytes(moved)
    layout = Layout.model_validate_json(world.content("format.json"))
    changed["format.json"] = to_bytes(layout.model_copy(update={"heads": None, "log": None, "digest": None}))
    world.tamper(changed)
    return world


def test_now_is_what_was_at_the_end_of_today(applied_twice: World) -> None:
    last = records(applied_twice)[-1]["finished"]
    now, then = shown(applied_twice), shown(applied_twice, "--at", last)
    assert then.pop("at") == last
    now.pop("at")
    assert then == now


def test_a_day_is_shown_as_it_ended(dated: World) -> None:
    (model,) = shown(dated, "answer", "--at", "2026-11-02")["resources"]
    assert [(stage["stage"], stage["version"]) for stage in model["stages"]] == [("staging", 1)]
    assert [version["n"] for version in model["versions"]] == [1]
    assert model["versions"][0]["verdicts"] == {"gate/better-than-chance": "pass"}
    (model,) = shown(dated, "answer", "--at", "2026-11-03")["resources"]
    assert [(stage["stage"], stage["version"]) for stage in model["stages"]] == [("staging", 2)]


def test_the_commit_that_was_deployed_then_is_told(dated: World) -> None:
    first = shown(dated, "--at", "2026-11-01")["deployed"]
    assert first == dated.git("rev-parse", "HEAD^")
    assert shown(dated, "answer", "--at", "2026-11-01")["deployed"] == first
    assert shown(dated, "--at", "2026-11-03")["deployed"] == dated.git("rev-parse", "HEAD")


def test_a_time_lies_between_two_records(dated: World) -> None:
    (entered,) = [record for record in records(dated) if record["verb"] == "promote" and record["version"] == 2]
    at = entered["finished"]
    (model,) = shown(dated, "answer", "--at", at)["resources"]
    assert model["stages"][0]["version"] == 2
    (model,) = shown(dated, "answer", "--at", "2026-11-03T06:05:59Z")["resources"]
    assert at > "2026-11-03T06:05:59Z"
    assert model["stages"][0]["version"] == 1
    assert [version["n"] for version in model["versions"]] == [2, 1]


def test_a_dataset_is_shown_with_who_used_it_then(dated: World) -> None:
    (data,) = shown(dated, "dataset/questions", "--at", "2026-11-02")["resources"]
    assert (data["rows"], data["used_by"]) == (400, ["model/answer v1 in staging"])


def test_a_resource_that_moved_is_found_by_the_name_it_has_now(world: World) -> None:
    before = records(world)[-1]["finished"]
    world.edit("specs/answer.yaml", "name: answer", "name: reply")
    world.edit("mlspec.yaml", "teams:", "moved: [{from: model/answer, to: model/reply}]\nteams:")
    world.commit("Rename")
    world.apply()
    (model,) = shown(world, "reply", "--at", before)["resources"]
    assert model["address"] in ("model/answer", "model/reply")
    assert model["stages"][0]["version"] == 1
    told = json.loads(world.mlspec("log", "reply", "--format", "json").out)["records"]
    assert [record["generation"] for record in told] == list(range(len(told), 0, -1)), "all of it, newest first"
    assert (told[0]["verb"], told[-1]["address"]) == ("move", "model/answer")


def test_for_a_person_the_moment_is_in_the_first_line(dated: World) -> None:
    first = dated.mlspec("show", "--at", "2026-11-02").out.splitlines()[0]
    assert first.startswith("answers at 2026-11-02 23:59 UTC: deployed commit ")


BAD = {
    "before anything was recorded": (["--at", "2026-10-31"], "recording began 2026-11-01 06:00 UTC"),
    "a resource before it was recorded": (["answer", "--at", "2026-11-01T06:00:30Z"], "nothing of `answer`"),
    "no date": (["--at", "2026-02-30"], "no date such as 2026-11-23"),
    "a day to come": (["--at", "9999-12-31"], "still to come"),
    "what nobody recorded": (["answr", "--at", "2026-11-03"], "did you mean `answer`?"),
    "hostile words": (["--at", "\x1b[2J"], "␛[2J"),
    "a plan": (["plan.json", "--at", "2026-11-03"], "a plan is not"),
}


@pytest.mark.parametrize(("argv", "said"), BAD.values(), ids=BAD.keys())
def test_bad_moments_are_errors(dated: World, argv: list[str], said: str) -> None:
    done = dated.mlspec("show", *argv)
    assert (done.code, done.out) == (1, "")
    assert said in done.err


def test_nothing_recorded_at_all(fresh: World, tmp_path: Path) -> None:
    done = fresh.mlspec("show", "--at", "2026-11-03")
    assert done.code == 1
    assert "nothing was recorded by 2026-11-03 23:59 UTC" in done.err
