"""Saved and approved plans held against what would be done now: two models, each with its own data and stage."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlspec.core import digest
from mlspec.core.plan import Plan
from mlspec.core.problem import StaleError
from mlspec.planner import approve
from mlspec.planner.world import Authority
from tests.rehearsal import Outcomes, Rehearsal, endings

PROJECT = {
    "version": 1,
    "project": "approvals",
    "stages": ["staging"],
    "teams": {"risk": {"members": ["alan"]}},
}
CHECK = {"check": "metric", "metric": "roc_auc", "min": 0.9}


def files() -> dict[str, bytes]:
    documents: list[dict[str, Any]] = [{"kind": "Gate", "name": "quality", "owner": "risk", "checks": [CHECK]}]
    for name in ("income", "churn"):
        columns = [{"name": "age", "type": "integer"}, {"name": "label", "type": "string", "role": "target"}]
        source = f"data/{name}.csv"
        documents += [
            {"kind": "Dataset", "name": name, "owner": "risk", "source": source, "schema": columns},
            {
                "kind": "Model",
                "name": name,
                "owner": "risk",
                "dataset": name,
                "task": "classification",
                "positive": "yes",
                "train": {"estimator": "sklearn.linear_model.LogisticRegression", "params": {"C": 1}},
                "metrics": ["roc_auc"],
                "stages": {"staging": {"version": "latest", "gates": ["quality"]}},
            },
        ]
    specs = {f"specs/{one['kind']}-{one['name']}.yaml": json.dumps(one).encode() for one in documents}
    data = {f"data/{name}.csv": name.encode() for name in ("income", "churn")}
    return {"mlspec.yaml": json.dumps(PROJECT).encode(), **specs, **data}


@pytest.fixture
def here() -> Rehearsal:
    """Both models are in staging; then the parameters of `income` are changed."""
    rehearsal = Rehearsal(files())
    rehearsal.apply()
    rehearsal.edit("specs/Model-income.yaml", '"C": 1', '"C": 2')
    return rehearsal


def saved(plan: Plan) -> Plan:
    """Return a plan as it is read from its file."""
    return Plan.model_validate_json(plan.model_dump_json(by_alias=True))


def said(error: pytest.ExceptionInfo[StaleError]) -> list[str]:
    return [problem.message for problem in error.value.problems]


def test_a_plan_that_still_holds_is_done_whole(here: Rehearsal) -> None:
    plan = saved(here.plan())
    chosen = approve.exactly(plan, here.plan())
    assert chosen.actions == plan.runnable
    assert (chosen.counts, chosen.digest) == (plan.counts, plan.digest)
    assert set(endings(here.apply(plan=chosen)).values()) == {"done"}


def test_a_changed_input_refuses_all_of_a_plan_and_names_what_moved(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.edit("specs/Model-income.yaml", '"C": 2', '"C": 3')
    with pytest.raises(StaleError) as error:
        approve.exactly(plan, here.plan())
    assert error.value.exit_code == 4
    train, evaluate, promote = said(error)
    assert train.startswith("train model/income: planned from effect ")
    assert "(train.params.C=2), now it would be from effect " in train
    assert train.endswith("(train.params.C=3)")
    assert evaluate.startswith("evaluate model/income ")
    assert promote.startswith("promote model/income to staging: ")


def test_what_is_not_approved_is_blocked_and_the_rest_is_done(here: Rehearsal) -> None:
    approved = saved(here.plan())
    here.edit("specs/Model-churn.yaml", '"C": 1', '"C": 5')
    settled = approve.only(approved, here.plan())
    blocked = {action.id.split(" ")[0]: action.blocked for action in settled.actions if action.blocked}
    assert blocked["train"] == "not approved: the approved plan has no such action"
    assert {action.address for action in settled.actions if action.blocked} == {"model/churn"}
    assert {action.effect for action in settled.runnable} == {action.effect for action in approved.runnable}
    assert settled.counts == {"blocked": 3, "evaluate": 1, "promote": 1, "train": 1}
    here.apply(plan=settled)
    assert here.heads["model/income"].stages["staging"].version == 2
    assert here.heads["model/churn"].stages["staging"].version == 1


def test_approved_and_actual_stand_side_by_side(here: Rehearsal) -> None:
    approved = saved(here.plan())
    here.edit("specs/Model-income.yaml", '"C": 2', '"C": 3')
    train, evaluate, promote = approve.only(approved, here.plan()).actions
    was, now = (f"effect {plan.actions[0].effect[7:15]}" for plan in (approved, here.plan()))
    assert train.blocked == (f"not approved: approved was {was} (train.params.C=2), now it is {now} (train.params.C=3)")
    assert evaluate.blocked and evaluate.blocked.startswith("not approved: ")
    assert promote.blocked and promote.blocked.startswith("not approved: ")


def test_an_unrelated_apply_in_between_makes_neither_stale(here: Rehearsal) -> None:
    plan = saved(here.plan())
    income = here.files["specs/Model-income.yaml"]
    here.edit("specs/Model-income.yaml", '"C": 2', '"C": 1')
    here.edit("specs/Model-churn.yaml", '"C": 1', '"C": 5')
    assert {action.partition("model/")[2][:5] for action in endings(here.apply())} == {"churn"}
    here.files["specs/Model-income.yaml"] = income
    fresh = here.plan()
    assert fresh.lineage != plan.lineage
    assert approve.exactly(plan, fresh).actions == approve.only(plan, fresh).runnable
    assert {action.effect for action in approve.exactly(plan, fresh).actions} == {one.effect for one in plan.runnable}


def test_a_taken_version_number_makes_neither_stale(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.edit("specs/Model-income.yaml", '"C": 2', '"C": 9')
    here.outcomes = Outcomes(scores={"roc_auc": 0.5})
    here.apply()  # v2 is given to a run that fails its gate and moves nothing
    here.edit("specs/Model-income.yaml", '"C": 9', '"C": 2')
    chosen = approve.exactly(plan, here.plan())
    assert [action.version for action in chosen.actions] == [3, None, 3]
    assert approve.only(plan, here.plan()).runnable == chosen.actions


def test_another_champion_makes_a_promotion_stale(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.edit("specs/Model-income.yaml", '"C": 2', '"C": 9')
    here.apply()
    here.edit("specs/Model-income.yaml", '"C": 9', '"C": 2')
    with pytest.raises(StaleError) as error:
        approve.exactly(plan, here.plan())
    [message] = said(error)
    assert message.startswith("promote model/income to staging: planned from ")
    settled = approve.only(plan, here.plan())
    assert [action.verb for action in settled.runnable] == ["train", "evaluate"]


def test_what_is_done_already_is_no_longer_called_for(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.apply()
    with pytest.raises(StaleError) as error:
        approve.exactly(plan, here.plan())
    assert {message.partition(": ")[2] for message in said(error)} == {"it is no longer called for"}
    assert approve.only(plan, here.plan()).actions == ()


def test_of_two_evaluations_the_one_that_moved_is_named(here: Rehearsal) -> None:
    here.apply()
    here.edit("specs/Model-income.yaml", '"latest"', "1")
    here.edit("specs/Gate-quality.yaml", "0.9", "0.8")
    plan = saved(here.plan("income"))
    assert [action.verb for action in plan.actions] == ["evaluate", "evaluate", "rollback"]
    here.outcomes = Outcomes(fails={"evaluate model/income": "ValueError"})
    here.apply("income", plan=plan.model_copy(update={"actions": plan.actions[1:2]}))
    with pytest.raises(StaleError) as error:
        approve.exactly(plan, here.plan("income"))
    [message] = said(error)
    assert message.startswith(f"{plan.actions[1].id}: it is blocked now: failed before: ValueError")


def test_changed_data_is_named_by_short_digests(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.files["data/income.csv"] = b"more"
    with pytest.raises(StaleError) as error:
        approve.exactly(plan, here.plan())
    after = digest.short(digest.of_bytes(b"more"), 8)
    assert f"(content={after}, train.params.C=2)" in said(error)[0]


def test_what_is_blocked_now_makes_a_plan_stale_and_says_why(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.authority = Authority(False, "branch topic is not merged into main: commit and merge first")
    with pytest.raises(StaleError) as error:
        approve.exactly(plan, here.plan())
    assert said(error) == [
        "promote model/income to staging: it is blocked now: "
        "branch topic is not merged into main: commit and merge first"
    ]


def test_a_new_need_makes_a_plan_stale_and_blocks_what_was_approved(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.lose("content")
    with pytest.raises(StaleError) as error:
        approve.exactly(plan, here.plan())
    assert said(error) == ["train model/income: it now needs snapshot dataset/income, which the plan does not hold"]
    settled = approve.only(plan, here.plan())
    assert settled.runnable == ()
    assert settled.actions[1].blocked == "needs snapshot dataset/income, which is not approved"


def test_what_a_plan_does_not_hold_is_left_alone(here: Rehearsal) -> None:
    plan = saved(here.plan())
    here.edit("specs/Model-churn.yaml", '"owner": "risk"', '"owner": "risk", "description": "Who leaves."')
    fresh = here.plan()
    assert len(fresh.runnable) == len(plan.runnable) + 1
    assert {action.address for action in approve.exactly(plan, fresh).actions} == {"model/income"}
