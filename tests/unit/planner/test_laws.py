"""Laws that hold whatever a project declares and whatever became of its steps; each history is planned and applied."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from mlspec.core.plan import Action, Plan
from mlspec.planner import approve
from mlspec.planner.world import Authority, Options
from tests.rehearsal import Outcomes, Rehearsal, endings

PROJECT = {
    "version": 1,
    "project": "laws",
    "stages": ["staging", "production"],
    "teams": {"data": {"members": ["ada"]}, "risk": {"members": ["alan"]}},
}
BRANCH = Authority(False, "branch topic is not merged into main: commit and merge first")
OUTPUTS = ("content", "model", "predictions")

COLUMNS = [{"name": "age", "type": "integer"}, {"name": "income", "type": "string", "role": "target"}]
CHECK = {"check": "metric", "metric": "roc_auc", "min": 0.9}
ESTIMATOR = {"estimator": "sklearn.linear_model.LogisticRegression"}
MODEL = {
    "dataset": "adult",
    "task": "classification",
    "positive": "yes",
    "metrics": ["roc_auc"],
    "stages": {"staging": {"version": "latest", "gates": ["quality"]}},
}

owners = st.sampled_from(["data", "risk"])
versions = st.sampled_from(["latest", 1, 2])
gates = st.sampled_from([[], ["quality"], ["quality", "strict"]])
stages = st.sampled_from([[], ["staging"], ["production"], ["staging", "production"]])
Document = dict[str, Any]


@st.composite
def dataset(draw: st.DrawFn, name: str) -> Document:
    columns = [
        {"name": "id", "type": "integer", "role": "id"},
        {"name": "age", "type": "integer", "max": draw(st.sampled_from([90, 100]))},
        {"name": "income", "type": "string", "role": "target"},
    ]
    source = f"data/{name}.csv"
    return {"kind": "Dataset", "name": name, "owner": draw(owners), "source": source, "schema": columns}


@st.composite
def model(draw: st.DrawFn, name: str) -> Document:
    train = {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": draw(st.sampled_from([1, 2]))}}
    wanted = {stage: {"version": draw(versions), "gates": draw(gates)} for stage in draw(stages)}
    return {
        "kind": "Model",
        "name": name,
        "owner": draw(owners),
        "protect": draw(st.booleans()),
        "dataset": draw(st.sampled_from(["adult", "census"])),
        "task": "classification",
        "positive": "yes",
        "train": train,
        "metrics": draw(st.sampled_from([[], ["roc_auc"]])),
        "stages": wanted,
    }


@st.composite
def gate(draw: st.DrawFn, name: str) -> Document:
    check = {"check": "metric", "metric": "roc_auc", "min": draw(st.sampled_from([0.6, 0.9]))}
    return {"kind": "Gate", "name": name, "owner": draw(owners), "checks": [check]}


@st.composite
def commits(draw: st.DrawFn) -> dict[str, bytes]:
    """One state of a project: all of two datasets, two gates and up to two models, one of which changes its name."""
    name, other = draw(st.permutations(["income", "earnings"]))
    documents: list[Document] = [
        *(draw(dataset(one)) for one in ("adult", "census")),
        *(draw(gate(one)) for one in ("quality", "strict")),
        *(draw(model(one)) for one in draw(st.sampled_from([[name], [name, "churn"]]))),
    ]
    moved = [{"from": f"model/{other}", "to": f"model/{name}"}]
    # of equal bytes, a snapshot of one dataset would bring back what the other lost
    rows = {f"data/{one}.csv": one.encode() + draw(st.sampled_from([b"1", b"2"])) for one in ("adult", "census")}
    missing = draw(st.sampled_from([None, None, None, "data/adult.csv"]))
    return {
        "mlspec.yaml": json.dumps({**PROJECT, "moved": moved}).encode(),
        "specs/all.yaml": written(documents),
        **{path: content for path, content in rows.items() if path != missing},
    }


def written(documents: Sequence[Document]) -> bytes:
    return "\n---\n".join(json.dumps(document) for document in documents).encode()


@st.composite
def outcomes(draw: st.DrawFn) -> Outcomes:
    steps = ["train model/income", "evaluate model/income", "evaluate model/churn"]
    return Outcomes(
        scores={"roc_auc": draw(st.sampled_from([0.5, 0.8, 0.95]))},
        rejects=draw(st.sets(st.sampled_from(["adult"]))),
        fails=dict.fromkeys(draw(st.sets(st.sampled_from(steps))), "ValueError"),
    )


@st.composite
def histories(draw: st.DrawFn) -> Rehearsal:
    """A project after some applies, with another commit checked out."""
    rehearsal = Rehearsal(draw(commits()))
    for _ in range(draw(st.integers(0, 3))):
        rehearsal.outcomes, rehearsal.authority = draw(outcomes()), draw(st.sampled_from([Authority(True), BRANCH]))
        rehearsal.apply()
        for output in draw(st.sets(st.sampled_from(OUTPUTS), max_size=1)):
            rehearsal.lose(output)
        rehearsal.files = draw(commits())
    rehearsal.outcomes, rehearsal.authority = draw(outcomes()), draw(st.sampled_from([Authority(True), BRANCH]))
    return rehearsal


quick = settings(max_examples=30, deadline=None)


@quick
@given(histories(), st.booleans())
def test_after_an_apply_nothing_runnable_is_left(here: Rehearsal, allow_retire: bool) -> None:
    options = Options(allow_retire=allow_retire)
    plan = here.plan(options=options)
    note(told(plan))
    ran = endings(here.apply(options=options))
    assert ran.keys() == {action.id for action in plan.runnable}
    note(ran)
    after = here.plan(options=options)
    note(told(after))
    assert [action.id for action in after.runnable] == []
    assert endings(here.apply(options=options)) == {}


@quick
@given(histories(), st.data())
def test_the_order_of_declaration_changes_nothing(here: Rehearsal, data: st.DataObject) -> None:
    before = here.plan()
    documents = [json.loads(part) for part in here.files["specs/all.yaml"].decode().split("\n---\n")]
    shuffled = [shuffle(document, data) for document in data.draw(st.permutations(documents))]
    half = len(shuffled) // 2
    here.files |= {"specs/all.yaml": written(shuffled[:half]), "specs/z/rest.yaml": written(shuffled[half:])}
    here.heads = dict(data.draw(st.permutations(list(here.heads.items()))))
    after = here.plan()
    assert [placeless(action) for action in after.actions] == [placeless(action) for action in before.actions]
    assert (after.digest, after.warnings) == (before.digest, before.warnings)


@quick
@given(histories())
def test_a_plan_is_exactly_itself(here: Rehearsal) -> None:
    saved = Plan.model_validate_json(here.plan().model_dump_json(by_alias=True))
    fresh = here.plan()
    assert approve.exactly(saved, fresh).actions == fresh.runnable
    assert approve.only(saved, fresh).actions == fresh.actions
    assert (saved.digest, saved.at < fresh.at) == (fresh.digest, True)


@quick
@given(histories())
def test_what_an_action_needs_comes_before_it_and_is_never_blocked(here: Rehearsal) -> None:
    plan = here.plan()
    seen: dict[str, Action] = {}
    for action in plan.actions:
        assert action.id not in seen
        for need in action.needs:
            assert action.blocked or not action.hinges_on(need) or (need in seen and not seen[need].blocked)
        seen[action.id] = action


def project(**train: Any) -> dict[str, bytes]:
    """One model on one dataset behind one gate, trained with these parameters."""
    documents: list[Document] = [
        {"kind": "Dataset", "name": "adult", "owner": "data", "source": "data/adult.csv", "schema": COLUMNS},
        {"kind": "Gate", "name": "quality", "owner": "risk", "checks": [CHECK]},
        {"kind": "Model", "name": "income", "owner": "risk", **MODEL, "train": {**ESTIMATOR, "params": train}},
    ]
    return {"mlspec.yaml": json.dumps(PROJECT).encode(), "specs/all.yaml": written(documents), "data/adult.csv": b"1"}


@pytest.mark.parametrize("verb", ["train", "evaluate"])
def test_a_failed_step_stays_blocked_until_an_input_changes(verb: str) -> None:
    step = f"{verb} model/income"
    here = Rehearsal(project(C=1), Outcomes(fails={step: "ValueError: no"}))
    assert "failed" in endings(here.apply()).values()
    here.outcomes = Outcomes()
    here.edit("specs/all.yaml", '"owner": "risk"', '"owner": "data"')
    assert {one.verb for one in here.plan().runnable} == {"update"}
    here.apply()
    [failed, *waiting] = here.plan().actions
    assert failed.blocked == "failed before: ValueError: no (change an input, or apply --retry-failed)"
    assert {one.blocked for one in waiting} == {f"needs {failed.id}, which is blocked"}
    here.files = project(C=2)
    assert [one.verb for one in here.plan().runnable if one.verb != "update"] == ["train", "evaluate", "promote"]


def test_a_failed_step_is_tried_again_when_asked_and_forgotten_once_it_is_done() -> None:
    here = Rehearsal(project(C=1), Outcomes(fails={"train model/income": "ValueError"}))
    here.apply()
    retry = Options(retry_failed=True)
    assert endings(here.apply(options=retry))["train model/income"] == "failed"
    here.outcomes = Outcomes()
    assert set(endings(here.apply(options=retry)).values()) == {"done"}
    assert here.heads["model/income"].failed == {}


@quick
@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0.5, 0.95]), st.integers(0, 40)), max_size=4))
def test_neither_commits_nor_time_move_a_held_stage(applies: list[tuple[int, float, int]]) -> None:
    """Whatever is trained and however it does; until a commit trains what the stage holds, and that is all it does."""
    here = Rehearsal(project(C=1))
    here.apply()
    here.files = project(C=2)
    here.apply()
    until = here.rollback(model="income", stage="staging", reason="It went wrong", expires="48h").override.until
    for c, score, hours in applies:
        here.files, here.outcomes = project(C=c), Outcomes(scores={"roc_auc": score})
        here.clock.time += timedelta(hours=hours)
        plan = here.plan()
        waiting = [action for action in plan.actions if action.stage == "staging"]
        assert [action.negative for action in waiting] == ([] if c == 1 else [plan.at >= until])
        here.apply()
        state = here.heads["model/income"].stages["staging"]
        assert state.version == 1
        if c == 1:
            assert state.override is None
            return
        assert state.override is not None


def test_an_effect_knows_no_time_no_path_no_version_number_and_no_result() -> None:
    """Two teams come to the same champion on other ways, on other days, with other numbers and other scores."""
    short, long = Rehearsal(project(C=1)), Rehearsal(project(C=5), Outcomes(scores={"roc_auc": 0.95}))
    short.apply()
    long.apply()
    long.files = project(C=1)
    long.clock.time += timedelta(days=30)
    long.apply()
    short.files, long.files = project(C=2), project(C=2)
    long.files["specs/deep/er.yaml"] = long.files.pop("specs/all.yaml")
    plans = short.plan(), long.plan()
    assert [[one.version for one in plan.actions] for plan in plans] == [[2, None, 2], [3, None, 3]]
    assert [one.effect for one in plans[0].actions] == [one.effect for one in plans[1].actions]
    assert plans[0].digest == plans[1].digest


@pytest.mark.parametrize(
    ("change", "verbs"),
    [
        ({"C": 2}, {"train", "evaluate", "promote"}),
        ({"C": 1, "max_iter": 5}, {"train", "evaluate", "promote"}),
    ],
)
def test_an_effect_knows_every_input(change: dict[str, Any], verbs: set[str]) -> None:
    before, after = Rehearsal(project(C=1)).plan(), Rehearsal(project(**change)).plan()
    effects = {one.effect for one in before.actions}
    assert {one.verb for one in after.actions if one.effect not in effects} == verbs


def shuffle(document: Document, data: st.DataObject) -> Document:
    return dict(data.draw(st.permutations(list(document.items()))))


def placeless(action: Action) -> Action:
    reasons = tuple(reason.model_copy(update={"file": None, "line": None}) for reason in action.reasons)
    return action.model_copy(update={"reasons": reasons})


def told(plan: Plan) -> str:
    return "\n".join(f"{action.id}: {action.blocked or 'runs'} {action.needs}" for action in plan.actions)
