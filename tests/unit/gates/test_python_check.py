"""The python check on what a function said: each outcome, and what never is a pass."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from mlspec.core.verdict import CheckVerdict, Outcome
from mlspec.gates.python import PythonCheck
from mlspec.gates.python_check import check
from mlspec.stats.case import Case, Question, Said
from mlspec.stats.evidence import Evidence

WIDE = Said(0.8, 0.7, 0.9)
CASES = {
    "pass": ({"min": 0.6}, WIDE, Outcome.PASS, "`c.py:f` 0.8000 [0.7000, 0.9000] >= 0.6 on 100 rows"),
    "fail": ({"max": 0.6}, WIDE, Outcome.FAIL, "`c.py:f` 0.8000 [0.7000, 0.9000] > 0.6 on 100 rows"),
    "inconclusive": ({"min": 0.75}, WIDE, Outcome.INCONCLUSIVE, "straddles 0.75 on 100 rows; about 400 rows would"),
    "says yes": (
        {},
        Said(passes=True, reason="cheap"),
        Outcome.PASS,
        "`c.py:f` says that it passes on 100 rows: cheap",
    ),
    "says no": ({}, Said(passes=False), Outcome.FAIL, "`c.py:f` says that it does not pass on 100 rows"),
    "no interval": ({"min": 0.1}, Said(0.8), Outcome.INSUFFICIENT, "returned no `low` and `high`"),
    "raised": ({}, Said(problem="it raised"), Outcome.INSUFFICIENT, "`c.py:f` gave no verdict: it raised"),
    "yes for a bound": ({"min": 0.1}, Said(passes=True), Outcome.INSUFFICIENT, "the check has a bound, so return"),
    "a value without bound": ({}, WIDE, Outcome.INSUFFICIENT, "the check has no bound, so return"),
    "too few rows": ({"min_rows": 101}, Said(passes=True), Outcome.INSUFFICIENT, "only 100 rows; 101 are needed"),
}


def declared(**fields: Any) -> PythonCheck:
    return PythonCheck.model_validate_json(json.dumps({"check": "python", "function": "c.py:f", **fields}))


def judged(said: Said, **fields: Any) -> CheckVerdict:
    codes, asked = np.zeros(100, dtype=np.int64), list[Question]()

    def call(question: Question) -> Said:
        asked.append(question)
        return said

    (verdict,) = check(declared(**fields), Case(Evidence("classification", 1, (0, 1), codes, codes), call=call))
    assert len(asked) == (fields.get("min_rows", 50) <= 100)
    return verdict


@pytest.mark.parametrize("case", CASES)
def test_each_outcome(case: str) -> None:
    fields, said, outcome, reason = CASES[case]
    verdict = judged(said, **fields)
    assert verdict.outcome is outcome and reason in verdict.reason


def test_the_verdict_says_what_was_asked_and_by_how_much() -> None:
    verdict = judged(WIDE, min=0.6, level="warn")
    assert (verdict.against, verdict.level, verdict.margin) == ("c.py:f", "warn", pytest.approx(0.1))
    assert verdict.estimate is not None and verdict.estimate.method == "python/1"


@pytest.mark.parametrize(
    "fields",
    [{"function": "c.f"}, {"function": "c.py:1"}, {"timeout": "soon"}, {"min": 2, "max": 1}, {"code": ["../x.py"]}],
)
def test_what_cannot_be_meant_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        declared(**fields)
