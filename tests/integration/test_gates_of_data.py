"""Gates that look at the data: what leaks and what differs from the champion's stops a version, by its name."""

from __future__ import annotations

import json

from tests.worlds import ROWS, World

GATE = """\
kind: Gate
name: better-than-chance
owner: team
checks:
  - {check: leakage, max_overlap: 0.05}
  - {check: data, max_shift: 0.3, min_rows: 100}
"""


def test_data_that_leaks_and_differs_stops_a_version_and_lost_data_decides_nothing(world: World) -> None:
    old = world.stored("snapshot-dataset.questions", "content")
    world.write({"specs/gate.yaml": GATE})
    world.commit("A gate of the data")
    done = world.apply()
    assert "there is no champion, so there is no data to compare with" in done.out, done
    (alone,) = (one for one in _newest(world)["verdicts"][0]["checks"] if one.get("metric") == "roc_auc")
    assert alone["outcome"] == "pass" and "of `hint` alone" in alone["reason"]

    rows = (world.root / "data/questions.csv").read_text().splitlines()
    again = [f"{ROWS + n}{row[row.index(',') :]}" for n, row in enumerate(rows[1:])]  # each row once more
    far = [f"{2 * ROWS + n},{9 + n / ROWS},{'yes' if n % 2 else 'no'}" for n in range(2 * ROWS)]
    world.write({"data/questions.csv": "\n".join([*rows, *again, *far]) + "\n"})
    world.commit("More data")
    done = world.mlspec("apply", "--yes")
    assert done.code != 0
    told = {check["metric"]: check for check in _newest(world)["verdicts"][0]["checks"]}
    assert {name: check["outcome"] for name, check in told.items() if name != "overlap"} == {
        "roc_auc": "pass",
        "contract": "pass",
        "shift": "fail",
        "missing": "pass",
        "unseen": "fail",
    }
    assert told["shift"]["by"] == "hint" and told["shift"]["against"].startswith("champion's data ")
    assert len(told["shift"]["against"]) == len("champion's data ") + 8
    assert "equal a training row in all features and the target" in done.out
    (head,) = (path for path in world.recorded() if path.startswith("heads/model/") and path.endswith("/answer.json"))
    assert json.loads(world.content(head))["stages"]["staging"]["version"] == 1

    old.chmod(0o644)
    old.unlink()
    world.edit("specs/gate.yaml", "max_shift: 0.3", "max_shift: 0.2")
    world.commit("A stricter gate")
    done = world.mlspec("apply", "--yes")
    assert done.code != 0
    (lost,) = (check for check in _newest(world)["verdicts"][0]["checks"] if check["check"] == "data")
    assert lost["outcome"] == "insufficient"
    assert lost["reason"].startswith("the data that the champion was trained on is no longer kept: sha256:")


def _newest(world: World) -> dict:
    records = [json.loads(world.content(path)) for path in world.recorded() if "evaluate-model.answer" in path]
    return max(records, key=lambda one: one["generation"])
