"""The whole verdicts of recorded runs, check by check: heads keep only how each gate ended, the records the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlspec.commands.workspace import Workspace
from mlspec.core.beside import Beside, Judgement
from mlspec.core.verdict import CheckVerdict
from mlspec.lineage.journal import records_of
from mlspec.planner.diff import Outlook


def with_checks(workspace: Workspace, seen: Outlook, evidence: Iterable[Beside]) -> Iterator[Beside]:
    """Yield runs with what each check of their gates said; where a record had no room, the checks that decided.

    Raises:
        MlspecError: a record cannot be read (`lineage/damaged`).
    """
    for found in evidence:
        known = _checks(workspace, found) if any(one.outcome for one in found.judgements) else {}
        gates = seen.models[found.address.partition("/")[2]].gates
        judgements = (
            one.model_copy(update={"checks": known.get((one.gate, gates[_name(one)]), ())}) for one in found.judgements
        )
        yield found.model_copy(update={"judgements": tuple(judgements)})


def _name(one: Judgement) -> str:
    return one.gate.partition("/")[2]


def _checks(workspace: Workspace, found: Beside) -> dict[tuple[str, str], tuple[CheckVerdict, ...]]:
    """Return the checks of each gate, by its address and digest, as they were judged last of a run on its test rows."""
    records = records_of(workspace.home.repository, workspace.state.tip or "", {found.address})
    return {
        (verdict.gate, verdict.digest): verdict.checks
        for record in records
        if record.fingerprint == found.run and record.inputs.get("test") == found.data
        for verdict in record.verdicts
    }
