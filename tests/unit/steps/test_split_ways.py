"""Splits by time, by group and by a column: what is documented of them, for any rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.steps.contract import check
from mlspec.steps.split import split
from tests.tables import declare

BY_TIME = declare("n:integer", "t:integer:time", split={"by": "time", "test": 0.25})
BY_DATE = declare("t:date:time", split={"by": "time", "test": 0.5})
BY_GROUP = declare("n:integer", "g:string:group", split={"by": "group", "seed": 7})
BY_COLUMN = declare("n:integer", "side:string:ignore", split={"by": "column", "column": "side"})
TIMES = st.lists(st.integers(0, 12), min_size=1, max_size=40)


def timed(times: list[Any]) -> pd.DataFrame:
    return pd.DataFrame({"n": range(len(times)), "t": times})


@given(TIMES)
def test_whatever_is_for_testing_is_later_than_whatever_is_for_training(times: list[int]) -> None:
    test = split(timed(times), BY_TIME)
    found = np.array(times)
    assert not test.any() or found[test].min() > found[~test].max()


@given(TIMES)
def test_the_share_is_reached_with_as_few_moments_as_it_takes(times: list[int]) -> None:
    test = split(timed(times), BY_TIME)
    found, wanted = np.array(times), max(int(len(times) * 0.25 + 0.5), 1)
    if len(set(times)) == 1:
        assert not test.any()
    elif test.sum() < wanted:  # only where more would leave nothing to train on
        assert set(found[~test]) == {found.min()}
    else:
        assert (found[test] > found[test].min()).sum() < wanted


@given(TIMES, st.randoms())
@settings(deadline=None)
def test_the_order_of_rows_is_nothing_to_time(times: list[int], random: Any) -> None:
    order = random.sample(range(len(times)), len(times))
    shuffled = split(timed([times[n] for n in order]), BY_TIME)
    assert shuffled.tolist() == split(timed(times), BY_TIME)[order].tolist()


@given(TIMES, st.lists(st.integers(13, 20), max_size=20))
def test_later_rows_move_the_line_forward_only(times: list[int], later: list[int]) -> None:
    """What was for training stays so when only later rows are added; what was for testing may become training."""
    before, after = split(timed(times), BY_TIME), split(timed(times + later), BY_TIME)
    if len(set(times)) > 1:
        assert not (after[: len(times)] & ~before).any()


def test_dates_and_gaps() -> None:
    days = pd.Series(pd.to_datetime(["2026-01-03", None, "2026-01-01", "2026-01-02"]), dtype="datetime64[us]")
    assert split(pd.DataFrame({"t": days}), BY_DATE).tolist() == [True, False, False, True]
    whole = pd.array([3, None, 1, 2], dtype="Int64")
    assert split(timed(list(whole)).assign(t=whole), BY_TIME).tolist() == [True, False, False, False]
    assert split(pd.DataFrame({"t": pd.Series([None, None], dtype=object)}), BY_DATE).tolist() == [False, False]


GROUPS = st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60)


@given(GROUPS, GROUPS)
def test_no_group_is_on_both_sides_and_each_keeps_its_own(groups: list[str], more: list[str]) -> None:
    frame = pd.DataFrame({"n": range(len(groups + more)), "g": groups + more})
    test = split(frame, BY_GROUP)
    assert frame.assign(test=test).groupby("g")["test"].nunique().max() == 1
    assert split(frame.iloc[: len(groups)], BY_GROUP).tolist() == test[: len(groups)].tolist()


# Models are trained on these rows for ever.
def test_golden_groups() -> None:
    test = split(pd.DataFrame({"n": 0, "g": list("abcdefghijklmnopqrst")}), BY_GROUP)
    keyed = declare("g:string:id", split={"seed": 7})
    assert test.tolist() == split(pd.DataFrame({"g": list("abcdefghijklmnopqrst")}), keyed).tolist()
    assert "".join("T" if one else "." for one in test) == GOLDEN


GOLDEN = ".T......TTT........T"


@given(st.lists(st.sampled_from(["train", "test"]), min_size=1, max_size=20))
def test_a_column_says_it(sides: list[str]) -> None:
    frame = pd.DataFrame({"n": range(len(sides)), "side": sides})
    assert split(frame, BY_COLUMN).tolist() == [side == "test" for side in sides]


@pytest.mark.parametrize(
    ("dataset", "columns", "rule", "said"),
    [
        (
            BY_TIME,
            {"n": [1, 2, 3], "t": [1.0, None, 3.0]},
            "split/time",
            "the time is missing, by which rows are split",
        ),
        (BY_GROUP, {"n": [1, 2], "g": ["a", None]}, "split/group", "the group is missing, by which rows are split"),
        (BY_COLUMN, {"n": [1, 2], "side": ["test", "Train"]}, "split/column", "the value is neither train nor test"),
        (BY_COLUMN, {"n": [1, 2], "side": ["test", None]}, "split/column", "the value is neither train nor test"),
    ],
)
def test_rows_without_a_side_are_refused(dataset: Any, columns: dict[str, Any], rule: str, said: str) -> None:
    (violation,) = check(pd.DataFrame(columns), dataset)
    assert (violation.rule, violation.rows, violation.message.partition(": ")[2]) == (rule, (2,), said)


def test_all_at_one_time_is_told() -> None:
    (violation,) = check(timed([5, 5, 5]), BY_TIME)
    assert violation.message == "the test split has no rows: 3 train, 0 test"
