"""Bounds that a gate puts on a metric must lie where its values may: an accuracy is a share, and 90 is none."""

from __future__ import annotations

import math

from mlspec.core.metrics import METRICS
from mlspec.specs.base import MisplacedError


def check_bound(name: str, field: str, bound: float | None) -> None:
    """Refuse a bound outside the range of a metric, at its field; an unknown metric is another's to refuse.

    Raises:
        MisplacedError: no value of the metric lies there.
    """
    metric = METRICS.get(name)
    if metric is None or bound is None or metric.range[0] <= bound <= metric.range[1]:
        return
    raise MisplacedError(f"`{name}` {_range_text(*metric.range)}, never {bound:g}{_share(name, bound)}", field)


def check_distance(name: str, field: str, distance: float | None) -> None:
    """Refuse a distance of two values of a metric that is wider than its range, at its field.

    Raises:
        MisplacedError: no two values lie so far apart.
    """
    metric = METRICS.get(name)
    if metric is None or distance is None or distance <= metric.range[1] - metric.range[0]:
        return
    text = f"`{name}` {_range_text(*metric.range)}: no two values are {distance:g} apart{_share(name, distance)}"
    raise MisplacedError(text, field)


def _range_text(low: float, high: float) -> str:
    if (low, high) == (0, 1):
        return "is a share, from 0 to 1"
    return f"is at most {high:g}" if math.isinf(low) else f"is from {low:g} to {high:g}"


def _share(name: str, given: float) -> str:
    """Say what a share was perhaps meant to be that was given in percent."""
    return f"; give {given / 100:g}, not {given:g}" if METRICS[name].range == (0, 1) and 1 < given <= 100 else ""
