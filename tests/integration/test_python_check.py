"""A user's function in a gate, with the real commands: what it is given, all it may do, and when it is asked again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlspec.commands.load import attempt
from mlspec.io.trees import WorkTree
from tests.worlds import World

COST = '''\
"""What wrong answers cost."""

import os
from pathlib import Path

from checks.prices import price


def judge(data, params):
    assert list(data.frame.columns) == ["id", "hint"]
    assert len(data.labels) == len(data.predicted) == len(data.scores) == len(data.frame)
    assert list(data.scores.columns) == ["no", "yes"] and data.weight is None
    assert "SECRET" not in os.environ
    files = {str(path.relative_to(Path.cwd())) for path in Path.cwd().rglob("*") if path.is_file()}
    assert files == {"checks/cost.py", "checks/prices.py"}, files
    wrong = data.labels != data.predicted
    cost = float(wrong.mean()) * price(params)
    return {"value": cost, "low": 0.0, "high": cost + 0.1, "reason": "a mean over the rows"}


def meddles(data, params):
    with open(params["file"], "a") as file:
        file.write("price = min\\n")
    return True


def raises(data, params):
    raise KeyError("no such thing")


def hangs(data, params):
    import time

    time.sleep(60)


def dies(data, params):
    os._exit(0)
'''
PRICES = """\
def price(params):
    return params["price"]
"""
GATE = """\
kind: Gate
name: better-than-chance
owner: team
checks:
  - {check: python, function: checks/cost.py:judge, params: {price: 1.0}, max: 0.5, min_rows: 10}
"""
BROKEN = "  - {{check: python, function: checks/cost.py:{name}, timeout: {timeout}, min_rows: 10}}\n"


@pytest.fixture
def judged(world: World) -> World:
    """Return the small project, whose gate asks a function."""
    world.write({"checks/cost.py": COST, "checks/prices.py": PRICES, "specs/gate.yaml": GATE})
    world.commit("Judge by cost")
    return world


def verdict(world: World) -> dict[str, Any]:
    """Return what the gate said last."""
    records = [json.loads(world.content(path)) for path in world.recorded() if "evaluate-model.answer" in path]
    found: dict[str, Any] = max(records, key=lambda one: one["generation"])["verdicts"][0]
    return found


def test_a_function_judges_and_its_code_is_part_of_the_gate(judged: World) -> None:
    done = judged.mlspec("apply", "--yes", SECRET="hidden")
    assert done.code == 0, done
    (cost,) = verdict(judged)["checks"]
    assert cost["against"] == "checks/cost.py:judge" and cost["margin"] > 0 and cost["estimate"]["method"] == "python/1"
    assert cost["reason"].endswith(": a mean over the rows")
    assert "No changes." in judged.mlspec("plan").out

    judged.edit("checks/prices.py", "def price", "# in euros\ndef price")
    judged.commit("Say what they are")
    assert "No changes." in judged.mlspec("plan").out, "a comment is no change"

    judged.edit("checks/prices.py", 'params["price"]', 'params["price"] * 1000')
    judged.commit("Raise the prices")
    plan = judged.mlspec("plan").out
    assert "evaluate v1" in plan and "train" not in plan
    assert "code.checks/prices.py" in plan and "via gate/better-than-chance" in plan
    done = judged.mlspec("apply", "--yes")
    assert done.code == 3 and verdict(judged)["outcome"] in ("fail", "inconclusive")
    assert "nonconforming" in judged.mlspec("show", "model/answer").out
    assert "No changes." in judged.mlspec("plan").out


def test_whatever_a_function_does_it_is_no_pass_and_no_traceback(judged: World) -> None:
    asked = {"raises": "1m", "hangs": "1s", "dies": "1m"}
    lines = "".join(BROKEN.format(name=name, timeout=timeout) for name, timeout in asked.items())
    judged.write({"specs/gate.yaml": GATE.partition("  - ")[0] + lines})
    judged.commit("Ask what is broken")
    done = judged.mlspec("apply", "--yes")
    assert done.code == 3 and "Traceback" not in done.out + done.err, done
    found = verdict(judged)
    assert found["outcome"] == "insufficient"
    reasons = {one["against"].rpartition(":")[2]: (one["outcome"], one["reason"]) for one in found["checks"]}
    assert {outcome for outcome, _ in reasons.values()} == {"insufficient"}
    assert "`raises` raised KeyError: 'no such thing' (checks/cost.py:28)" in reasons["raises"][1]
    assert "judging did not end within 1s" in reasons["hangs"][1]
    assert "ended its process with exit code 0" in reasons["dies"][1]
    assert "No changes." in judged.mlspec("plan").out, "the same question has the same answer"


def test_code_that_changes_after_it_was_planned_does_not_judge(judged: World) -> None:
    file = judged.root / "checks" / "prices.py"
    meddling = f"  - {{check: python, function: checks/cost.py:meddles, params: {{file: {file}}}, min_rows: 10}}\n"
    judged.write({"specs/gate.yaml": GATE.replace("checks:\n", "checks:\n" + meddling)})
    judged.commit("Meddle")
    done = judged.mlspec("apply", "--yes")
    assert done.code == 1
    assert "the code of `checks/cost.py:judge` in gate/better-than-chance changed after it was planned" in done.out


def test_the_files_of_a_gate_are_inputs(judged: World) -> None:
    loaded, problems = attempt(WorkTree(judged.root), None)
    assert loaded is not None and problems == []
    assert {"checks/cost.py", "checks/prices.py"} <= set(loaded.inputs)


def test_what_is_not_there_is_told_at_its_place(judged: World) -> None:
    more = GATE.replace("checks/cost.py:judge", "checks/cots.py:judge") + BROKEN.format(name="dise", timeout="1m")
    judged.write({"specs/gate.yaml": more})
    done = judged.mlspec("validate")
    assert done.code == 1
    assert "specs/gate.yaml:5:" in done.err + done.out and "there is no file `checks/cots.py`" in done.err + done.out
    assert "`checks/cost.py` has no function `dise` at its top level" in done.err + done.out
    assert "did you mean `dies`?" in done.err + done.out
