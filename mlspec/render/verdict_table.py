"""Verdicts as a table with margins, on a terminal and in Markdown; below it why those that do not pass do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import stdev

from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome, Spread
from mlspec.gates.judge import number_text
from mlspec.render.markdown import code, table
from mlspec.render.text import Line, cells, line, neutralise, pad

OUTCOMES = {Outcome.PASS: "ok", Outcome.FAIL: "error", Outcome.INCONCLUSIVE: "warn", Outcome.INSUFFICIENT: "warn"}
"""The style of each outcome."""
INDENT = " " * 10
WIDTH = max(len(outcome.value) for outcome in Outcome) + 2
"""How wide the outcomes are, with the space beside them."""
_BELOW = INDENT + "  "
_TITLES = ("check", "value", "interval", "bound", "margin", "n")
_RIGHT = ("margin", "n")
_GAP = 2
_NARROWEST = 12
"""A table whose column of checks would be narrower is none."""

_Row = tuple[str, ...]


def verdict_lines(verdicts: Sequence[GateVerdict], columns: int = 0) -> Iterator[Line]:
    """Yield gates with their checks, as a table no wider than a terminal; where that has no room, in words.

    `columns` is the width of the terminal, 0 where there is none: then nothing is broken.
    """
    rows = [row_of(check) for verdict in verdicts for check in verdict.checks]
    widths = _widths(rows, columns)
    for number, verdict in enumerate(verdicts):
        yield line(INDENT, (f"{verdict.outcome.value:<{WIDTH}}", OUTCOMES[verdict.outcome]), verdict.gate)
        if widths is not None and verdict.checks and number == 0:
            yield line(_BELOW, (f"{'outcome':<{WIDTH}}{_joined(_TITLES, widths)}".rstrip(), "dim"))
        told: set[tuple[str | None, str | None]] = set()
        for check in verdict.checks:
            yield from _in_words(check) if widths is None else _in_table(check, widths)
            if (check.metric, check.by) not in told:  # a difference and a ratio are of the same groups
                yield from _groups(check)
            told.add((check.metric, check.by))


def verdict_table(checks: Iterable[CheckVerdict]) -> str:
    """Return checks as a table in Markdown, and below it why those that do not pass do not."""
    listed = list(checks)
    text = table(("outcome", *_TITLES), map(_cells, listed))
    why = "".join(f"- {_bold(check.outcome)}: {code(told)}\n" for check in listed if (told := _told(check)) is not None)
    return text + (f"\n{why}" if why else "")


def row_of(check: CheckVerdict) -> _Row:
    """Return what a table says of a check beside its outcome; empty where there is nothing to say."""
    found, marks = check.estimate, [mark for mark in (check.minimum, check.maximum) if mark is not None]
    value, interval = "", ""
    if found is not None and found.value is not None:
        value = number_text(found.value, marks)
        if found.low is not None and found.high is not None:
            interval = f"[{number_text(found.low, marks)}, {number_text(found.high, marks)}]"
    margin = "" if check.margin is None else f"{check.margin:+.3g}"
    rows = "" if found is None else f"{found.n:,}"
    return neutralise(_what(check)), value, interval, _bound(check), margin, rows


def _what(check: CheckVerdict) -> str:
    """Name a check by its metric, what that is of, and what it is compared with."""
    what = f"{check.comparison} of {check.metric}" if check.comparison else check.metric or check.check
    parts = (
        what,
        f"by {check.by}" if check.by else "",
        f"where {check.where}" if check.where else "",
        f"against {check.against}" if check.against else "",
        "(warning only)" if check.level == "warn" else "",
    )
    return " ".join(part for part in parts if part)


def _bound(check: CheckVerdict) -> str:
    low, high = check.minimum, check.maximum
    if low is not None and high is not None:
        return f"{low:.15g} to {high:.15g}"
    return f">= {low:.15g}" if low is not None else f"<= {high:.15g}" if high is not None else ""


def _widths(rows: Sequence[_Row], columns: int) -> list[int] | None:
    """Return how wide each column is; None where a terminal has no room for a table."""
    widths = [max(map(cells, column)) for column in zip(_TITLES, *rows, strict=True)]
    others = len(_BELOW) + WIDTH + sum(widths[1:]) + _GAP * (len(widths) - 1)
    if columns and others + widths[0] > columns:
        longest = max((cells(word) for row in rows for word in row[0].split()), default=0)
        widths[0] = columns - others
        if widths[0] < max(_NARROWEST, longest):
            return None
    return widths


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    return (" " * _GAP).join(
        " " * (width - cells(text)) + text if title in _RIGHT else pad(text, width)
        for title, text, width in zip(_TITLES, row, widths, strict=True)
    )


def _in_table(check: CheckVerdict, widths: Sequence[int]) -> Iterator[Line]:
    what, *numbers = row_of(check)
    first, *more = _broken(what, widths[0])
    outcome = (f"{check.outcome.value:<{WIDTH}}", OUTCOMES[check.outcome])
    yield line(_BELOW, outcome, _joined((first, *numbers), widths).rstrip())
    for part in more:
        yield line(_BELOW, " " * WIDTH, part)
    if (told := _told(check)) is not None:
        yield line(_BELOW, " " * WIDTH, (neutralise(told), "dim"))


def _broken(text: str, width: int) -> list[str]:
    """Break a text between its words into rows of a width; a word is no wider."""
    rows = [""]
    for word in text.split():
        longer = f"{rows[-1]} {word}" if rows[-1] else word
        if cells(longer) <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows


def _in_words(check: CheckVerdict) -> Iterator[Line]:
    where = f" where {check.where}" if check.where and check.where not in check.reason else ""
    warn = " (warning only)" if check.level == "warn" else ""
    text = neutralise(f"{check.reason}{where}{warn}")
    yield line(_BELOW, (f"{check.outcome.value:<{WIDTH}}", OUTCOMES[check.outcome]), text)


def _groups(check: CheckVerdict) -> Iterator[Line]:
    width = max((cells(neutralise(fact.group)) for fact in check.groups), default=0)
    for fact in check.groups:
        found = Estimate(value=fact.value, low=fact.low, high=fact.high, n=fact.n, method="")
        said = estimate_text(found) if fact.value is not None else f"n={fact.n:,}  {neutralise(fact.note)}"
        base = f"  base rate {fact.base_rate:.4g}" if fact.base_rate is not None else ""
        yield line(_BELOW, " " * (WIDTH + 2), pad(neutralise(fact.group), width), f"  {said}", (base, "dim"))


def spread_text(spread: Spread | None) -> str:
    """Say how far a metric lies apart by seed, with spaces in front: `over 5 seeds 0.912 to 0.921, sd 0.0038`."""
    if spread is None:
        return ""
    values = [value for value in spread.values if value is not None]
    seeds = f"  over {len(spread.values)} seeds"
    if len(values) < len(spread.values):
        return f"{seeds}, undefined for {len(spread.values) - len(values)}"
    return f"{seeds} {min(values):.4g} to {max(values):.4g}, sd {stdev(values):.2g}"


def estimate_text(estimate: Estimate) -> str:
    """Write an estimate: `0.9266  [0.9216, 0.9316]  n=8,140`."""
    if estimate.value is None:
        return f"undefined ({estimate.method.removeprefix('undefined: ')})"
    interval = (
        f"  [{estimate.low:.4g}, {estimate.high:.4g}]" if estimate.low is not None and estimate.high is not None else ""
    )
    return f"{estimate.value:.4g}{interval}  n={estimate.n:,}"


def _told(check: CheckVerdict) -> str | None:
    """Return what is to be said of a check beside its row: why it does not pass, or what is odd of how it does."""
    if check.outcome is not Outcome.PASS or check.estimate is None:
        return check.reason
    return check.note or None


def _bold(outcome: Outcome) -> str:
    return outcome.value if outcome is Outcome.PASS else f"**{outcome.value}**"


def _cells(check: CheckVerdict) -> tuple[str, ...]:
    what, value, interval, bound, margin, rows = row_of(check)
    return _bold(check.outcome), code(what), value, interval, code(bound) if bound else "", margin, rows
