"""What is recorded of the runs that a plan speaks of, beside what holds their stages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlspec.core.beside import Beside, Judgement
from mlspec.core.digest import short
from mlspec.core.plan import Action
from mlspec.planner.compare import metrics
from mlspec.planner.diff import Outlook
from mlspec.planner.standing import Asked, shown
from mlspec.planner.view import ModelView


def evidence(seen: Outlook, actions: Iterable[Action]) -> Iterator[Beside]:
    """Yield each run that would enter a stage and was measured, beside what holds the most trusted of its stages."""
    wanted: dict[tuple[str, str], str] = {}
    for action in actions:
        if action.verb in ("promote", "rollback") and action.run and action.stage:
            wanted[action.address, action.run] = action.stage
    for (address, run), stage in wanted.items():
        view = seen.models[address.partition("/")[2]]
        if run in view.head.runs and view.head.runs[run].metrics:
            yield beside(view, run, stage)


def beside(view: ModelView, run: str, stage: str | None = None) -> Beside:
    """Return a recorded run beside the champion: of a stage, or of the most trusted stage that another run holds."""
    stages = [stage] if stage else [one for one in view.stages if view.occupant(one) not in (None, run)]
    champion = view.occupant(stages[-1]) if stages else None
    champion = None if champion == run else champion
    every = view.asked(run, stage) if stage else view.judged_by(run)
    version, held = view.head.version_of(run), view.head.version_of(champion)
    known, other = view.head.runs[run], view.head.runs.get(champion or "")
    return Beside(
        address=view.address,
        name=f"v{version.n}" if version else f"run {short(run, 8)}",
        run=run,
        data=known.dataset,
        champion=f"v{held.n} in {stages[-1]}" if held else None,
        champion_data=other.dataset if other else None,
        metrics=metrics(other.metrics if other else {}, known.metrics),
        judgements=tuple(_judgement(view, run, asked) for asked in every),
    )


def _judgement(view: ModelView, run: str, asked: Asked) -> Judgement:
    found, name = view.standing(run, asked), view.shown(asked)
    if found is None:
        return Judgement(gate=name, outcome=None, reason="")
    waived = "".join(f"; waived: {shown(one)} ({one.reason})" for one in found.waived)
    return Judgement(gate=name, outcome=found.outcome, reason=found.why + waived)
