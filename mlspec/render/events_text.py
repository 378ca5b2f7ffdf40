"""What an apply did, event by event: one line each, with the evidence below it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import stdev

from mlspec.core import digest
from mlspec.core.events import Closed, Ended, Moved
from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome, Spread, Violation
from mlspec.render.plan_text import phrase
from mlspec.render.text import Line, cells, counted, duration, line, neutralise, pad

_ENDINGS = {
    "done": "ok",
    "reused": "ok",
    "rejected": "error",
    "failed": "error",
    "busy": "blocked",
    "skipped": "blocked",
}
_OUTCOMES = {Outcome.PASS: "ok", Outcome.FAIL: "error", Outcome.INCONCLUSIVE: "warn", Outcome.INSUFFICIENT: "warn"}
_INDENT = " " * 10
_LOG_LINES = 20
_OUTCOME_WIDTH = max(len(outcome.value) for outcome in Outcome) + 2
COSTLY = ("snapshot", "check", "train", "evaluate")


def ended_lines(ended: Ended) -> Iterator[Line]:
    """Yield how an action ended: metrics with intervals, verdicts, broken rules, the end of a failed step's log."""
    action = ended.action
    what = f"{action.address}: {phrase(action, done=True)}"
    took = f"  {duration(max(ended.seconds, 0.1))}" if action.verb in COSTLY and ended.ending != "skipped" else ""
    silent = ended.metrics or ended.verdicts or (action.verb == "update" and ended.ending == "done")
    said = "" if silent else f"  {neutralise(ended.message)}"
    yield line((f"{ended.ending:<9} ", _ENDINGS[ended.ending]), (what, "bold"), said, (took, "dim"))
    width = max((cells(name) for name, _ in ended.metrics), default=0)
    for name, estimate in ended.metrics:
        spread = spread_text(ended.spread.get(name))
        yield line(_INDENT, f"{pad(name, width)}  {estimate_text(estimate)}", (spread, "dim"))
    for verdict in ended.verdicts:
        yield from _verdict(verdict)
    for violation in ended.violations[:20]:
        yield _violation(violation)
    for remark in ended.remarks:
        yield line(_INDENT, ("warning  ", "warn"), neutralise(remark))
    for text in ended.log_tail[-_LOG_LINES:]:
        yield line(_INDENT, ("| ", "dim"), neutralise(text))


def moved_line(moved: Moved) -> Line:
    """Say how far an object is on its way: `sending   12.3 MB of 41.0 MB  1f0c…`."""
    word = "sending" if moved.sent else "fetching"
    amount = f"{moved.done / 1e6:,.1f} MB of {moved.total / 1e6:,.1f} MB"
    return line((f"{word:<9} ", "train"), amount, (f"  object {digest.short(moved.digest)}", "dim"))


def estimate_text(estimate: Estimate) -> str:
    """Write an estimate: `0.9266  [0.9216, 0.9316]  n=8,140`."""
    if estimate.value is None:
        return f"undefined ({estimate.method})"
    interval = (
        f"  [{estimate.low:.4g}, {estimate.high:.4g}]" if estimate.low is not None and estimate.high is not None else ""
    )
    return f"{estimate.value:.4g}{interval}  n={estimate.n:,}"


def spread_text(spread: Spread | None) -> str:
    """Say how far a metric lies apart by seed, with spaces in front: `over 5 seeds 0.912 to 0.921, sd 0.0038`."""
    if spread is None:
        return ""
    values = [value for value in spread.values if value is not None]
    seeds = f"  over {len(spread.values)} seeds"
    if len(values) < len(spread.values):
        return f"{seeds}, undefined for {len(spread.values) - len(values)}"
    return f"{seeds} {min(values):.4g} to {max(values):.4g}, sd {stdev(values):.2g}"


def _verdict(verdict: GateVerdict) -> Iterator[Line]:
    yield line(_INDENT, (f"{verdict.outcome.value:<{_OUTCOME_WIDTH}}", _OUTCOMES[verdict.outcome]), verdict.gate)
    told: set[tuple[str | None, str | None]] = set()
    for check in verdict.checks:
        yield _check(check)
        if (check.metric, check.by) not in told:  # a difference and a ratio are of the same groups
            yield from _groups(check)
        told.add((check.metric, check.by))


def _groups(check: CheckVerdict) -> Iterator[Line]:
    width = max((cells(fact.group) for fact in check.groups), default=0)
    for fact in check.groups:
        found = Estimate(value=fact.value, low=fact.low, high=fact.high, n=fact.n, method="")
        said = estimate_text(found) if fact.value is not None else f"n={fact.n:,}  {fact.note}"
        base = f"  base rate {fact.base_rate:.4g}" if fact.base_rate is not None else ""
        yield line(_INDENT, " " * (_OUTCOME_WIDTH + 4), pad(neutralise(fact.group), width), f"  {said}", (base, "dim"))


def _check(check: CheckVerdict) -> Line:
    where = f" where {check.where}" if check.where else ""
    warn = " (warning only)" if check.level == "warn" else ""
    text = neutralise(f"{check.reason}{where if check.where and check.where not in check.reason else ''}{warn}")
    return line(_INDENT, "  ", (f"{check.outcome.value:<{_OUTCOME_WIDTH}}", _OUTCOMES[check.outcome]), text)


def _violation(violation: Violation) -> Line:
    where = "; ".join(f"{place.file} {_rows(place.rows)}" for place in violation.places) or _rows(violation.rows)
    more = ", …" if where and violation.count > len(violation.rows) else ""
    told = neutralise(f"  {where}{more}") if where else ""
    return line(_INDENT, (f"{violation.rule:<16}  ", "error"), neutralise(violation.message), (told, "dim"))


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
