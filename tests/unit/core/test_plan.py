"""Plans as data: names of actions, counts, the digest of what would be done, and what JSON keeps of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core import digest
from mlspec.core.plan import Action, Plan, Reason, count, plan_digest

RUN = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("action", "name"),
    [
        (Action(verb="train", address="model/income", effect="e", run=RUN), "train model/income"),
        (Action(verb="evaluate", address="model/income", effect="e", run=RUN), "evaluate model/income abababab"),
        (
            Action(verb="promote", address="model/income", effect="e", run=RUN, stage="staging"),
            "promote model/income to staging",
        ),
    ],
)
def test_an_action_has_a_name(action: Action, name: str) -> None:
    assert action.id == name


@pytest.mark.parametrize(
    ("verb", "need", "hinges"),
    [
        ("promote", "evaluate model/income abababab", True),
        ("promote", "train model/income", True),
        ("rollback", "move model/income", True),
        ("rollback", "evaluate model/income abababab", False),
        ("promote", "train model/other", False),
    ],
)
def test_a_rollback_waits_for_its_gates_and_does_not_hinge_on_them(verb: str, need: str, hinges: bool) -> None:
    needs = ("train model/income", "move model/income", "evaluate model/income abababab")
    action = Action.model_validate({"verb": verb, "address": "model/income", "effect": "e", "needs": needs})
    assert action.hinges_on(need) is hinges


actions = st.builds(
    Action,
    verb=st.sampled_from(["train", "promote", "retire"]),
    address=st.just("model/income"),
    effect=st.sampled_from(["a", "b", "c"]),
    blocked=st.sampled_from([None, "v3 failed gate/quality", "not merged"]),
    reasons=st.lists(
        st.builds(Reason, field=st.just("owner"), before=st.text(), after=st.integers() | st.none()), max_size=2
    ),
)


@given(st.lists(actions))
def test_every_action_is_counted_once(listed: list[Action]) -> None:
    counts = count(tuple(listed))
    assert sum(counts.values()) == len(listed)
    assert counts.get("blocked", 0) == sum(action.blocked is not None for action in listed)
    assert list(counts) == sorted(counts)


@given(st.lists(actions), st.randoms())
def test_a_digest_is_of_effects_and_of_what_is_blocked_in_any_order(
    listed: list[Action], random: st.DataObject
) -> None:
    said = plan_digest(tuple(listed))
    random.shuffle(listed)  # type: ignore[attr-defined]
    reworded = [one.model_copy(update={"reasons": (), "blocked": one.blocked and "why"}) for one in listed]
    assert plan_digest(tuple(reworded)) == said
    for number, one in enumerate(listed):
        freed = one.model_copy(update={"blocked": None if one.blocked else "why"})
        assert plan_digest((*listed[:number], freed, *listed[number + 1 :])) != said


@given(st.lists(actions, max_size=3))
def test_a_plan_reads_back_from_json(listed: list[Action]) -> None:
    plan = Plan(
        project="income",
        mlspec="1.0.0",
        commit=None,
        dirty=False,
        deploys=True,
        lineage=None,
        at="2026-11-23T06:00:00Z",
        digest=digest.of([]),
        counts=count(tuple(listed)),
        actions=tuple(listed),
    )
    assert Plan.model_validate_json(plan.model_dump_json(by_alias=True)) == plan
    assert plan.runnable == tuple(action for action in listed if not action.blocked)


def test_conditions_are_called_if() -> None:
    action = Action(verb="promote", address="model/income", effect="e", conditions=("gate/quality passes",))
    assert action.model_dump(by_alias=True)["if"] == ("gate/quality passes",)
    assert Action.model_validate_json(action.model_dump_json(by_alias=True)) == action
