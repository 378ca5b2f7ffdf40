"""Regular expressions that a spec may name: those of RE2, which takes time linear in the text, whatever they are."""

from __future__ import annotations

import re
import warnings

_MOST = 1000
_CLASSES = re.compile(r"\\[pP](?:\{\^?\w+\}|[A-Za-z])|\[:\^?\w+:\]")
_BACKTRACKING = re.compile(
    r"(?P<look>\(\?(?:=|!|<=|<!))|(?P<back>\(\?P=|\\[1-9])|(?P<other>\(\?\(|\(\?>|[*+?}]\+)",
)
_WHY = {
    "look": "look-ahead and look-behind are not supported",
    "back": "a reference back to a group is not supported",
    "other": "conditions, atomic groups and possessive repeats are not supported",
}


def check_pattern(text: str) -> str:
    """Return a pattern if RE2 takes it, as far as can be told without it.

    Raises:
        ValueError: with the reason, in words.
    """
    if not text or len(text) > _MOST:
        raise ValueError(f"must be a regular expression of 1 to {_MOST:,} characters")
    plain = _CLASSES.sub("a", text).replace(r"\\", "aa").replace(r"\z", r"\Z")
    found = _BACKTRACKING.search(re.sub(r"\\[^1-9]", "aa", plain))
    if found is not None:
        raise ValueError(f"must be a regular expression in RE2's syntax: {_WHY[found.lastgroup or 'other']}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(plain)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is not a regular expression: {str(error).partition(' (')[0]}") from error
    return text
