"""An explanation says what the plan says, of every resource of every story in tests/cases/plan; some are golden."""

from __future__ import annotations

import pytest

from mlspec.core.explanation import Explanation
from mlspec.core.problem import MlspecError
from mlspec.render.explain_text import explanation_lines
from mlspec.render.plan_text import plan_lines
from mlspec.render.text import plain
from tests.rehearsal import Rehearsal
from tests.unit.planner.test_plan_cases import CASES, base, options, steps_of, take

STORIES = sorted(path.parent.name for path in CASES.glob("*/story.yaml"))
GOLDEN = {
    "changed-hyperparameter": "model/income",
    "failed-verdict-blocks-promotion": "model/income",
    "tightened-contract": "dataset/adult",
    "new-data": "model/income",
    "no-op": "gate/quality",
    "removed-stage-demotes": "income",
    "retired": "model/income",
    "own-code": "model/income",
}


def played(name: str) -> tuple[Rehearsal, dict[str, object]]:
    *before, last = steps_of(CASES / name / "story.yaml")
    rehearsal = Rehearsal(base())
    for step in before:
        take(rehearsal, step)
        rehearsal.apply(*step.get("only", ()), options=options(step))
    take(rehearsal, last)
    return rehearsal, last


@pytest.mark.parametrize("name", STORIES)
def test_it_agrees_with_the_plan(name: str) -> None:
    rehearsal, last = played(name)
    try:
        plan = rehearsal.plan(options=options(last))
    except MlspecError:
        return
    gone = {reason.before for action in plan.actions if action.verb == "move" for reason in action.reasons}
    for address in sorted({action.address for action in plan.actions} | set(rehearsal.heads) - gone):
        found = rehearsal.explain(address, options(last))
        own = [action for action in plan.actions if action.address == address]
        said = [(step.state, step.needs, step.conditions) for step in found.steps if step.state != "not needed"]
        wanted = [("blocked" if one.blocked else "planned", one.needs, one.conditions) for one in own]
        assert said == wanted, (name, address)
        assert found.up_to_date == (not own)
        named = [line.strip() for line in plain(plan_lines(plan)).splitlines()]
        assert all(any(step.action in line for line in named) for step in found.steps if step.state != "not needed")
        assert len({step.action for step in found.steps}) == len(found.steps)
        assert all(step.why for step in found.steps), found
        if not own:
            assert all(row.same for section in found.sections for row in section.rows), (name, address)
        retrains(found)
        assert plain(explanation_lines(found))


@pytest.mark.parametrize(("name", "address"), GOLDEN.items(), ids=GOLDEN.keys())
def test_a_person_reads_this(name: str, address: str, request: pytest.FixtureRequest) -> None:
    rehearsal, last = played(name)
    text = plain(explanation_lines(rehearsal.explain(address, options(last))))
    golden = CASES / name / "explain.txt"
    if request.config.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def retrains(found: Explanation) -> None:
    """A model is trained when a field of its run differs, and only then."""
    runs = [section for section in found.sections if section.about == "run"]
    for section in runs:
        trains = any(step.action.startswith("train") and step.state != "not needed" for step in found.steps)
        assert trains == (not all(row.same for row in section.rows)), found
