"""Gates of several checks through the command line: judged from stored predictions, told, and kept within bounds."""

from __future__ import annotations

import json

from mlspec.core.record import MAX_BYTES
from tests.worlds import World

WHY = "It matters because of this. " * 120
GATE = f"""\
kind: Gate
name: better-than-chance
owner: team
checks:
  - {{check: metric, metric: accuracy, min: 0.5, slices: [{{hint: [0.5, 1.5]}}], min_rows: 10}}
  - {{check: baseline, metric: accuracy, beats: [majority, linear], level: warn}}
  - {{check: fairness, metric: equalized_odds, by: {{hint: [0.5, 1.5]}}, max_difference: 1, min_group: 10, why: {WHY}}}
  - {{check: fairness, metric: selection_rate, by: {{hint: [0.5, 1.5]}}, max_difference: 1, min_group: 10, why: {WHY}}}
  - {{check: fairness, metric: accuracy, by: {{hint: [0.5, 1.5]}}, max_difference: 1, min_group: 10, why: {WHY}}}
"""


def test_many_verdicts_are_recorded_whole_and_the_record_stays_small(world: World) -> None:
    world.write({"specs/gate.yaml": GATE})
    world.commit("A gate of many checks")
    done = world.mlspec("apply", "--yes")
    assert "train" not in done.out.partition("Plan: ")[2].splitlines()[0], done
    assert "hint from 0.5 to under 1.5" in done.out and "base rate" in done.out
    records = [json.loads(world.content(path)) for path in world.recorded() if "evaluate-model.answer" in path]
    newest = max(records, key=lambda one: one["generation"])
    assert all(len(world.content(path)) <= MAX_BYTES for path in world.recorded() if path.startswith("log/"))
    (whole,) = (output["digest"] for output in newest["outputs"] if output["name"] == "verdicts")
    kept = world.root / ".mlspec" / "store" / "sha256" / whole[7:9] / whole[9:]
    (verdict,) = json.loads(kept.read_bytes())
    checks = verdict["checks"]
    assert [one["check"] for one in checks] == ["metric"] * 4 + ["baseline"] * 2 + ["fairness"] * 4
    assert all(len(one["groups"]) == 3 for one in checks if one["check"] == "fairness")
    assert checks[-1]["why"] == WHY.strip()
    assert world.mlspec("verify", "--store").code == 0
    assert "No changes." in world.mlspec("plan").out
    shown = world.mlspec("show", "model/answer")
    assert shown.code == 0 and "better-than-chance" in shown.out
