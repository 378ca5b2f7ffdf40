"""Plain scalars by the core schema of YAML 1.2: what is a number, true, false or null, and what is text."""

from __future__ import annotations

import math
import re

Value = str | int | float | bool | None

MAX_DIGITS = 30
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_FIRST = frozenset("0123456789+-.")
_NOT_FINITE = frozenset((".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"))
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_LEADING_ZERO = re.compile(r"[-+]?0+(?=[0-9])")


class NumberError(ValueError):
    """A number that is refused; the message says why and what to write."""


def resolve(text: str) -> Value:
    """Return the value of an unquoted scalar. Dates, times, versions and words such as `no` are text.

    Raises:
        NumberError: a number that has a leading zero, too many digits, or is not finite.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    if _INTEGER.fullmatch(text):
        _check(text)
        return int(text)
    if _FLOAT.fullmatch(text):
        _check(text)
        return _finite(text)
    if _OTHER_BASE.fullmatch(text):
        _check_length(text)
        return int(text, 0)
    if text.lstrip("+-") in _NOT_FINITE:
        raise NumberError(f"must be a finite number, not {text}")
    return text


def reading(value: Value) -> str:
    """Say in words how YAML reads an unquoted scalar, as in `the number 1.1`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"the number {value!r}" if isinstance(value, int | float) else "text"


def _check(text: str) -> None:
    _check_length(text)
    zeros = _LEADING_ZERO.match(text)
    if zeros is not None:
        number = zeros[0].rstrip("0") + text[zeros.end() :]
        raise NumberError(f"number with a leading zero: write {number}, or '{text}' in quotes for text")


def _check_length(text: str) -> None:
    digits = sum(character.isalnum() for character in text)
    if digits > MAX_DIGITS:
        raise NumberError(f"number of {digits:,} digits; the limit is {MAX_DIGITS} (put it in quotes if it is text)")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NumberError(f"must be a finite number, and {text} is too large")
    return number
