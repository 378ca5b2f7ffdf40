"""Gates of several checks through the command line: judged from stored predictions, told, and kept within bounds."""

from __future__ import annotations

import json

from mlspec.core.record import MAX_BYTES
from tests.worlds import GATE as SIMPLE
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
    assert verdict["test"] == newest["inputs"]["test"] and {one["seed"] for one in checks} == {0}
    assert checks[0]["margin"] == checks[0]["estimate"]["low"] - 0.5
    assert world.mlspec("verify", "--store").code == 0
    assert "No changes." in world.mlspec("plan").out
    shown = world.mlspec("show", "model/answer")
    assert shown.code == 0 and "better-than-chance" in shown.out


def test_a_training_with_several_seeds_shows_its_spread_and_a_gate_judges_the_worst(world: World) -> None:
    world.write({"specs/gate.yaml": SIMPLE.replace("min: 0.5", "min: 0.5, of: worst")})
    world.commit("The worst of several seeds")
    done = world.mlspec("validate")
    assert done.code == 1 and "gate/needs-repeats" in done.out + done.err, done
    model = (world.root / "specs" / "answer.yaml").read_text()
    forest = (
        "estimator: sklearn.ensemble.RandomForestClassifier\n  params: {n_estimators: 3, max_depth: 2}\n  repeats: 3"
    )
    linear = "estimator: sklearn.linear_model.LogisticRegression\n  params: {C: 1.0}"
    assert linear in model
    world.write({"specs/answer.yaml": model.replace(linear, forest)})
    world.commit("Three seeds")
    done = world.mlspec("apply", "--yes")
    assert done.code == 3 and "trained with one seed" in " ".join(done.out.split()), "the old version, by the new bar"
    assert "over 3 seeds 0." in done.out and "the worst of 3 seeds: " in " ".join(done.out.split()), done
    trained = [json.loads(world.content(path)) for path in world.recorded() if "train-model.answer" in path]
    newest = max(trained, key=lambda one: one["generation"])
    assert [output["name"] for output in newest["outputs"]].count("repeat") == 2
    (shown,) = json.loads(world.mlspec("show", "model/answer", "--format", "json").out)["resources"]
    spread = shown["versions"][0]["spread"]["accuracy"]
    assert spread["seed"] == 7 and len(spread["values"]) == 3
    assert spread["values"][0] == shown["versions"][0]["metrics"]["accuracy"]["value"]
    assert "No changes." in world.mlspec("plan").out
    world.edit("specs/gate.yaml", "min: 0.5", "min: 0.4")
    world.commit("A lower bar")
    world.mlspec("gc", "--yes")
    assert world.apply().out.count("train") == 0, "what all seeds said is stored"


HALF_SILENT = """\
import numpy as np


class HalfSilent:
    def predict(self, frame):
        return ["yes" if n else np.nan for n in range(len(frame))]


def train(data, params, seed):
    return HalfSilent()
"""


def test_a_missing_prediction_leaves_no_value_and_fails(world: World) -> None:
    model = (world.root / "specs" / "answer.yaml").read_text()
    linear = "estimator: sklearn.linear_model.LogisticRegression\n  params: {C: 1.0}"
    world.write(
        {
            "specs/answer.yaml": model.replace(linear, 'entrypoint: "src/train.py:train"'),
            "src/train.py": HALF_SILENT,
        }
    )
    world.commit("One answer is missing")
    done = world.mlspec("apply", "--yes")
    said = " ".join(done.out.split())
    assert done.code == 3, done
    assert "accuracy undefined (1 of" in said and "predictions are missing" in said, done.out
    assert "fail" in said and "undefined: " not in said
