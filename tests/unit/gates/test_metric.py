"""The metric check: what may be declared, and the four outcomes of an estimate."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlspec.core.verdict import Estimate, Outcome
from mlspec.gates.judge import Bar, estimate_text, judge, number_text, rows_to_decide
from mlspec.gates.metric import MetricCheck, where_text


def verdict_on(spec: MetricCheck, estimate: Estimate) -> tuple[Outcome, str]:
    return judge(spec.metric, estimate, Bar(spec.min, spec.max), where_text(spec.where))


BEST_FIRST = (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL)
finite = st.floats(-1e6, 1e6)


def declared(**fields: Any) -> MetricCheck:
    """Make a check as parsing a spec does."""
    return MetricCheck.model_validate_json(json.dumps({"check": "metric", "metric": "roc_auc", **fields}))


def anywhere(**fields: Any) -> MetricCheck:
    """A check of a metric that has no range, so that a bound may lie anywhere."""
    return declared(metric="log_loss", **fields)


def found(value: float | None, low: float | None, high: float | None, n: int = 8140) -> Estimate:
    return Estimate(value=value, low=low, high=high, n=n, method="delong-logit/1")


ON_EVERY_SIDE = found(0.9266, 0.9216, 0.9316)
JUDGED = {
    "min cleared": (
        declared(min=0.9),
        ON_EVERY_SIDE,
        Outcome.PASS,
        "roc_auc 0.9266 [0.9216, 0.9316] >= 0.9 on 8,140 rows",
    ),
    "min touched": (
        declared(min=0.9216),
        ON_EVERY_SIDE,
        Outcome.PASS,
        "roc_auc 0.9266 [0.9216, 0.9316] >= 0.9216 on 8,140 rows",
    ),
    "min missed": (
        declared(min=0.95),
        ON_EVERY_SIDE,
        Outcome.FAIL,
        "roc_auc 0.9266 [0.9216, 0.9316] < 0.95 on 8,140 rows",
    ),
    "min within, value above": (
        declared(min=0.925),
        ON_EVERY_SIDE,
        Outcome.INCONCLUSIVE,
        "roc_auc 0.9266 [0.9216, 0.9316] straddles 0.925 on 8,140 rows; about 79,493 rows would decide",
    ),
    "min within, value below": (
        declared(min=0.93),
        ON_EVERY_SIDE,
        Outcome.INCONCLUSIVE,
        "roc_auc 0.9266 [0.9216, 0.9316] straddles 0.93 on 8,140 rows; about 17,604 rows would decide",
    ),
    "value on min": (
        declared(min=0.9266),
        ON_EVERY_SIDE,
        Outcome.INCONCLUSIVE,
        "roc_auc 0.9266 [0.9216, 0.9316] straddles 0.9266 on 8,140 rows; "
        "the value lies on the threshold, so no number of rows would decide",
    ),
    "max cleared": (
        declared(max=0.94),
        ON_EVERY_SIDE,
        Outcome.PASS,
        "roc_auc 0.9266 [0.9216, 0.9316] <= 0.94 on 8,140 rows",
    ),
    "max missed": (
        declared(max=0.9),
        ON_EVERY_SIDE,
        Outcome.FAIL,
        "roc_auc 0.9266 [0.9216, 0.9316] > 0.9 on 8,140 rows",
    ),
    "max within": (
        declared(max=0.93),
        ON_EVERY_SIDE,
        Outcome.INCONCLUSIVE,
        "roc_auc 0.9266 [0.9216, 0.9316] straddles 0.93 on 8,140 rows; about 17,604 rows would decide",
    ),
    "both cleared": (
        declared(min=0.9, max=0.94),
        ON_EVERY_SIDE,
        Outcome.PASS,
        "roc_auc 0.9266 [0.9216, 0.9316] >= 0.9 and <= 0.94 on 8,140 rows",
    ),
    "one missed, one within": (
        declared(min=0.8, max=0.85),
        found(0.9, 0.86, 0.94),
        Outcome.FAIL,
        "roc_auc 0.9000 [0.8600, 0.9400] > 0.85 on 8,140 rows",
    ),
    "both within": (
        declared(min=0.925, max=0.93),
        ON_EVERY_SIDE,
        Outcome.INCONCLUSIVE,
        "roc_auc 0.9266 [0.9216, 0.9316] straddles 0.925 and 0.93 on 8,140 rows; about 79,493 rows would decide",
    ),
    "undefined": (
        declared(min=0.5),
        Estimate(value=None, n=100, method="undefined: 3 of 100 predictions are missing or not finite"),
        Outcome.FAIL,
        "roc_auc has no value on 100 rows: 3 of 100 predictions are missing or not finite",
    ),
    "not a number": (
        declared(min=0.5),
        found(float("nan"), None, None, 100),
        Outcome.FAIL,
        "roc_auc has no value on 100 rows: delong-logit/1",
    ),
    "no interval": (
        declared(min=0.5),
        Estimate(value=0.7, n=60, method="none: a class with 2 rows cannot show how such rows vary"),
        Outcome.INSUFFICIENT,
        "roc_auc 0.7000 has no interval on 60 rows: a class with 2 rows cannot show how such rows vary",
    ),
    "half an interval, missed": (declared(max=1), found(3, 3, None), Outcome.FAIL, "roc_auc 3.000 > 1 on 8,140 rows"),
    "half an interval, not missed": (
        declared(max=1),
        Estimate(value=0.5, low=0.5, n=60, method="none: it may be larger"),
        Outcome.INSUFFICIENT,
        "roc_auc 0.5000 has no interval on 60 rows: it may be larger",
    ),
    "a slice": (
        declared(min=0.9, where={"sex": "Female", "race": ["Black", "Other"], "new": True}),
        ON_EVERY_SIDE,
        Outcome.PASS,
        "roc_auc 0.9266 [0.9216, 0.9316] >= 0.9 on 8,140 rows "
        "where sex is Female and race is Black or Other and new is true",
    ),
}


@pytest.mark.parametrize(("spec", "estimate", "outcome", "reason"), JUDGED.values(), ids=JUDGED)
def test_an_estimate_is_judged_by_its_interval(
    spec: MetricCheck, estimate: Estimate, outcome: Outcome, reason: str
) -> None:
    assert verdict_on(spec, estimate) == (outcome, reason)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    low, value, high = sorted(draw(st.tuples(finite, finite, finite)))
    return found(value, low, high, draw(st.integers(1, 10**7)))


@given(estimates(), finite, finite)
def test_a_higher_bar_never_helps(estimate: Estimate, some: float, other: float) -> None:
    lenient, strict = sorted((some, other))
    for least, most in (
        (anywhere(min=lenient), anywhere(min=strict)),
        (anywhere(max=strict), anywhere(max=lenient)),
    ):
        assert BEST_FIRST.index(verdict_on(least, estimate)[0]) <= BEST_FIRST.index(verdict_on(most, estimate)[0])


@given(estimates(), finite)
def test_min_and_max_are_mirror_images(estimate: Estimate, bar: float) -> None:
    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    mirrored = found(-estimate.value, -estimate.high, -estimate.low, estimate.n)
    assert verdict_on(anywhere(min=bar), estimate)[0] is verdict_on(anywhere(max=-bar), mirrored)[0]


@given(estimates(), finite)
def test_an_inconclusive_verdict_needs_more_rows_than_it_had(estimate: Estimate, bar: float) -> None:
    needed = rows_to_decide(estimate, bar)
    if verdict_on(anywhere(min=bar), estimate)[0] is Outcome.INCONCLUSIVE and needed is not None:
        assert needed >= estimate.n


@pytest.mark.parametrize(
    ("number", "marks", "text"),
    [
        (0.92661, (), "0.9266"),
        (0.5, (), "0.5000"),
        (1.0, (), "1.000"),
        (1234.5, (), "1234"),
        (123456.7, (), "123,500"),
        (-0.00001234, (), "-1.234e-05"),
        (0.0, (), "0.000"),
        (0.899996, (0.9,), "0.899996"),
        (0.900004, (0.9,), "0.900004"),
        (0.9, (0.9,), "0.9000"),
    ],
)
def test_numbers_have_four_digits_or_as_many_as_tell_them_from_the_threshold(
    number: float, marks: tuple[float, ...], text: str
) -> None:
    assert number_text(number, marks) == text


def test_an_undefined_estimate_has_a_text() -> None:
    assert estimate_text(found(None, None, None)) == "undefined"


INVALID = {
    "no bound": ({}, "give `min`, `max` or both"),
    "min above max": ({"min": 0.9, "max": 0.8}, "min 0.9 is above max 0.8"),
    "text for a number": ({"min": "0.9"}, "valid number"),
    "confidence of one": ({"min": 0.9, "confidence": 1}, "less than 1"),
    "confidence of a coin": ({"min": 0.9, "confidence": 0.4}, "greater than or equal to 0.5"),
    "no rows": ({"min": 0.9, "min_rows": 0}, "greater than or equal to 1"),
    "empty list": ({"min": 0.9, "where": {"sex": []}}, "at least one value"),
    "nothing": ({"min": 0.9, "where": {"sex": None}}, "must be text, a number"),
    "a range": ({"min": 0.9, "where": {"age": {"min": 3}}}, "must be text, a number"),
    "a list of lists": ({"min": 0.9, "where": {"age": [[3]]}}, "must be text, a number"),
    "unknown field": ({"min": 0.9, "minimum": 0.9}, "Extra inputs"),
}


@pytest.mark.parametrize(("fields", "message"), INVALID.values(), ids=INVALID)
def test_what_makes_no_sense_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        declared(**fields)


@pytest.mark.parametrize("field", ["min", "max"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_bound_is_finite(field: str, value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        MetricCheck(check="metric", metric="roc_auc", **{field: value})  # type: ignore[arg-type]


def test_a_check_says_what_it_reads() -> None:
    spec = declared(min=0.9, where={"sex": "Female", "age": [30, 40]})
    assert (spec.metric_names(), spec.column_names()) == (("roc_auc",), ("sex", "age"))
    assert where_text(spec.where) == " where sex is Female and age is 30 or 40"


def test_declaring_a_check_loads_no_heavy_library() -> None:
    script = (
        "import sys, mlspec.gates.metric; print(sorted({'numpy', 'scipy', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
