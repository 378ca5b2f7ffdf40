"""Every folder of tests/cases/plan: its story is applied step by step, and the plan of the last step is golden.

A `story.yaml` says what happens to the project in `base`: each step edits, writes or removes files, and names what
costly steps come to; each is committed and applied, but the last one is planned. Before its edits,
time goes by (`later`), and a `rollback` is made by hand. `plan.json` is that plan, `plan.txt` what a person reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlspec.commands.rollback import duration
from mlspec.core.plan import Plan
from mlspec.core.problem import MlspecError
from mlspec.io import yaml
from mlspec.planner.world import Authority, Options
from mlspec.render.json_text import document
from mlspec.render.plan_text import plan_lines
from mlspec.render.text import plain
from tests.rehearsal import Outcomes, Rehearsal

CASES = Path(__file__).parents[2] / "cases" / "plan"
STEP = {
    *("edit", "write", "remove", "lose", "scores", "rejects", "fails"),
    *("may_not", "branch", "dirty", "only", "retry_failed", "allow_retire"),
    *("rollback", "later"),
}


@pytest.mark.parametrize(
    "story", [pytest.param(path, id=path.parent.name) for path in sorted(CASES.glob("*/story.yaml"))]
)
def test_plan(story: Path, request: pytest.FixtureRequest) -> None:
    found = told(story)
    if request.config.getoption("--update-golden"):
        for name, text in found.items():
            story.with_name(name).write_text(text, encoding="utf-8")
    assert found == {name: story.with_name(name).read_text(encoding="utf-8") for name in found}


def told(story: Path) -> dict[str, str]:
    """Return the golden files of a story: the plan and its text, or the problem instead of it."""
    *before, last = steps_of(story)
    rehearsal = Rehearsal(base())
    for step in before:
        take(rehearsal, step)
        rehearsal.apply(*step.get("only", ()), options=options(step))
    take(rehearsal, last)
    try:
        plan = rehearsal.plan(*last.get("only", ()), options=options(last))
    except MlspecError as error:
        return {"problem.txt": "".join(f"{one.code}: {one.message}\nhelp: {one.help}\n" for one in error.problems)}
    assert Plan.model_validate_json(document(plan)) == plan
    return {"plan.json": document(plan), "plan.txt": plain(plan_lines(plan))}


def base() -> dict[str, bytes]:
    folder = CASES / "base"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def steps_of(story: Path) -> list[dict[str, Any]]:
    documents, problems = yaml.read("story.yaml", story.read_bytes(), blob="")
    assert not problems
    steps: list[dict[str, Any]] = documents[0].value["steps"]
    assert all(step.keys() <= STEP for step in steps)
    return steps


def take(rehearsal: Rehearsal, step: dict[str, Any]) -> None:
    """Bring the project to where a step wants it."""
    if "later" in step:
        rehearsal.clock.time += duration(step["later"])
    if "rollback" in step:
        rehearsal.rollback(**step["rollback"])
    for path, changes in step.get("edit", {}).items():
        for old, new in changes.items():
            rehearsal.edit(path, old, new)
    rehearsal.files |= {path: text.encode() for path, text in step.get("write", {}).items()}
    for path in step.get("remove", ()):
        del rehearsal.files[path]
    for output in step.get("lose", ()):
        rehearsal.lose(output)
    rehearsal.outcomes = Outcomes(step.get("scores", {}), step.get("rejects", ()), step.get("fails", {}))
    rehearsal.authority = Authority(deploys="may_not" not in step, why=step.get("may_not"))
    rehearsal.branch, rehearsal.dirty = step.get("branch", "main"), step.get("dirty", False)


def options(step: dict[str, Any]) -> Options:
    return Options(retry_failed=step.get("retry_failed", False), allow_retire=step.get("allow_retire", False))
