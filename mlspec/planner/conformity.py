"""Whether what holds a stage still passes its gates. A verdict never empties a stage: it is marked, and stays."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from mlspec.core.head import StageState
from mlspec.core.plan import Reason
from mlspec.planner.standing import Conformity, shown
from mlspec.planner.view import ModelView


def conformity(seen: ModelView, stage: str) -> Conformity | None:
    """Return whether what holds a stage conforms; None where nothing does, or a gate has not judged it."""
    run = seen.occupant(stage)
    if run is None:
        return None
    found = [seen.standing(run, asked) for asked in seen.asked(run, stage)]
    judged = [one for one in found if one is not None]
    if len(judged) < len(found):
        return None
    conforms = all(one.passes for one in judged)
    waived = dict.fromkeys(waiver for one in judged for waiver in one.waived)
    return Conformity(conforms, tuple(waived) if conforms else ())


def conforming(seen: ModelView, evaluated: Collection[str] = ()) -> dict[str, Conformity]:
    """Return the occupied stages whose recorded conformity differs from what verdicts and waivers say now.

    That of `evaluated` runs will be recorded with their verdicts.
    """
    differs: dict[str, Conformity] = {}
    for stage in seen.stages:
        found = conformity(seen, stage) if seen.occupant(stage) not in evaluated else None
        state = seen.head.stages.get(stage)
        if found is not None and state is not None and found != Conformity(state.conforming, state.waivers):
            differs[stage] = found
    return differs


def reasons(state: StageState, stage: str, found: Conformity) -> Iterator[Reason]:
    """Yield what a record will say differently of a stage."""
    if found.conforms != state.conforming:
        yield Reason(field=f"stages.{stage}.conforming", before=state.conforming, after=found.conforms)
    before, after = (", ".join(map(shown, waivers)) or None for waivers in (state.waivers, found.waivers))
    if before != after:
        yield Reason(field=f"stages.{stage}.waived", before=before, after=after)
