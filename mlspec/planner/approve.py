"""Saved plans against fresh ones: the same effects, or a refusal that says what moved."""

from __future__ import annotations

from typing import Any

from mlspec.core import digest
from mlspec.core.plan import Action, Plan, count, plan_digest
from mlspec.core.problem import Problem, StaleError


def exactly(saved: Plan, fresh: Plan) -> Plan:
    """Return the fresh plan cut down to what the saved one would run; all of it or nothing.

    Raises:
        StaleError: an action of the saved plan would not be done now, or not from the same inputs.
    """
    now, wanted = _done_by(fresh), _done_by(saved)
    problems = [_moved(action, fresh) for action in saved.runnable if _deed(action) not in now]
    chosen = tuple(action for action in fresh.actions if _deed(action) in wanted)
    ids = {action.id for action in chosen}
    planned = {action.id: action for action in fresh.runnable}
    for action in chosen:
        problems += [_new_need(action, planned[need]) for need in action.needs if need in planned and need not in ids]
    if problems:
        raise StaleError(*problems)
    return _with(fresh, chosen)


def only(approved: Plan, fresh: Plan) -> Plan:
    """Return the fresh plan with everything blocked that the approved one does not hold, and what needs it."""
    allowed = _done_by(approved)
    blocked: set[str] = set()
    actions = []
    for action in fresh.actions:
        if action.blocked is None and _deed(action) not in allowed:
            action = action.model_copy(update={"blocked": f"not approved: {_approved_instead(action, approved)}"})
        cause = next((need for need in action.needs if need in blocked and action.hinges_on(need)), None)
        if action.blocked is None and cause:
            action = action.model_copy(update={"blocked": f"needs {cause}, which is not approved"})
        if action.blocked is not None:
            blocked.add(action.id)
        actions.append(action)
    return _with(fresh, tuple(actions))


def _deed(action: Action) -> tuple[str, str, str | None, str]:
    """Return what a reviewer read together with what would be done: an effect under another name is another deed."""
    return (*_key(action), action.effect)


def _done_by(plan: Plan) -> set[tuple[str, str, str | None, str]]:
    return {_deed(action) for action in plan.runnable}


def _with(fresh: Plan, actions: tuple[Action, ...]) -> Plan:
    return fresh.model_copy(update={"actions": actions, "counts": count(actions), "digest": plan_digest(actions)})


def _approved_instead(action: Action, approved: Plan) -> str:
    same = next((other for other in approved.actions if _key(other) == _key(action)), None)
    if same is None:
        return "the approved plan has no such action"
    return f"approved was {_inputs(same)}, now it is {_inputs(action)}"


def _moved(action: Action, fresh: Plan) -> Problem:
    same = [other for other in fresh.actions if _key(other) == _key(action)]
    now = next((other for other in same if other.effect == action.effect), same[0] if same else None)
    if now is None:
        why = "it is no longer called for"
    elif now.effect == action.effect:
        why = f"it is blocked now: {now.blocked}"
    else:
        why = f"planned from {_inputs(action)}, now it would be from {_inputs(now)}"
    return Problem("plan/stale", f"{action.id}: {why}", help="plan again and review the difference")


def _new_need(action: Action, need: Action) -> Problem:
    return Problem(
        "plan/stale", f"{action.id}: it now needs {need.id}, which the plan does not hold", help="plan again"
    )


def _key(action: Action) -> tuple[str, str, str | None]:
    return action.verb, action.address, action.stage


def _inputs(action: Action) -> str:
    shown = [f"{reason.field}={_brief(reason.after)}" for reason in action.reasons if reason.field != "new"]
    return f"effect {action.effect[7:15]}" + (f" ({', '.join(shown[:4])})" if shown else "")


def _brief(value: Any) -> str:
    return digest.short(value, 8) if isinstance(value, str) and digest.is_digest(value) else repr(value)
