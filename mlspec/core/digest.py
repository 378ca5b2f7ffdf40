"""Digests of bytes and of canonical JSON: the same on every OS, locale, hash seed and Python."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

PREFIX = "sha256:"
_PATTERN = re.compile(r"sha256:[0-9a-f]{64}")
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_SAME = frozenset({str, int, bool, type(None)})
"""Types whose values are their own plain form; most values are of these."""


def of_bytes(content: bytes) -> str:
    """Return `sha256:<hex>` of bytes, the notation of Git LFS, OCI and in-toto."""
    return PREFIX + hashlib.sha256(content).hexdigest()


def of(value: Any) -> str:
    """Return the digest of a JSON value in its canonical form.

    Raises:
        ValueError: the value holds NaN, an infinity, or something JSON has no form for.
    """
    return of_bytes(canonical(value))


def of_lines(lines: Iterable[object]) -> str:
    """Return the digest of values that are told apart when each is written on a line: names, digests, numbers."""
    return of_bytes("\n".join(map(str, lines)).encode())


def canonical(value: Any) -> bytes:
    """Encode a JSON value in one form: sorted keys, UTF-8, no spaces, shortest round-trip numbers.

    An integer and a float stay different (`1` and `1.0`): scikit-learn reads them differently, as in
    `max_features=1` (one column) and `max_features=1.0` (all of them). Negative zero is zero.

    Raises:
        ValueError: NaN, an infinity, a key that is not text, or a type JSON does not have.
    """
    return _ENCODER.encode(_plain(value)).encode("utf-8")


def is_digest(text: str) -> bool:
    """Say whether text is a well-formed digest."""
    return _PATTERN.fullmatch(text) is not None


def short(digest: str, length: int = 12) -> str:
    """Shorten a digest for people: its first hex characters, without the algorithm."""
    return digest.removeprefix(PREFIX)[:length]


def _plain(value: Any) -> Any:
    if type(value) in _SAME:
        return value
    if isinstance(value, (dict, Mapping)):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"a JSON key must be text, not {key!r}")
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value!r} has no canonical JSON form")
        return value + 0.0  # turns -0.0 into 0.0
    if value is None or isinstance(value, str | bool | int):
        return value
    raise ValueError(f"{type(value).__name__} has no canonical JSON form")
