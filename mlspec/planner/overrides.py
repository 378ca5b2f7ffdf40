"""Overrides: a stage that was rolled back by hand stays as it is until somebody edits its entry in the spec."""

from __future__ import annotations

from dataclasses import dataclass

from mlspec.core.head import StageState
from mlspec.core.moment import moment
from mlspec.core.plan import Reason
from mlspec.planner.view import ModelView
from mlspec.specs.model import Model


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a stage does not move, and whether the time for a decision is over."""

    why: str
    expired: bool


def asked(model: Model, stage: str) -> str:
    """Return what the entry of a stage asks for, in the words an override keeps it: `latest` or `4`."""
    return str(model.stages[stage].version)


def hold(seen: ModelView, stage: str, at: str) -> Hold | None:
    """Return what holds a declared stage at a time; None without an override, or where its entry was edited since.

    It holds when its time is over too: that asks for a decision and makes none.
    """
    state = seen.head.stages.get(stage)
    if state is None or state.override is None or state.override.declared != asked(seen.model, stage):
        return None
    override = state.override
    if at < override.until:
        return Hold(
            f"held by override until {moment(override.until)} ({override.reason}, by {state.by})", expired=False
        )
    why = (
        f"the override by {state.by} expired on {moment(override.until)} ({override.reason}): "
        f"edit stages.{stage} (pin version: {state.version} to keep it, or set another version)"
    )
    return Hold(why, expired=True)


def ended(stage: str, state: StageState | None) -> tuple[Reason, ...]:
    """Return the reason that says of a change of a stage that it ends its override, if there is one."""
    if state is None or state.override is None:
        return ()
    return (Reason(field=f"stages.{stage}.override", before=f"until {moment(state.override.until)}"),)
