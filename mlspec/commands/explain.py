"""`mlspec explain`: why a resource is, or is not, up to date; the plan's own reckoning, told for one address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlspec.commands import plan as planning
from mlspec.commands.catch_up import Ask
from mlspec.commands.plan import PlanRequest, field_path
from mlspec.commands.workspace import Workspace, open_workspace
from mlspec.core.address import Address
from mlspec.core.explanation import Explanation, Row, Section
from mlspec.core.plan import Plan
from mlspec.core.ports import Clock
from mlspec.io import yaml
from mlspec.io.clock import SystemClock
from mlspec.planner import diff, explain
from mlspec.planner.diff import Outlook
from mlspec.render.explain_text import step


def run(start: Path, text: str, ask: Ask = Ask.MUST, clock: Clock | None = None) -> Explanation:
    """Explain the resource of an address, or the model of a name. Writes nothing but the plan's own cache.

    Raises:
        MlspecError: as `plan`: invalid specs, a damaged lineage, an address that is neither declared nor recorded.
    """
    workspace = open_workspace(start, ask=ask)
    plan, seen = planning.make(workspace, PlanRequest((text,)), clock or SystemClock())
    return explained(workspace, plan, seen, text)


def explained(workspace: Workspace, plan: Plan, seen: Outlook, text: str) -> Explanation:
    """Explain a resource by a plan of it, and by what the planner saw."""
    address = diff.resolve(seen.world, text)
    declared = Address.parse(address) in workspace.specs.where
    own = [action for action in plan.actions if action.address == address]
    sections = explain.sections(seen, address) if declared else ()
    return Explanation(
        address=address,
        declared=declared,
        up_to_date=not own,
        commit=plan.commit,
        dirty=plan.dirty,
        lineage=plan.lineage,
        sections=tuple(_placed(workspace, Address.parse(address), sections)),
        steps=(*map(step, own), *explain.quiet(seen, address, own)),
        used_by=explain.users(seen.world, address),
    )


def _placed(workspace: Workspace, address: Address, sections: tuple[Section, ...]) -> Iterator[Section]:
    """Give the fields that are asked for their file and line."""
    document = workspace.specs.where.get(address)
    if document is None:
        return
    paths = {row.field: field_path(document.value, row.field) for section in sections for row in section.rows}
    content = workspace.tree.read(document.file) or b""
    places = yaml.places(document.file, content, document.index, paths.values())

    def placed(row: Row) -> Row:
        if row.field.startswith("code."):
            return row.model_copy(update={"file": row.field.removeprefix("code.")})
        path = paths[row.field]
        if row.asked is None or not path:
            return row  # gone, or not written there: a default, or the recipe of mlspec's own
        return row.model_copy(update={"file": document.file, "line": places[path].line})

    for section in sections:
        yield section.model_copy(update={"rows": tuple(placed(row) for row in section.rows)})
