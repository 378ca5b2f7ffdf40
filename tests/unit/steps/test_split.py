"""The split: golden assignments that may never change, and the laws that a user counts on."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mlspec.specs.dataset import Dataset
from mlspec.steps.split import split
from tests.tables import declare

KEYED = ("id:string:id", "x:number", "city:string", "member:boolean", "n:integer")
KEYLESS = KEYED[1:]


def declared(*columns: str, **how: Any) -> Dataset:
    return declare(*columns, split=how)


def table(rows: int) -> pd.DataFrame:
    """Rows with every type, its gaps, and what a careless way of writing cells would confuse."""
    numbers = np.arange(rows)
    return pd.DataFrame(
        {
            "id": [f"r{n}" for n in numbers],
            "x": np.where(numbers % 5 == 0, np.nan, numbers / 8 - 1),
            "city": pd.Series([None if n % 7 == 0 else ("Ulm", "Köln", "", "1")[n % 4] for n in numbers], dtype=object),
            "member": pd.Series([None if n % 6 == 0 else n % 2 == 0 for n in numbers], dtype=object),
            "n": pd.array([None if n % 9 == 0 else 2**53 + n for n in numbers], dtype="Int64"),
        }
    )


def drawn(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> str:
    return "".join("T" if test else "." for test in mask)


# Models are trained on these rows for ever: a change here trains every model of every user again.
GOLDEN = {
    "hash by id": (KEYED, {"test": 0.25, "seed": 7}, ".T........T....T.....T...TT..T.T.......T"),
    "hash by row": (KEYLESS, {"test": 0.25, "seed": 7}, "..........T...T..T...T...T.TT..T..T....T"),
    "hash by row, another seed": (KEYLESS, {"test": 0.25, "seed": 8}, "T.T...TTT.T..........T....TT.........T.."),
    "random": (KEYED, {"test": 0.25, "by": "random", "seed": 7}, ".TT......T.......TT...T.........T.T.TT.."),
    "stratified by text": (
        KEYED,
        {"test": 0.25, "by": "random", "seed": 7, "stratify": "city"},
        "..........TTT..T....T....T..T.....TT.T..",
    ),
    "stratified by truth": (
        KEYED,
        {"test": 0.25, "by": "random", "seed": 7, "stratify": "member"},
        "...T......TTT.......T..T.T....T.T..T....",
    ),
}


@pytest.mark.parametrize(("columns", "how", "expected"), GOLDEN.values(), ids=list(GOLDEN))
def test_golden(columns: tuple[str, ...], how: dict[str, Any], expected: str) -> None:
    assert drawn(split(table(40), declared(*columns, **how))) == expected


def test_hash_is_the_one_the_documentation_gives() -> None:
    """The formula again, from its words: 64 bits of sha256 of the seed and the id, below the share."""
    ids = [f"r{n}" for n in range(200)]
    heads = [hashlib.sha256(f"mlspec/split/1 7\0{key}".encode()).hexdigest()[:16] for key in ids]
    expected = [int(head, 16) / 2**64 < 0.25 for head in heads]
    assert split(table(200), declared(*KEYED, seed=7)).tolist() == expected


@given(st.data())
@settings(deadline=None)
def test_rows_keep_their_side_as_data_grows(data: st.DataObject) -> None:
    columns = data.draw(st.sampled_from([KEYED, KEYLESS]))
    dataset = declared(*columns, test=data.draw(st.floats(0.05, 0.95)), seed=data.draw(st.integers(0, 2**32 - 1)))
    kept = data.draw(st.lists(st.integers(0, 59), min_size=1, unique=True))
    assert split(table(60).iloc[kept], dataset).tolist() == split(table(60), dataset)[kept].tolist()


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30))
def test_equal_rows_stay_together(numbers: list[int]) -> None:
    frame = pd.DataFrame({"n": numbers})
    test = split(frame, declared("n:integer"))
    assert frame.assign(test=test).groupby("n")["test"].nunique().max() == 1


def test_a_cell_is_written_in_one_form_whatever_type_holds_it() -> None:
    whole, gaps = [3, 2**40, -1], [3, 2**40, -1, None]
    forms = [pd.Series(whole), pd.Series(gaps, dtype="float64"), pd.Series(gaps, dtype="Int64")]
    masks = {drawn(split(pd.DataFrame({"n": form}), declared("n:integer", test=0.5))[:3]) for form in forms}
    assert len(masks) == 1
    signs = split(pd.DataFrame({"x": [0.0, -0.0]}), declared("x:number", test=0.5, seed=1))
    assert signs[0] == signs[1]


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 0.8])
def test_the_share_of_a_hash_is_close_to_the_one_asked_for(share: float) -> None:
    """As close as a binomial draw: outside of 1 in 10,000 the hash would be biased."""
    for seed in range(5):
        test = split(pd.DataFrame({"id": np.arange(20_000)}), declared("id:integer:id", test=share, seed=seed))
        assert stats.binomtest(int(test.sum()), len(test), share).pvalue > 1e-4


def test_seeds_are_independent() -> None:
    frame = pd.DataFrame({"id": np.arange(20_000)})
    one, other = (split(frame, declared("id:integer:id", test=0.5, seed=seed)) for seed in (1, 2))
    assert stats.chi2_contingency(pd.crosstab(one, other)).pvalue > 1e-4


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_random_takes_exactly_the_share(rows: int, share: float, seed: int) -> None:
    test = split(pd.DataFrame({"n": np.arange(rows)}), declared("n:integer", test=share, by="random", seed=seed))
    assert abs(int(test.sum()) - rows * share) <= 1
    assert 0 < test.sum() < rows


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=2, max_size=200), st.floats(0.1, 0.9))
@settings(deadline=None)
def test_stratified_keeps_the_share_within_each_value(values: list[str | None], share: float) -> None:
    frame = pd.DataFrame({"n": np.arange(len(values)), "s": pd.Series(values, dtype=object)})
    how = {"test": share, "by": "random", "stratify": "s"}
    test = split(frame, declared("n:integer", "s:string", **how))
    total = int(test.sum())
    assert total == int(split(frame, declared("n:integer", "s:string", test=share, by="random")).sum())
    for value in set(values):
        rows = np.array([other == value for other in values])
        assert abs(test[rows].sum() - rows.sum() * total / len(values)) < 1


def test_of_fewer_than_two_rows_none_is_drawn() -> None:
    assert split(pd.DataFrame({"n": [1]}), declared("n:integer", by="random")).tolist() == [False]
