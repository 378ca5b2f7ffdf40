"""What two models say of the same rows is compared exactly, and within a tolerance; missing equals missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlspec.core.reproduction import Artifact, Predicted, judged
from mlspec.core.verdict import Estimate
from mlspec.steps.predictions import Predictions
from mlspec.steps.sameness import metrics, predictions

TOLERANCE = 1e-6


def labels(*values: Any) -> Predictions:
    return Predictions(np.array(values, dtype=object))


def scores(*positive: float, classes: tuple[str, ...] = ("a", "b")) -> Predictions:
    said = np.array([[1 - one, one] for one in positive])
    return Predictions(np.array(["b" if one > 0.5 else "a" for one in positive], dtype=object), classes, said)


def numbers(*values: float) -> Predictions:
    return Predictions(np.array(values))


COMPARED = {
    "equal labels, one of them missing": (labels("a", None), labels("a", None), "equal", 0, 0, None),
    "a label that changed": (labels("a", "b"), labels("a", "a"), "different", 1, 1, None),
    "a label that is missing now": (labels("a", "b"), labels("a", float("nan")), "different", 1, 1, None),
    "equal scores": (scores(0.2, 0.9), scores(0.2, 0.9), "equal", 0, 0, None),
    "scores within the tolerance": (scores(0.2, 0.9), scores(0.2 + 1e-7, 0.9), "close", 0, 0, 1e-7),
    "scores beyond it, and a label": (scores(0.2, 0.9), scores(0.3, 0.4), "different", 2, 1, 0.5),
    "other classes": (scores(0.2), scores(0.2, classes=("b", "a")), "different", 1, 0, None),
    "other rows": (scores(0.2), scores(0.2, 0.9), "different", 2, 0, None),
    "scores where there were none": (labels("a"), scores(0.2), "different", 1, 0, None),
}


@pytest.mark.parametrize(("before", "after", "same", "rows", "changed", "largest"), COMPARED.values(), ids=COMPARED)
def test_classifications(
    before: Predictions, after: Predictions, same: str, rows: int, changed: int, largest: float | None
) -> None:
    found = predictions(before, after, "classification", TOLERANCE)
    assert (found.same, found.rows_differ, found.labels_differ) == (same, rows, changed)
    assert found.largest == (None if largest is None else pytest.approx(largest))


def test_regressions() -> None:
    before = numbers(1.0, 2.0, np.nan)
    assert predictions(before, numbers(1.0, 2.0, np.nan), "regression", TOLERANCE).same == "equal"
    assert predictions(before, numbers(1.0, 2.0 + 1e-7, np.nan), "regression", TOLERANCE).same == "close"
    found = predictions(before, numbers(1.25, 2.0, 3.0), "regression", TOLERANCE)
    assert (found.same, found.rows_differ, found.largest) == ("different", 2, 0.25)


def measured(value: float | None) -> dict[str, Estimate]:
    return {"accuracy": Estimate(value=value, n=10, method="wilson")}


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (0.5, 0.5, "equal"),
        (None, None, "equal"),
        (0.5, 0.5 + 1e-7, "close"),
        (0.5, 0.6, "different"),
        (None, 0.5, "different"),
    ],
)
def test_metrics(before: float | None, after: float | None, same: str) -> None:
    found, differ = metrics(measured(before), measured(after), TOLERANCE)
    assert found == same
    assert list(differ) == ([] if same == "equal" else ["accuracy"])


def test_metrics_of_what_was_never_measured() -> None:
    assert metrics({}, {}, TOLERANCE) == ("none", {})


JUDGED = {
    ("equal", "equal", "equal"): "identical",
    ("close", "equal", "none"): "identical",
    ("equal", "none", "none"): "identical",
    ("different", "equal", "equal"): "equal",
    ("unknown", "equal", "equal"): "equal",
    ("equal", "unknown", "equal"): "equal",
    ("equal", "close", "equal"): "equal",
    ("different", "close", "close"): "equal",
    ("different", "unknown", "close"): "equal",
    ("equal", "different", "equal"): "different",
    ("equal", "equal", "different"): "different",
    ("different", "none", "none"): "different",
    ("unknown", "unknown", "none"): "different",
}


@pytest.mark.parametrize(
    ("seen", "outcome"), JUDGED.items(), ids=lambda seen: " ".join(seen) if isinstance(seen, tuple) else seen
)
def test_the_verdict(seen: tuple[Any, Any, Any], outcome: str) -> None:
    artifact, said, metric = seen
    assert judged(Artifact(digest="", same=artifact), Predicted(same=said, rows=3), metric) == outcome
