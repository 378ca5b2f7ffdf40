"""What the costly steps of a model share: its view in the plan, the data of a version, and forms of writing."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

from mlspec.commands.session import Session
from mlspec.core.heads import of_kind
from mlspec.core.plan import Action
from mlspec.core.ports import JobResult
from mlspec.core.problem import fail
from mlspec.core.record import Cost
from mlspec.planner.view import ModelView


def view_of(session: Session, action: Action) -> ModelView:
    """Return the planner's view of the model that an action is about."""
    return session.seen.models[action.address.partition("/")[2]]


def snapshot_fields(session: Session, view: ModelView, version: str) -> dict[str, Any]:
    """Return the fields of a recorded dataset version, of the model's own dataset or of another.

    Raises:
        MlspecError: none is recorded (`lineage/no-snapshot`).
    """
    own = session.head(view.dataset.address)
    for head in chain((own,), of_kind(session.state.heads, "dataset")):
        if version in head.snapshots:
            return head.snapshots[version].fields
    raise fail("lineage/no-snapshot", f"the dataset version {version} of {view.address} is not recorded")


def cost_of(result: JobResult) -> Cost:
    """Return what a child process cost, as a record says it."""
    return Cost(
        wall_s=round(result.wall_s, 3), cpu_s=round(result.cpu_s, 3), peak_memory_bytes=result.peak_memory_bytes
    )


def total(*costs: Cost | None) -> Cost | None:
    """Return what processes cost that ran one after another; None where there was none."""
    known = [cost for cost in costs if cost is not None]
    if not known:
        return None
    return Cost(
        wall_s=round(sum(cost.wall_s for cost in known), 3),
        cpu_s=round(sum(cost.cpu_s for cost in known), 3),
        peak_memory_bytes=max(cost.peak_memory_bytes for cost in known),
    )


def json_bytes(value: object) -> bytes:
    """Return JSON for an object of the store: one form for equal values."""
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=1).encode() + b"\n"
