"""Regular expressions of specs: RE2's are taken, what only backtracking can do is refused in words."""

from __future__ import annotations

import pytest

from mlspec.specs.patterns import check_pattern


@pytest.mark.parametrize(
    "text", [r"[A-Z]{2}\d+", r"\pL+", r"[[:alpha:]]*", r"a\z", r"(?i)a|b", r"(?P<n>a)", r"\\1", "x+?", r"\++"]
)
def test_taken(text: str) -> None:
    assert check_pattern(text) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1 to 1,000 characters"),
        ("a" * 1001, "1 to 1,000 characters"),
        ("a(", r"is not a regular expression: missing \)"),
        ("(?=a)", "look-ahead"),
        ("(?<!a)", "look-behind"),
        (r"(a)\1", "back to a group"),
        ("(?P<n>a)(?P=n)", "back to a group"),
        ("a++", "possessive"),
        ("[z-a]", "bad character range"),
    ],
)
def test_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_pattern(text)
