"""A rollback by hand: what it would do, and what it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlspec.core.moment import moment
from mlspec.core.record import Override, Waiver
from mlspec.core.rollback import Rollback, RolledBack
from mlspec.core.verdict import Outcome
from mlspec.planner.standing import shown
from mlspec.render.text import Line, line, neutralise

_WIDTH = 10


def proposal_lines(found: Rollback) -> Iterator[Line]:
    """Say what would hold the stage, why, until when, and what is recorded of its gates."""
    yield line((found.address, "bold"))
    yield line("    ", (f"< {_deed(found)}", "rollback"))
    yield line(" " * _WIDTH, f"because  {neutralise(found.override.reason)}")
    yield line(" " * _WIDTH, f"until    {moment(found.override.until)}")
    for name, judged in found.gates.items():
        outcome = judged.outcome.value if judged.outcome else "not judged"
        why = f": {neutralise(judged.reason)}" if judged.outcome not in (None, Outcome.PASS) else ""
        why += waived_text(judged.waived)
        style = "ok" if judged.passes else "warn"
        yield line(" " * _WIDTH, "gate     ", (f"gate/{name} {outcome}{why}", style))
    if not found.conforms:
        yield line(" " * _WIDTH, ("no gate stops a rollback: it will be marked nonconforming", "warn"))


def outcome_lines(done: RolledBack) -> Iterator[Line]:
    """Say what holds the stage now, and the next step; nothing of it where the rollback no longer holds."""
    found = done.rollback
    if done.exit_code == 4:
        yield line(("Not done:", "error"), " the stage was moved by someone else meanwhile.")
        return
    was = f" (was v{found.replaces})" if found.replaces not in (None, found.version) else ""
    yield line((f"{'done':<{_WIDTH}}", "ok"), (f"{found.address}: {_deed(found)}", "bold"), was)
    where = f" Recorded at lineage {done.lineage[:8]}." if done.lineage else ""
    until = moment(found.override.until)
    yield line(("Override: ", "bold"), f"holds until {until}; no apply undoes it, before or after.{where}")
    entry = f"stages.{found.stage} in {neutralise(found.file)}"
    yield line(
        ("Next: ", "bold"), f"edit {entry} (version: {found.version} keeps it), or revert the change, and apply."
    )


def held(override: Override) -> str:
    """Say until when an override holds a stage: `held by override until 2026-11-29 06:00 UTC`."""
    return f"held by override until {moment(override.until)}"


def waived_text(waivers: Iterable[Waiver]) -> str:
    """Say what is waived, with a semicolon in front; nothing where nothing is."""
    said = (f"{shown(waiver)}: {waiver.reason}" for waiver in waivers)
    return "".join(f"; waived: {neutralise(one)}" for one in said)


def _deed(found: Rollback) -> str:
    if found.replaces == found.version:
        return f"hold {found.stage} at v{found.version}"
    return f"roll back {found.stage} to v{found.version}"
