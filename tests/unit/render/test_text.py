"""Text of others is shown, and steers nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.moment import moment
from mlspec.render.text import duration, line, neutralise, plain, value

HOSTILE = {
    "colour": ("\x1b[31mred\x1b[0m", "\u241b[31mred\u241b[0m"),
    "title": ("\x1b]0;owned\x07", "\u241b]0;owned\u2407"),
    "new line": ("a\nb", "a\u240ab"),
    "carriage return": ("ok\rno", "ok\u240dno"),
    "backspace": ("a\x08b", "a\u2408b"),
    "delete": ("a\x7fb", "a\u2421b"),
    "C1 control": ("a\x9bb", "a<U+009B>b"),
    "right to left": ("a\u202eb", "a<U+202E>b"),
    "isolate": ("a\u2066b", "a<U+2066>b"),
    "zero width": ("a\u200bb", "a<U+200B>b"),
    "byte order mark": ("\ufeffa", "<U+FEFF>a"),
    "line separator": ("a\u2028b", "a<U+2028>b"),
    "tag character": ("a\U000e0041b", "a<U+E0041>b"),
    "lone surrogate": ("a\ud800b", "a<U+D800>b"),
    "plain words of any script": ("größe 数 🎲", "größe 数 🎲"),
}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_made_visible(text: str, shown: str) -> None:
    assert neutralise(text) == shown


@given(st.text())
def test_what_is_shown_has_no_control_character_and_is_shown_the_same_again(text: str) -> None:
    shown = neutralise(text)
    assert shown.splitlines() in ([], [shown])
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert neutralise(shown) == shown


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (None, "none"),
        (True, "true"),
        (1.0, "1.0"),
        ([1, "a"], "[1, a]"),
        ("sha256:" + "0123456789abcdef" * 4, "01234567"),
        ("x" * 72, "x" * 72),
        ("x" * 1000, "x" * 52 + "… (1,000 characters)"),
        ("a\nb", "a\u240ab"),
    ],
)
def test_a_value_is_short_and_one_line(found: object, shown: str) -> None:
    assert value(found) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (41, "41 s"), (119, "119 s"), (720, "12 min"), (9000, "2.5 h")],
)
def test_a_duration_has_the_digits_that_matter(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_moment_and_lines() -> None:
    assert moment("2026-11-23T06:00:59Z") == "2026-11-23 06:00 UTC"
    assert plain([line("a", ("b", "bold")), line("c  ")]) == "ab\nc\n"
