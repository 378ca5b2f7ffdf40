"""What an apply did, event by event: one line each, with the evidence below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlspec.core import digest
from mlspec.core.events import Closed, Ended, Moved
from mlspec.core.verdict import Violation
from mlspec.render.plan_text import phrase
from mlspec.render.text import Line, cells, counted, duration, line, neutralise, pad
from mlspec.render.verdict_table import INDENT, estimate_text, spread_text, verdict_lines

_ENDINGS = {
    "done": "ok",
    "reused": "ok",
    "rejected": "error",
    "failed": "error",
    "busy": "blocked",
    "skipped": "blocked",
}
_LOG_LINES = 20
COSTLY = ("snapshot", "check", "train", "evaluate")


def ended_lines(ended: Ended, columns: int = 0) -> Iterator[Line]:
    """Yield how an action ended: metrics with intervals, verdicts, broken rules, the end of a failed step's log.

    `columns` is the width of the terminal, 0 where there is none.
    """
    action = ended.action
    what = f"{action.address}: {phrase(action, done=True)}"
    took = f"  {duration(max(ended.seconds, 0.1))}" if action.verb in COSTLY and ended.ending != "skipped" else ""
    silent = ended.metrics or ended.verdicts or (action.verb == "update" and ended.ending == "done")
    said = "" if silent else f"  {neutralise(ended.message)}"
    yield line((f"{ended.ending:<9} ", _ENDINGS[ended.ending]), (what, "bold"), said, (took, "dim"))
    width = max((cells(name) for name, _ in ended.metrics), default=0)
    for name, estimate in ended.metrics:
        spread = spread_text(ended.spread.get(name))
        yield line(INDENT, f"{pad(name, width)}  {estimate_text(estimate)}", (spread, "dim"))
    yield from verdict_lines(ended.verdicts, columns)
    for violation in ended.violations[:20]:
        yield _violation(violation)
    for remark in ended.remarks:
        yield line(INDENT, ("warning  ", "warn"), neutralise(remark))
    for text in ended.log_tail[-_LOG_LINES:]:
        yield line(INDENT, ("| ", "dim"), neutralise(text))


def moved_line(moved: Moved) -> Line:
    """Say how far an object is on its way: `sending   12.3 MB of 41.0 MB  1f0c…`."""
    word = "sending" if moved.sent else "fetching"
    amount = f"{moved.done / 1e6:,.1f} MB of {moved.total / 1e6:,.1f} MB"
    return line((f"{word:<9} ", "train"), amount, (f"  object {digest.short(moved.digest)}", "dim"))


def _violation(violation: Violation) -> Line:
    where = "; ".join(f"{place.file} {_rows(place.rows)}" for place in violation.places) or _rows(violation.rows)
    more = ", …" if where and violation.count > len(violation.rows) else ""
    told = neutralise(f"  {where}{more}") if where else ""
    return line(INDENT, (f"{violation.rule:<16}  ", "error"), neutralise(violation.message), (told, "dim"))


def _rows(rows: Sequence[int]) -> str:
    return f"rows {', '.join(map(str, rows))}" if rows else ""


def closed_line(closed: Closed) -> Line:
    """Yield the summary of an apply."""
    if "cancelled" in closed.counts:
        return line(("Cancelled.", "bold"), " Nothing was run.")
    if not closed.counts or set(closed.counts) == {"blocked"}:
        blocked = closed.counts.get("blocked", 0)
        return line(("Nothing to do.", "bold"), f" {blocked} blocked." if blocked else "")
    where = f" Recorded at lineage {closed.lineage[:8]}." if closed.lineage else ""
    return line(("Apply: ", "bold"), counted(closed.counts), f".{where}")
