"""Versions against the champion, waivers and worn test rows, with the real commands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

from tests.worlds import GATE, PROJECT, World

SPEC, BAR = "specs/answer.yaml", "specs/gate.yaml"
CHAMPION = "  - {check: champion, metric: accuracy, margin: 0.3, min_rows: 20}\n"


def shown(world: World, address: str = "model/answer") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.mlspec("show", address, "--format", "json").out)["resources"][0]
    return found


def newest(world: World, verb: str) -> dict[str, Any]:
    """Return the last record of a verb."""
    records = [json.loads(world.content(path)) for path in world.recorded() if f"-{verb}-model.answer" in path]
    found: dict[str, Any] = max(records, key=lambda one: one["generation"])
    return found


def test_a_version_is_set_beside_the_champion_on_rows_that_neither_was_trained_on(world: World) -> None:
    world.write({BAR: GATE + CHAMPION})
    world.commit("Compare with the champion")
    world.apply()
    world.edit("specs/questions.yaml", "schema:", "split: {test: 0.5, seed: 9}\nschema:")
    world.commit("Other test rows")
    done = world.apply()
    assert "test rows that v1 was trained on are left out" in " ".join(done.out.split()), done
    assert shown(world)["versions"][0]["verdicts"] == {"gate/better-than-chance against v1": "pass"}
    (verdict,) = newest(world, "evaluate")["verdicts"]
    compared = next(check for check in verdict["checks"] if check["check"] == "champion")
    assert compared["against"] == "champion v1" and newest(world, "evaluate")["evaluations"] == 1
    assert compared["estimate"]["n"] < newest(world, "evaluate")["rows"]
    assert newest(world, "promote")["champions"] == {"staging": 1}
    assert "No changes." in world.mlspec("plan").out
    assert world.mlspec("verify", "--store").code == 0

    for lost in (world.root / ".mlspec" / "store" / "sha256").glob("??/*"):
        if lost.read_bytes()[:4] in (b"PK\3\4", b"PAR1"):  # models and predictions
            lost.unlink()
    world.edit(SPEC, "C: 1.0", "C: 0.5")
    world.commit("Another version")
    assert "compares with v2, and the store does not hold its model" in " ".join(world.mlspec("plan").out.split())


def test_a_champion_that_answers_another_question_is_not_compared(world: World) -> None:
    world.write({BAR: GATE + CHAMPION})
    world.edit("specs/questions.yaml", "{name: id, type: integer", "{name: id, type: string")
    world.edit("specs/questions.yaml", "schema:", "split: {test: 0.5, seed: 9}\nschema:")
    world.commit("Numbers are texts, so no id is known again")
    done = world.apply()
    assert "test rows that v1 was trained on are left out" in " ".join(done.out.split()), done

    header, *rows = (world.root / "data" / "questions.csv").read_text().splitlines()
    more = [f"{header},other", *(f"{row},{'no' if row.endswith('yes') else 'yes'}" for row in rows)]
    world.write({"data/questions.csv": "\n".join(more) + "\n"})
    label = '{name: label, type: string, role: target, values: ["no", "yes"]}'
    world.edit("specs/questions.yaml", label, f"{{name: label, type: string}}\n  - {label.replace('label', 'other')}")
    world.commit("Another target")
    done = world.mlspec("apply", "--yes")
    said = "no comparison with v2: it predicts something else: the target is `other` now"
    assert done.code == 3 and said in " ".join(done.out.split()), done


def test_a_waiver_lets_a_version_in_and_is_told_everywhere(world: World) -> None:
    teams = "  team: {members: [octocat]}\n"
    world.write({"mlspec.yaml": PROJECT.replace(teams, teams + "  legal: {members: [hubot]}\n")})
    world.edit(BAR, "min: 0.5}", "min: 0.999}\nreuse_limit: 1")
    world.edit(SPEC, "C: 1.0", "C: 0.5")
    world.commit("A bar that nothing clears")
    done = world.mlspec("apply", "--yes")
    assert done.code == 3 and "2 versions were judged on the same test rows" in " ".join(done.out.split()), done
    waiver = """\
waivers:
  - gate: better-than-chance
    check: metric
    reason: The pilot is watched by hand.
    owner: legal
    expires: "DAY"
"""
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    world.write({SPEC: (world.root / SPEC).read_text() + waiver.replace("DAY", day)})
    world.commit("Waive it for the pilot")
    said = f"better-than-chance: metric until {day} by legal"
    assert f"waived: {said} (The pilot is watched by hand.)" in world.mlspec("plan").out
    assert f"waived: {said}" in unescape(world.mlspec("plan", "--format", "markdown").out)
    assert world.mlspec("apply", "--yes").code == 0
    (stage,) = shown(world)["stages"]
    assert (stage["version"], stage["conforming"]) == (2, True)
    assert f"waived {said}: The pilot is watched by hand." in world.mlspec("show").out
    record = newest(world, "promote")
    assert record["waivers"]["staging"][0]["owner"] == "legal"
    assert "set_after" not in record, "the bar was raised by the commit that trained it"
    assert "waives" in world.mlspec("log", "model/answer").out
    assert "No changes." in world.mlspec("plan").out

    world.edit(SPEC, day, "2026-01-31")
    world.commit("It is over")
    assert world.mlspec("apply", "--yes").code == 0
    (stage,) = shown(world)["stages"]
    assert (stage["version"], stage["conforming"], stage["waivers"]) == (2, False, [])
