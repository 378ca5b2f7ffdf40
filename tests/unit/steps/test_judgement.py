"""What a function that judges may return: each form, and all that is none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlspec.core.problem import MlspecError
from mlspec.steps.boundary import Boundary, ChildFailed
from mlspec.steps.child_judge import judged_data
from mlspec.steps.frames import Field
from mlspec.steps.judgement import answer_of, checked
from mlspec.steps.predictions import Predictions
from mlspec.steps.wire import JudgeAnswer

PAGE = Path(__file__).resolve().parents[3] / "docs" / "kinds" / "gate.md"
FIELDS = (
    Field("age", "integer", "feature"),
    Field("answer", "string", "target"),
    Field("size", "number", "weight"),
)
GOOD = {
    "true": (True, JudgeAnswer(passes=True)),
    "numpy's false": (np.bool_(False), JudgeAnswer(passes=False)),
    "a reason": ({"passes": False, "reason": "too\n dear"}, JudgeAnswer(passes=False, reason="too dear")),
    "an interval": ({"value": 0.8, "low": 0.7, "high": 0.9}, JudgeAnswer(0.8, 0.7, 0.9)),
    "its confidence": (
        {"value": 1, "low": 0, "high": 2, "confidence": 0.9},
        JudgeAnswer(1.0, 0.0, 2.0, confidence=0.9),
    ),
    "numbers of numpy": (
        {"value": np.float32(0.5), "low": np.int64(0), "high": np.array(1.0)},
        JudgeAnswer(0.5, 0.0, 1.0),
    ),
    "no interval": ({"value": 3, "low": None, "high": None}, JudgeAnswer(3.0)),
}
BAD: dict[str, tuple[Any, str]] = {
    "nothing": (None, "it returned nothing"),
    "a number": (0.8, "it returned a float"),
    "a text": ("pass", "it returned a str"),
    "a frame": (pd.DataFrame(), "it returned a DataFrame"),
    "an empty mapping": ({}, "either a `value` or `passes`"),
    "both": ({"value": 1, "passes": True}, "either a `value` or `passes`"),
    "an unknown key": ({"value": 1, "lower": 0}, "a key `lower`"),
    "a text for yes": ({"passes": "yes"}, "`passes` is a str"),
    "one for yes": ({"passes": 1}, "`passes` is a int"),
    "NaN": ({"value": float("nan"), "low": 0, "high": 1}, "`value` is not finite"),
    "infinity": ({"value": 1, "low": 0, "high": np.inf}, "`high` is not finite"),
    "a huge integer": ({"value": 10**400}, "`value` is not finite"),
    "true for a number": ({"value": True}, "`value` is true or false"),
    "a text for a number": ({"value": "0.8"}, "`value` is a str"),
    "no value": ({"value": None, "low": 0, "high": 1}, "`value` is nothing"),
    "an array": ({"value": np.array([1.0, 2.0])}, "`value` is a ndarray"),
    "low above high": ({"value": 0.5, "low": 0.9, "high": 0.1}, "does not lie between"),
    "a value outside": ({"value": 2, "low": 0, "high": 1}, "does not lie between"),
    "one bound": ({"value": 0.5, "low": 0.4}, "`low` and `high` go together"),
    "bounds of a yes": ({"passes": True, "low": 0, "high": 1}, "go with a `value`"),
    "certainty": ({"value": 0.5, "low": 0.4, "high": 0.6, "confidence": 1.0}, "`confidence`"),
    "a number for a reason": ({"passes": True, "reason": 3}, "`reason` is a int"),
    "a huge text": ({"passes": True, "reason": "x" * 1_000_000}, "1,000,000 characters"),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_clear_is_taken(case: str) -> None:
    returned, answer = GOOD[case]
    assert answer_of(returned) == answer


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_clear_is_refused_in_words(case: str) -> None:
    returned, said = BAD[case]
    with pytest.raises(MlspecError) as refused:
        answer_of(returned)
    (problem,) = refused.value.problems
    assert problem.code == "judge/nonsense" and said in problem.message and problem.help


@pytest.mark.parametrize(
    "claim",
    [
        JudgeAnswer(float("nan"), 0.0, 1.0),
        JudgeAnswer(),
        JudgeAnswer(0.5, 0.9, 0.1),
        JudgeAnswer(passes=True, reason="x" * 601),
        JudgeAnswer(0.5, 0.4, 0.6, confidence=float("inf")),
    ],
)
def test_what_a_child_left_is_a_claim(claim: JudgeAnswer) -> None:
    with pytest.raises(MlspecError):
        checked(claim)


def rows() -> tuple[pd.DataFrame, Predictions]:
    answers = ["yes" if row % 3 else "no" for row in range(60)]
    frame = pd.DataFrame({"age": range(60), "answer": answers, "size": 1}, index=range(7, 67))
    scores = np.tile([0.25, 0.75], (60, 1))
    return frame, Predictions(np.array(["yes"] * 60, dtype=object), ("no", "yes"), scores)


def test_a_function_gets_the_rows_beside_what_was_said_of_them() -> None:
    frame, said = rows()
    given = judged_data(frame, FIELDS, said)
    assert list(given.frame.columns) == ["age", "size"] and list(given.labels[:2]) == ["no", "yes"]
    assert given.scores is not None and list(given.scores.columns) == ["no", "yes"]
    assert given.weight is not None and given.weight.dtype == "float64"
    for part in (given.labels, given.predicted, given.scores, given.weight):
        assert part.index.equals(frame.index)
    bare = judged_data(frame.drop(columns="size"), FIELDS[:2], Predictions(said.predicted))
    assert bare.scores is None and bare.weight is None


def test_the_function_of_the_page_judges() -> None:
    (shown,) = re.findall(r"^```python\n(# checks/cost.py\n.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(shown, "cost.py", "exec"), names)
    answer = answer_of(names["judge"](judged_data(rows()[0], FIELDS, rows()[1]), {"miss": 20, "alarm": 1}))
    assert answer.value == pytest.approx(1 / 3)
    assert answer.low is not None and answer.high is not None and 0.1 < answer.low < answer.high < 0.6


@pytest.mark.parametrize("ends", [SystemExit("x" * 1_000_000), ValueError("x" * 1_000_000)])
def test_a_huge_text_is_cut_however_it_comes(ends: BaseException, tmp_path: Path) -> None:
    def judge() -> None:
        raise ends

    with pytest.raises(ChildFailed) as failed:
        Boundary(tmp_path, "`judge`", "judge/raised").call(judge)
    assert len(failed.value.failure.message) < 700
