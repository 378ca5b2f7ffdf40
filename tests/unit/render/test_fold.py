"""Lines are broken to the width of a terminal, and nothing of them is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.render.fold import folded
from mlspec.render.text import Line, cells, line, neutralise, pad, plain

_PIECES = st.lists(
    st.tuples(
        st.text(st.sampled_from("ab ,;[]\u6570\U0001f3b2e\u0301"), max_size=40).map(neutralise),
        st.sampled_from(["", "bold", "command"]),
    ),
    max_size=6,
)
CASES = {
    "what fits stays as it is": (line("  one  two  "), 12, ["  one  two"]),
    "below the second column": (
        line("done      model/answer: train v1 of a long story"),
        31,
        ["done      model/answer: train", "          v1 of a long story"],
    ),
    "else a little deeper": (line("  one two three four"), 12, ["  one two", "    three", "    four"]),
    "between columns rather than between words": (
        line("done      a b c d e f g h i j  9.9 s"),
        34,
        ["done      a b c d e f g h i j", "          9.9 s"],
    ),
    "after a comma": (line("commit 123 on main, lineage 3456"), 28, ["commit 123 on main,", "  lineage 3456"]),
    "an interval is one word": (line("at 0.9394 [0.8561, 0.9758]"), 20, ["at 0.9394", "  [0.8561, 0.9758]"]),
    "a command is one word": (
        line("Next: ", ("git commit -m 'One two'", "command"), " then that"),
        24,
        ["Next:", " git commit -m 'One two'", "  then that"],
    ),
    "a longer word is left to the terminal, to be copied": (
        line("    a/very/long/path.yaml:1 is wrong"),
        16,
        ["a/very/long/path.yaml:1", "      is wrong"],
    ),
    "wide characters may part": (line("\u6570\u636e" * 5), 12, ["\u6570\u636e" * 3, "  \u6570\u636e\u6570\u636e"]),
    "deep lines are shallow where there is no room": (line(" " * 14 + "a b c"), 12, ["   a b c"]),
    "no terminal": (line("x " * 200), 0, [("x " * 200).strip()]),
    "only spaces": (line(" " * 30), 20, [""]),
}


@pytest.mark.parametrize(("one", "width", "rows"), CASES.values(), ids=CASES.keys())
def test_a_line_is_broken(one: Line, width: int, rows: list[str]) -> None:
    assert plain(folded(one, width)).splitlines() == rows


@given(_PIECES, st.integers(1, 60))
def test_rows_are_no_wider_than_the_terminal_and_nothing_is_lost(pieces: list[tuple[str, str]], width: int) -> None:
    one = Line(tuple(pieces))
    rows = list(folded(one, width))
    assert "".join(map(str, rows)).replace(" ", "") == str(one).replace(" ", "")
    styled = [(sign, style) for row in rows for text, style in row.pieces for sign in text if sign != " "]
    assert styled == [(sign, style) for text, style in pieces for sign in text if sign != " "]
    for row in rows:
        words = [text for text, style in row.pieces if text.strip() or style == "command"]
        is_one = str(row) == "".join(words) or not {"[", "]"}.isdisjoint(str(row))  # an interval is one word
        assert cells(str(row)) <= width or is_one or len(rows) == 1


@pytest.mark.parametrize(("text", "count"), [("abc", 3), ("\u6570\u636e", 4), ("\U0001f3b2", 2), ("e\u0301", 1)])
def test_cells_are_counted_and_filled(text: str, count: int) -> None:
    assert cells(text) == count
    assert cells(pad(text, 6)) == 6
