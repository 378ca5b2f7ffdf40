"""Two versions side by side: only what differs, whatever it is called, and what could not be compared."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mlspec.core.beside import Beside
from mlspec.core.comparison import Change, ColumnChange, Comparison, MetricPair, Side
from mlspec.core.verdict import Estimate
from mlspec.render.beside_text import beside_lines
from mlspec.render.diff_text import diff_lines
from mlspec.render.text import plain
from tests.hostile import STRINGS

ONE = Estimate(value=0.91234, low=0.9, high=0.92, n=1000, method="m")
NONE = Estimate(value=None, n=10, method="one class only")


def side(version: int, ref: str = "main@9f0c12ab", **facts: Any) -> Side:
    known = {"version": version, "run": f"run {version}", "at": "2026-11-23T06:00:00Z", "ref": ref}
    return Side.model_validate(known | {"dataset": "dataset/adult", "data": f"sha256:{version:064}"} | facts)


def compared(**facts: Any) -> str:
    known: dict[str, Any] = {"model": "model/income", "before": side(2), "after": side(3), "same_test": False}
    return plain(diff_lines(Comparison.model_validate(known | facts)))


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS.keys())
def test_hostile_text_stays_in_its_line(text: str) -> None:
    change, value = Change(field=text, before=text, after=None), Change(field=f"values.{text}", before=0.5, after=0.25)
    column = ColumnChange(column=text[:400], changes=(value, Change(field="mean", before=1.0, after=2.0)))
    parts = dict.fromkeys(("params", "training", "data", "code", "environment"), (change,))
    pair = MetricPair(metric=text, before=ONE, after=ONE)
    page = compared(before=side(2, text), columns=(column,), metrics=(pair,), unknown=(text,), **parts)
    other = compared(
        before=side(2, "x"),
        columns=(column.model_copy(update={"column": "x"}),),
        metrics=(pair.model_copy(update={"metric": "x"}),),
        unknown=("x",),
        **dict.fromkeys(parts, (Change(field="x", before="x"),)),
    )
    assert abs(page.count("\n") - other.count("\n")) <= 1, "a long name or value may take a line of its own"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", page)


def test_a_column_fills_its_lines_and_says_which_values_moved_most() -> None:
    shares = [Change(field=f"values.v{n}", before=0.1, after=0.1 + n / 100) for n in range(9)]
    numbers = [
        Change(field="mean", before=1.00001, after=1.00002),
        Change(field="quantiles.0.5", before=3.0, after=4.5),
        Change(field="quantiles.0.05", before=1.0, after=None),
        Change(field="missing", before=0.0, after=0.125),
        Change(field="distinct", before=1234, after=1235),
    ]
    page = compared(columns=(ColumnChange(column="age", changes=(*numbers, *shares)),))
    assert "mean" not in page, "equal as far as it is written"
    for said in ("median 3 -> 4.5", "p5 1 -> none", "missing 0 % -> 12.5 %", "distinct 1,234 -> 1,235"):
        assert said in page
    assert "v8 10 % -> 18 %" in page
    assert "v1 " not in page
    assert "and 3 more values" in page
    assert max(map(len, page.splitlines())) <= 80


def test_of_many_measures_those_that_say_most_are_shown() -> None:
    shares = ("0.01", "0.05", "0.25", "0.5", "0.75", "0.95", "0.99")
    fields = ("distinct", "max", "mean", "min", *(f"quantiles.{share}" for share in shares), "std")
    changes = tuple(Change(field=field, before=1.0, after=2.0) for field in fields)
    page = compared(columns=(ColumnChange(column="age", changes=changes),))
    assert "max 1 -> 2, mean 1 -> 2, min 1 -> 2, median 1 -> 2, std 1 -> 2,\n" in page
    assert "and 7 more measures\n" in page
    (tail,) = (change for change in changes if change.field == "quantiles.0.99")
    assert "p99 1 -> 2\n" in compared(columns=(ColumnChange(column="age", changes=(tail,)),))


def test_a_value_that_is_listed_on_one_side_only_is_said_to_be() -> None:
    column = ColumnChange(column="town", changes=(Change(field="values.Oslo", before=None, after=0.2),))
    assert "Oslo unlisted -> 20 %" in compared(columns=(column,))


def test_the_table_and_its_columns_stand_below_each_other() -> None:
    column = ColumnChange(column="mean_radius", changes=(Change(field="distinct", before=1, after=2),))
    page = compared(data=(Change(field="content", before="a", after="b"),), columns=(column,))
    assert "\n  bytes        a -> b\n  mean_radius  distinct 1 -> 2\n" in page


def test_a_long_name_moves_all_columns_and_a_very_long_one_has_a_line_of_its_own() -> None:
    changes = (Change(field="distinct", before=1, after=2),)
    names = ("age", "mean_radius_of_the_whole_tumour", "m" * 41)
    page = compared(columns=tuple(ColumnChange(column=name, changes=changes) for name in names[:2]))
    assert f"\n  {'age':31}  distinct 1 -> 2\n  {names[1]}  distinct 1 -> 2\n" in page
    page = compared(columns=tuple(ColumnChange(column=name, changes=changes) for name in names))
    assert f"\n  {names[2]}\n  {'':40}  distinct 1 -> 2\n" in page


@pytest.mark.parametrize(("left", "said"), [(0, None), (1, "and 1 more column,"), (7, "and 7 more columns,")])
def test_of_many_columns_the_first_ten_are_shown(left: int, said: str | None) -> None:
    changes = (Change(field="distinct", before=1, after=2),)
    page = compared(columns=tuple(ColumnChange(column=f"c{n}", changes=changes) for n in range(10 + left)))
    assert page.count("distinct") == 10
    assert (said in page) if said else "more column" not in page


def test_files_and_columns_come_and_go() -> None:
    page = compared(
        code=(Change(field="a.py", before="x"), Change(field="b.py", after="x")),
        columns=(ColumnChange(column="age", changes=(Change(field="column", after="integer feature"),)),),
    )
    assert "  a.py  removed\n  b.py  added\n" in page
    assert "  age        added\n" in page


def test_metrics_that_one_side_lacks_or_that_are_undefined() -> None:
    pairs = (MetricPair(metric="accuracy", after=ONE), MetricPair(metric="log_loss", before=NONE, after=ONE))
    page = compared(metrics=pairs)
    assert "accuracy   not measured" in page
    assert "log_loss   undefined" in page
    assert "lower is better" in compared(metrics=(MetricPair(metric="x", before=ONE, lower_is_better=True),))


def test_metrics_stand_in_columns_however_long_their_numbers_are() -> None:
    long = Estimate(value=0.093171, low=0.087521, high=0.098951, n=4055, method="m")
    pairs = (MetricPair(metric="brier_score", before=long, after=long), MetricPair(metric="r2", before=ONE, after=ONE))
    titles, *rows = [
        text for text in compared(metrics=pairs).splitlines() if text.startswith(("metrics", "  brier", "  r2"))
    ]
    assert {row.index("  0.", 20) for row in rows} == {titles.index("  v3", 20)}


def test_what_could_not_be_compared_is_said_before_what_is_the_same() -> None:
    last = compared(unknown=("the manifest of v2 cannot be read",), same=("params", "code")).splitlines()[-2:]
    assert last == ["note: the manifest of v2 cannot be read", "The same: params, code."]


def test_a_run_without_a_champion_is_shown_alone() -> None:
    found = Beside(
        address="model/income", name="run 0a", run="r", data="d", metrics=(MetricPair(metric="r2", after=ONE),)
    )
    page = plain(beside_lines(found))
    assert "nothing is in a stage to compare it with" in page
    assert "test rows" in page
    assert "same test rows" not in page
