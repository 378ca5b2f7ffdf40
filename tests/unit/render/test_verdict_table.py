"""Verdicts as a table: what stands in it, that it fits a terminal or becomes words, and that no text breaks it."""

from __future__ import annotations

import pytest

from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, GroupFact, Outcome
from mlspec.gates.judge import Bar, judge, margin_of
from mlspec.render.text import cells, plain
from mlspec.render.verdict_table import estimate_text, verdict_lines, verdict_table


def checked(what: str, low: float, high: float, bar: Bar, **more: object) -> CheckVerdict:
    """Return the verdict that the judge gives of an interval."""
    found = Estimate(value=(low + high) / 2, low=low, high=high, n=8140, method="wilson/1")
    outcome, reason = judge(what, found, bar)
    fields = {"minimum": bar.minimum, "maximum": bar.maximum, "margin": margin_of(found, bar), **more}
    return CheckVerdict(check="metric", outcome=outcome, metric=what, estimate=found, reason=reason, **fields)


CHECKS = (
    checked("roc_auc", 0.92, 0.94, Bar(0.9)),
    checked("recall", 0.86, 0.92, Bar(0.9), where="sex is Female and age is from 25 to under 40"),
    checked("brier_score", 0.13, 0.15, Bar(maximum=0.12), level="warn"),
    checked("calibration_slope", 0.95, 1.02, Bar(0.9, 1.1)),
    CheckVerdict(check="metric", outcome=Outcome.INSUFFICIENT, metric="f1", reason="only 12 rows; 50 are needed"),
)
GROUPS = (GroupFact(group="sex is Female", n=400, value=0.8, low=0.7, high=0.9, base_rate=0.3),)


def gate(*checks: CheckVerdict) -> GateVerdict:
    return GateVerdict(gate="gate/quality", digest="sha256:0", outcome=Outcome.FAIL, checks=checks)


def shown(columns: int, *checks: CheckVerdict) -> list[str]:
    return plain(verdict_lines([gate(*checks)], columns)).splitlines()


def test_what_has_no_value_says_why_once() -> None:
    nothing = Estimate(value=None, n=9, method="undefined: all rows are of one class")
    assert estimate_text(nothing) == "undefined (all rows are of one class)"
    assert judge("f1 higher than majority by", nothing, Bar(0.0)) == (
        Outcome.FAIL,
        "f1 higher than majority has no value on 9 rows: all rows are of one class",
    )


def test_a_row_says_value_interval_bound_margin_and_rows() -> None:
    rows = shown(0, *CHECKS)
    assert rows[0].split() == ["fail", "gate/quality"]
    assert rows[1].split() == ["outcome", "check", "value", "interval", "bound", "margin", "n"]
    assert rows[2].split() == ["pass", "roc_auc", "0.9300", "[0.9200,", "0.9400]", ">=", "0.9", "+0.02", "8,140"]
    starts = {row.index("0.9300") for row in rows if "0.9300" in row} | {rows[1].index("value")}
    ends = {len(row) for row in rows[1:6] if row.endswith(("n", "8,140"))}
    assert len(starts) == 1 and len(ends) == 1


@pytest.mark.parametrize(
    ("low", "high", "bar", "margin"),
    [
        (0.92, 0.94, Bar(0.9), 0.02),
        (0.86, 0.92, Bar(0.9), -0.04),
        (0.80, 0.85, Bar(0.9), -0.1),
        (0.13, 0.15, Bar(maximum=0.12), -0.03),
        (0.95, 1.02, Bar(0.9, 1.1), 0.05),
    ],
)
def test_the_margin_is_of_the_bound_that_must_clear_the_bar(low: float, high: float, bar: Bar, margin: float) -> None:
    found = Estimate(value=(low + high) / 2, low=low, high=high, n=1, method="")
    assert margin_of(found, bar) == pytest.approx(margin)
    assert (margin >= 0) is (judge("it", found, bar)[0] is Outcome.PASS)


def test_without_a_bound_there_is_no_margin() -> None:
    assert margin_of(None, Bar(0.5)) is None
    assert margin_of(Estimate(value=None, n=3, method="undefined"), Bar(0.5)) is None
    assert margin_of(Estimate(value=1.0, low=1.0, n=3, method="none"), Bar(0.5, 2.0)) is None


def test_what_does_not_pass_says_why_below_itself() -> None:
    rows = shown(0, *CHECKS)
    below = {rows[n].split()[1]: rows[n + 1].strip() for n in range(2, len(rows) - 1)}
    assert below["recall"].endswith("rows would decide")
    assert below["f1"] == "only 12 rows; 50 are needed"
    assert not any("roc_auc" in row for row in rows[3:])


@pytest.mark.parametrize("columns", [100, 140])
def test_it_fits_a_terminal_and_the_long_check_is_broken(columns: int) -> None:
    rows = shown(columns, *CHECKS)
    table = [row for row in rows if "straddles" not in row and " on 8,140 rows" not in row]
    assert all(cells(row) <= columns for row in table)
    assert "outcome" in rows[1] and any("under 40" in row for row in rows)


def test_a_narrow_terminal_gets_words() -> None:
    rows = shown(70, *CHECKS)
    assert "outcome" not in rows[1]
    assert rows[1].split()[:2] == ["pass", "roc_auc"] and ">= 0.9 on 8,140 rows" in rows[1]
    assert any(row.endswith("(warning only)") for row in rows)


def test_wide_characters_do_not_move_the_columns() -> None:
    rows = shown(0, checked("recall", 0.8, 0.9, Bar(0.5), where="\u6570\u636e is \u6570"), CHECKS[0])
    assert cells(rows[2].partition("0.8500")[0]) == cells(rows[3].partition("0.9300")[0])


def test_groups_are_listed_once_for_a_difference_and_a_ratio() -> None:
    both = [
        CHECKS[0].model_copy(update={"comparison": name, "by": "sex", "groups": GROUPS})
        for name in ("difference", "ratio")
    ]
    rows = shown(0, *both)
    assert sum("base rate 0.3" in row for row in rows) == 1
    assert "difference of roc_auc by sex" in rows[2]


def test_no_text_steers_a_terminal_or_leaves_its_cell() -> None:
    evil = CHECKS[1].model_copy(update={"where": "a | b\x1b[2J\n<script>`x`", "reason": "](http://x) | **b**\u202e"})
    assert "\x1b" not in "".join(shown(0, evil)) and "\u202e" not in "".join(shown(0, evil))
    page = verdict_table([evil])
    assert page.splitlines()[0] == "| outcome | check | value | interval | bound | margin | n |"
    assert [row.count("|") for row in page.splitlines()[:3]] == [8, 8, 8]
    assert "<script>" not in page and "](" not in page and "\u202e" not in page
    assert page.splitlines()[-1].startswith("- **inconclusive**: <code>")
