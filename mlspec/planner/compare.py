"""How two runs differ: their fields part by part, the profiles of their data, their metrics. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

from mlspec.core.comparison import Change, ColumnChange, MetricPair
from mlspec.core.metrics import METRICS
from mlspec.core.verdict import Estimate
from mlspec.planner.fields import changes

Part = Literal["params", "training", "code", "environment"]
Profile = Mapping[str, Any]

_PARAMS, _CODE, _LOCK = "train.params.", "code.", "train.environment"
_DIGITS = 6
_SENSITIVE = ("sensitive", "missing", "distinct", "mean", "std")
"""What may be said of a sensitive column, beside inner quantiles."""


def fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Change, ...]]:
    """Return how the fields of two runs differ, by part; the dataset is none of them."""
    found: dict[str, list[Change]] = {"params": [], "training": [], "code": [], "environment": []}
    for reason in changes(before, after):
        if reason.field == "dataset":
            continue
        part, name = _part(reason.field)
        found[part].append(Change(field=name, before=reason.before, after=reason.after))
    return {part: tuple(listed) for part, listed in found.items()}


def plain(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return how two mappings differ, in the order of their keys."""
    return tuple(
        Change(field=reason.field, before=reason.before, after=reason.after) for reason in changes(before, after)
    )


def rows(before: Profile, after: Profile) -> tuple[Change, ...]:
    """Return how many rows two profiles are of, where that differs."""
    names = ("rows", "test_rows")
    return plain({name: before.get(name) for name in names}, {name: after.get(name) for name in names})


def columns(before: Profile, after: Profile, sensitive: Collection[str]) -> tuple[ColumnChange, ...]:
    """Return what two profiles say differently of each column, of those first that changed most.

    Of a column that is sensitive, an id or free text in either of them, or is named as sensitive, no value and no
    extreme is told, whatever the other profile holds.
    """
    one, other = before.get("columns", {}), after.get("columns", {})
    found: list[tuple[float, ColumnChange]] = []
    for name in dict.fromkeys((*one, *other)):
        if name not in one or name not in other:
            there = Change(field="column", before=_type(one.get(name)), after=_type(other.get(name)))
            found.append((math.inf, ColumnChange(column=name, changes=(there,))))
            continue
        hides = name in sensitive or any(_hides(side[name]) for side in (one, other))
        told = [dict(_told(side[name], total.get("rows", 0), hides)) for side, total in ((one, before), (other, after))]
        if differ := plain(*told):
            found.append((_moved(differ, told[0].get("std")), ColumnChange(column=name, changes=differ)))
    return tuple(column for _, column in sorted(found, key=lambda pair: -pair[0]))


def _moved(differ: Iterable[Change], deviation: float | None) -> float:
    """Return how much a column changed: by what share of the rows, or by how many of its standard deviations."""
    return max(_moved_by(change, deviation) for change in differ)


def _moved_by(change: Change, deviation: float | None) -> float:
    before, after = change.before, change.after
    if change.field in ("type", "role", "sensitive"):
        return math.inf
    if change.field == "missing" or change.field.startswith("values."):
        return abs(float(after or 0) - float(before or 0))
    if change.field == "distinct" or not (isinstance(before, int | float) and isinstance(after, int | float)):
        return 0.0
    return abs(after - before) / deviation if deviation else math.inf


def metrics(before: Mapping[str, Estimate], after: Mapping[str, Estimate]) -> tuple[MetricPair, ...]:
    """Return the metrics of both, the equal ones too."""
    return tuple(
        MetricPair(
            metric=name,
            before=before.get(name),
            after=after.get(name),
            lower_is_better=name in METRICS and not METRICS[name].greater_is_better,
        )
        for name in dict.fromkeys((*before, *after))
    )


def _part(field: str) -> tuple[Part, str]:
    if field.startswith(_PARAMS):
        return "params", field.removeprefix(_PARAMS)
    if field.startswith(_CODE):
        return "code", field.removeprefix(_CODE)
    if field == _LOCK:
        return "environment", "lock file"
    return "training", field.removeprefix("train.")


def _hides(column: Mapping[str, Any]) -> bool:
    return bool(column.get("sensitive")) or column.get("role") == "id" or column.get("type") == "text"


def _type(column: Mapping[str, Any] | None) -> str | None:
    return None if column is None else f"{column.get('type')} {column.get('role')}"


def _told(column: Mapping[str, Any], total: int, hides: bool) -> Iterator[tuple[str, Any]]:
    """Yield what is told of a column by name: counts as shares of all rows, numbers as they are."""
    for name, found in column.items():
        if name == "missing":
            yield "missing", _share(found, total)
        elif name == "values":
            if not hides:
                yield from ((f"values.{value}", _share(count, total)) for value, count in found.items())
        elif name == "quantiles":
            inner = {share for share in found if 0.25 <= float(share) <= 0.75}
            yield from ((f"quantiles.{share}", found[share]) for share in found if not hides or share in inner)
        elif not hides or name in (*_SENSITIVE, "type", "role"):
            yield name, found


def _share(count: int, total: int) -> float:
    return round(count / total, _DIGITS) if total else 0.0
