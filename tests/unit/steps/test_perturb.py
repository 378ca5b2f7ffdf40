"""Changed rows: each perturbation does what it says, to nothing else, and always the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.specs.dataset import Column
from mlspec.steps.frames import fields_of, table_of, typed
from mlspec.steps.perturb import _mistyped, changes, sampled

N = 400
RANDOM = np.random.default_rng(3)
COLUMNS = [
    Column(name="age", type="integer"),
    Column(name="pay", type="number"),
    Column(name="size", type="category", values=("S", "M", "L")),
    Column(name="job", type="string", values=("cook", "smith")),
    Column(name="paid", type="boolean"),
    Column(name="note", type="text"),
    Column(name="born", type="date"),
    Column(name="same", type="number"),
]
ROWS: dict[str, Any] = {
    "age": RANDOM.integers(17, 90, N),
    "pay": np.where(np.arange(N) % 5, RANDOM.normal(1000, 50, N), np.nan),
    "size": RANDOM.choice(["S", "M", "L"], N),
    "job": RANDOM.choice(["cook", "smith", "odd"], N),
    "paid": RANDOM.random(N) < 0.5,
    "note": [f"Note {n}" for n in range(N)],
    "born": pd.to_datetime("2000-01-01") + pd.to_timedelta(np.arange(N), unit="D"),
    "same": np.ones(N),
}
FRAME = typed(pd.DataFrame(ROWS), fields_of(COLUMNS))


def changed(perturbations: dict[str, float], columns: tuple[str, ...] = (), **more: Any) -> dict[str, pd.Series[Any]]:
    asks = {"perturbations": perturbations, "columns": list(columns), **more}
    return {f"{what} {name}": values for what, name, values in changes(asks, COLUMNS, FRAME, FRAME, 0)}


def cells(name: str, after: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which cells differ."""
    before = FRAME[name]
    return ~((before == after) | (before.isna() & after.isna())).to_numpy(dtype=bool)


def test_noise_is_normal_and_leaves_whole_numbers_whole() -> None:
    found = changed({"noise": 0.5})
    assert list(found) == ["noise age", "noise pay"], "a constant column has no deviations to shift it by"
    assert (found["noise age"] % 1 == 0).all()
    shift = (found["noise pay"] - FRAME["pay"]).dropna() / FRAME["pay"].std(ddof=0)
    assert shift.mean() == pytest.approx(0, abs=0.1) and shift.std() == pytest.approx(0.5, abs=0.08)
    assert found["noise pay"].isna().equals(FRAME["pay"].isna())


def test_a_share_goes_missing_or_all() -> None:
    found = changed({"missing": 0.1, "drop": 1.0})
    assert len(found) == 2 * len(COLUMNS)
    assert all(cells(name, found[f"missing {name}"]).sum() == 40 for name in ("age", "size", "note", "born", "paid"))
    assert cells("pay", found["missing pay"]).sum() == 32, "of the cells that hold something"
    assert all(found[f"drop {column.name}"].isna().all() for column in COLUMNS)


def test_a_swap_is_to_another_value_that_training_saw_and_the_spec_lists() -> None:
    found = changed({"swap": 0.25})
    assert list(found) == ["swap size", "swap job", "swap paid"]
    for name, allowed in (("size", {"S", "M", "L"}), ("job", {"cook", "smith"}), ("paid", {True, False})):
        after = found[f"swap {name}"]
        assert cells(name, after).sum() == 100 and set(after[cells(name, after)]) <= allowed
    one = FRAME.assign(job="cook")
    asks = {"perturbations": {"swap": 0.5}, "columns": ["job"]}
    assert list(changes(asks, COLUMNS, one, one, 0)) == [], "there is no other value"


def test_a_unit_error_multiplies_a_share() -> None:
    found = changed({"unit_error": 1000.0}, ("age", "pay", "note"), unit_error_share=0.1)
    assert list(found) == ["unit_error age", "unit_error pay"]
    hit = cells("age", found["unit_error age"])
    assert hit.sum() == 40 and (found["unit_error age"][hit] == 1000 * FRAME["age"][hit]).all()
    huge = changed({"unit_error": 1e300}, ("age",), unit_error_share=1.0)
    assert huge["unit_error age"].max() == 2.0**53, "as large as a whole number can be told exactly"


def test_typos_change_texts_only_and_every_one_that_is_hit() -> None:
    found = changed({"typos": 0.5})
    assert list(found) == ["typos job", "typos note"]
    assert cells("note", found["typos note"]).sum() == 200


@given(st.text(max_size=8), st.integers(0, 2**32 - 1))
def test_a_typo_is_an_error(text: str, seed: int) -> None:
    wrong = _mistyped(text, np.random.RandomState(seed))
    assert (wrong not in (text, "") and abs(len(wrong) - len(text)) <= 1) or wrong == text.swapcase()


def test_each_is_of_its_columns_type_and_the_same_whatever_else_is_asked() -> None:
    every = changed({"noise": 0.5, "missing": 0.1, "drop": 1, "swap": 0.2, "unit_error": 60, "typos": 0.1})
    fields = {field.name: field for field in fields_of(COLUMNS)}
    for name, values in every.items():
        column = name.partition(" ")[2]
        table_of(values.to_frame(column), [fields[column]])
    alone = changed({"swap": 0.2}, ("job",))
    assert alone["swap job"].equals(every["swap job"])
    assert changed({"swap": 0.2}, ("job",))["swap job"].equals(alone["swap job"])


def test_a_draw_of_rows_is_in_order_and_the_same() -> None:
    assert sampled(5, 9, 0).tolist() == [0, 1, 2, 3, 4]
    drawn = sampled(1000, 100, 0)
    assert len(set(drawn.tolist())) == 100 and (np.diff(drawn) > 0).all() and drawn.max() < 1000
    assert (drawn == sampled(1000, 100, 0)).all() and (drawn != sampled(1000, 100, 1)).any()
