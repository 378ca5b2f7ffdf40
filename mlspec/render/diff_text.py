"""Two versions of a model side by side, for a person: only what differs, and one line that names what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mlspec.core import digest
from mlspec.core.comparison import Change, ColumnChange, Comparison, MetricPair, Side
from mlspec.core.moment import moment
from mlspec.core.verdict import Estimate
from mlspec.render.text import Line, cells, line, neutralise, pad, value

_WIDTH = 80
_MOST_COLUMNS = 10
_MOST_MEASURES = 5
_MOST_VALUES = 5
_NAME = 40
_NAMES = {"test_rows": "test rows", "content": "bytes"}
_VALUES, _QUANTILES = "values.", "quantiles."
_WEIGHTY = ("type", "role", "sensitive", "missing", "mean", "std", "quantiles.0.5", "min", "max")
"""Measures by how much they say, before all others."""


def diff_lines(found: Comparison) -> Iterator[Line]:
    """Yield the lines of a comparison."""
    names = f"v{found.before.version} -> v{found.after.version}"
    yield line((found.model, "bold"), f": {names}")
    yield from (_side(side) for side in (found.before, found.after))
    if found.before.run == found.after.run:
        yield line("")
        yield line(("No differences:", "bold"), " both are the same run.")
        return
    yield from _part("params", found.params, _plain)
    yield from _part("training", found.training, _plain)
    yield from _data(found)
    yield from _part("code", found.code, _file)
    yield from _part("environment", found.environment, _plain)
    yield from metric_lines(found.metrics, (f"v{found.before.version}", f"v{found.after.version}"))
    if found.metrics:
        yield test_line(found.before.data, found.after.data)
    yield line("")
    for why in found.unknown:
        yield line(("note: ", "warn"), neutralise(why))
    yield line(("The same: ", "bold"), ", ".join(found.same) or "nothing", ".")


def metric_lines(pairs: Sequence[MetricPair], titles: tuple[str, str]) -> Iterator[Line]:
    """Yield a table of metrics side by side, with intervals and the difference; nothing where there are none."""
    if not pairs:
        return
    rows = [(f"  {neutralise(pair.metric)}", estimate_cell(pair.before), estimate_cell(pair.after)) for pair in pairs]
    rows.append(("  test rows", _rows(pairs, "before"), _rows(pairs, "after")))
    widths = [max(map(cells, column)) + 2 for column in zip(("metrics", *titles), *rows, strict=True)]
    yield line("")
    yield line((_in_columns(("metrics", *titles), widths), "bold"))
    for pair, row in zip(pairs, rows, strict=False):
        better = "  lower is better" if pair.lower_is_better else ""
        yield line(_in_columns(row, widths), difference(pair), (better, "dim"))
    yield line(_in_columns(rows[-1], widths))


def _in_columns(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "".join(pad(cell, width) for cell, width in zip(cells, widths, strict=True))


def test_line(before: str, after: str) -> Line:
    """Say whether the metrics of two runs are of the same test rows, by the versions of their datasets."""
    if before == after:
        return line("  ", ("Both were measured on the same test rows.", "dim"))
    apart = f"of version {digest.short(before, 8)} and of {digest.short(after, 8)}"
    return line("  ", ("The test rows are not the same: ", "warn"), f"{apart}.")


def _side(side: Side) -> Line:
    stages = f"  in {', '.join(side.stages)}" if side.stages else ""
    made = f"run {digest.short(side.run, 8)}, trained {moment(side.at)} from {neutralise(side.ref)}"
    return line(f"  v{side.version:<4}", made, (stages, "promote"))


def _part(
    name: str, changes: Iterable[Change], write: Callable[[Change], str], title: str = "", least: int = 0
) -> Iterator[Line]:
    listed = [(neutralise(_NAMES.get(change.field, change.field)), write(change)) for change in changes]
    if not listed and not title:
        return
    width = max(least, min(_NAME, max((cells(field) for field, _ in listed), default=0)))
    yield line("")
    yield line((name, "bold"), (title, "dim"))
    for field, text in listed:
        yield line(f"  {pad(field, width)}  {text}")


def _plain(change: Change) -> str:
    return f"{_written(change.before)} -> {_written(change.after)}"


def _file(change: Change) -> str:
    if change.before is None or change.after is None:
        return "added" if change.before is None else "removed"
    return _plain(change)


def _written(found: Any) -> str:
    return f"{found:,}" if isinstance(found, int) and not isinstance(found, bool) else value(found)


def _data(found: Comparison) -> Iterator[Line]:
    if found.same_test:
        return
    first, second = found.before, found.after
    other = "" if first.dataset == second.dataset else f"{second.dataset} version "
    moved = f"  {first.dataset} version {digest.short(first.data, 8)} -> {other}{digest.short(second.data, 8)}"
    shown = found.columns[:_MOST_COLUMNS]
    widest = max((cells(neutralise(column.column)) for column in shown), default=0)
    width = min(_NAME, max(len("test rows"), widest))
    yield from _part("data", found.data, _plain, moved, width if shown else 0)
    for column in shown:
        yield from _column(column, width)
    for more in _and_more(len(found.columns) - len(shown), "column"):
        yield line("  ", (f"{more}, which changed less", "dim"))


def _column(column: ColumnChange, width: int) -> Iterator[Line]:
    """Yield what differs of a column, as many measures to a line as fit; a very long name has a line of its own."""
    name = neutralise(column.column)
    pieces = [*_measures(column.changes), *_values(column.changes)]
    if cells(name) > width:
        yield line("  ", name)
        name = ""
    for row in _filled(pieces, _WIDTH - 4 - width):
        yield line(f"  {pad(name, width)}  ", row)
        name = ""


def _measures(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the measures that differ as they are written; of many, those that say most."""
    told = [change for change in changes if not change.field.startswith(_VALUES)]
    moved = [change for change in told if _write(change.before, change) != _write(change.after, change)]
    shown = sorted(moved, key=_weight)[:_MOST_MEASURES]
    for change in moved:
        if change.field == "column":
            yield "added" if change.before is None else "removed"
        elif change in shown:
            yield f"{_measure(change.field)} {_write(change.before, change)} -> {_write(change.after, change)}"
    yield from _and_more(len(moved) - len(shown), "measure")


def _weight(change: Change) -> int:
    return _WEIGHTY.index(change.field) if change.field in _WEIGHTY else len(_WEIGHTY)


def _write(found: Any, change: Change) -> str:
    return _percent(found) if change.field == "missing" else _number(found)


def _and_more(left: int, what: str) -> Iterator[str]:
    if left:
        yield f"and {left} more {what}{'' if left == 1 else 's'}"


def _values(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the values whose share of the rows moved most."""
    moved = [change for change in changes if change.field.startswith(_VALUES)]
    moved = [change for change in moved if _percent(change.before) != _percent(change.after)]
    moved.sort(key=lambda change: (-abs((change.after or 0) - (change.before or 0)), change.field))
    for change in moved[:_MOST_VALUES]:
        yield f"{value(change.field.removeprefix(_VALUES))} {_percent(change.before)} -> {_percent(change.after)}"
    yield from _and_more(len(moved[_MOST_VALUES:]), "value")


def _measure(field: str) -> str:
    if not field.startswith(_QUANTILES):
        return field
    share = float(field.removeprefix(_QUANTILES))
    return "median" if share == 0.5 else f"p{share * 100:g}"


def _filled(pieces: Iterable[str], width: int) -> Iterator[str]:
    row = ""
    for piece in pieces:
        longer = f"{row}, {piece}" if row else piece
        if row and cells(longer) > width:
            yield row + ","
            longer = piece
        row = longer
    if row:
        yield row


def _number(found: Any) -> str:
    if isinstance(found, float):
        return f"{found:.4g}"
    return _written(found)


def _percent(share: float | None) -> str:
    return "unlisted" if share is None else f"{share * 100:.3g} %"


def estimate_cell(estimate: Estimate | None) -> str:
    """Write an estimate with its interval: `0.9266  [0.9216, 0.9316]`."""
    if estimate is None:
        return "not measured"
    if estimate.value is None:
        return "undefined"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4g}"
    return f"{estimate.value:.4g}  [{estimate.low:.4g}, {estimate.high:.4g}]"


def difference(pair: MetricPair) -> str:
    """Write by how much the second differs from the first."""
    first, second = (one.value if one else None for one in (pair.before, pair.after))
    if first is None or second is None:
        return ""
    return "0" if first == second else f"{second - first:+.4f}"


def _rows(pairs: Sequence[MetricPair], side: str) -> str:
    counts = {one.n for pair in pairs if (one := getattr(pair, side)) is not None}
    return " to ".join(f"{count:,}" for count in sorted({min(counts), max(counts)})) if counts else ""
