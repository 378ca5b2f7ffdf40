"""Guesses from a sample of a table: types, roles, ranges and values of its columns, each with what it rests on."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlspec.core.calendar import parse_date, parse_datetime
from mlspec.core.sample import Cells, Sample
from mlspec.core.types import NUMBERS, TEXTS, TIMES

MISSING = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "-")
"""Texts that often stand for a missing value."""
_TINY = 1e-300
"""Powers of ten near the end of what a double holds are no round numbers any more."""
_MOST_VALUES = 20
_FEWEST_PEOPLE = 10
"""A value that fewer have may tell who they are: it is not written down."""
_PROSE_LENGTH = 40
_TARGETS = {"target", "label", "class", "y", "outcome", "churn", "churned", "default", "response"}
_PERSONAL = re.compile(
    r"(?:^|[_ -])(?:sex|gender|race|ethnic\w*|religion|nationality|e?mail|phone|ssn|(?:first|last|sur|full)[_ -]?name"
    r"|birth\w*|dob|address|passport)(?:$|[_ -])",
    re.IGNORECASE,
)
_ID = re.compile(r"(?:^|[_ -])(?:id|uuid|guid|key)$|Id$|ID$")
_LOCAL_DATE = re.compile(
    r"(?:\d{1,2}([./-])\d{1,2}\1(?:\d{4}|\d{2})|\d{4}([./-])\d{1,2}\2\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?", re.ASCII
)
_LOCAL_NUMBER = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[., ]\d{3})+)(?:[.,]\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column is taken for: fields of the spec, and why, in words."""

    fields: dict[str, Any]
    why: str


@dataclass(frozen=True, slots=True)
class Guessed:
    """All columns, and which texts are taken for missing."""

    columns: tuple[Guess, ...]
    missing: tuple[str, ...]
    rows: int


def guess(sample: Sample) -> Guessed:
    """Guess what the columns of a sample are."""
    rows = max((len(cells) for cells in sample.cells.values()), default=0)
    seen = {name: _Seen(name, cells, sample.kinds.get(name)) for name, cells in sample.cells.items()}
    roles = _roles(list(seen.values()), rows)
    columns = tuple(_column(one, roles.get(one.name, "feature"), rows) for one in seen.values())
    missing = {text for one in seen.values() for text in one.words}
    return Guessed(columns, tuple(text for text in MISSING if text in missing), rows)


class _Seen:
    """A column of the sample: the values that are there, and the type they all have."""

    def __init__(self, name: str, cells: Cells, kind: str | None) -> None:
        self.name = name
        present = [cell for cell in cells if cell is not None]
        bare = [cell for cell in present if cell not in MISSING]
        self.kind = kind or _kind(bare)
        helps = kind is None and self.kind not in TEXTS
        self.words = {cell for cell in present if cell in MISSING} if helps else set[str]()
        self.values = bare if helps else present
        self.missing = len(cells) - len(self.values)
        self.counts = Counter(self.values)
        if kind in (None, "string") and self.kind == "string" and self._is_prose():
            self.kind = "text"

    def _is_prose(self) -> bool:
        length = sum(map(len, self.values)) / max(len(self.values), 1)
        return length > _PROSE_LENGTH and len(self.counts) > _MOST_VALUES

    @property
    def is_unique(self) -> bool:
        return not self.missing and len(self.counts) == len(self.values) > 1


def _kind(values: Sequence[str]) -> str:
    if not values:
        return "string"
    for kind, fits in _FITS.items():
        if all(map(fits, values)):
            return kind
    return "string"


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"[+-]?(?:0|[1-9][0-9]{0,17})", text.strip()) is not None


def _is_number(text: str) -> bool:
    if re.fullmatch(r"[+-]?0[0-9].*", text.strip()):  # a code, such as a postal one
        return False
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


_FITS = {
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda text: text.strip().lower() in ("true", "false"),
    "date": lambda text: parse_date(text.strip()) is not None,
    "datetime": lambda text: parse_datetime(text.strip()) is not None,
}


def _roles(columns: Sequence[_Seen], rows: int) -> dict[str, str]:
    roles = {}
    named = [
        one.name for one in columns if one.is_unique and _ID.search(one.name) and one.kind in ("integer", "string")
    ]
    if named:
        roles[named[0]] = "id"
    target = _target([one for one in columns if one.name not in roles])
    if target is not None:
        roles[target] = "target"
    times = [one.name for one in columns if one.kind in TIMES]
    if len(times) == 1:
        roles[times[0]] = "time"
    for one in columns:
        alike = one.kind == "string" and rows > 50 and len(one.counts) > rows / 2
        if one.name not in roles and (one.kind == "text" or alike or not one.values):
            roles[one.name] = "ignore"
    return roles


def _target(columns: Sequence[_Seen]) -> str | None:
    fit = [one for one in columns if one.kind not in {*TIMES, "text"} and not one.missing and len(one.counts) > 1]
    named = [one.name for one in fit if one.name.lower() in _TARGETS]
    if named:
        return named[-1]
    last = columns[-1] if columns else None
    if last in fit and last is not None and (last.kind == "number" or len(last.counts) <= _MOST_VALUES):
        return last.name
    return None


def _column(one: _Seen, role: str, rows: int) -> Guess:
    personal = _PERSONAL.search(one.name) is not None
    fields: dict[str, Any] = {"name": one.name, "type": one.kind}
    if role != "feature":
        fields["role"] = role
    if personal:
        fields |= {**_groups(one), "sensitive": True}
    elif role in ("feature", "target"):
        fields |= _limits(one, role, rows)
    return Guess(fields, _why(one, role, rows, personal=personal))


def _groups(one: _Seen) -> dict[str, Any]:
    """Return the values of a personal column of text where each is that of a group of people: gates may name them."""
    few = 1 < len(one.counts) <= _MOST_VALUES and min(one.counts.values()) >= _FEWEST_PEOPLE
    return {"values": sorted(one.counts)} if one.kind == "string" and few else {}


def _limits(one: _Seen, role: str, rows: int) -> dict[str, Any]:
    few = 1 < len(one.counts) <= _MOST_VALUES and (role == "target" or rows >= 50)
    if one.kind == "string" and few and (role == "target" or min(one.counts.values()) > 1):
        return {"values": sorted(one.counts)}
    if one.kind == "integer" and role == "target" and len(one.counts) <= 2:
        return {"values": sorted(map(int, one.counts))}
    if one.kind in NUMBERS and one.values and role == "feature":
        numbers = [float(value) for value in one.values]
        if any(0 < abs(number) < _TINY for number in numbers):
            return {}
        limits = {"min": _down(min(numbers)), "max": _up(max(numbers))}
        return limits if all(map(math.isfinite, limits.values())) else {}
    return {}


def _up(value: float) -> int | float:
    """Return the next of 1, 2, 5 times a power of ten: room for what the next delivery holds."""
    if value <= 0:
        return -_down_size(-value) if value else 0
    size = 10.0 ** math.floor(math.log10(value))
    return _plain(next(step * size for step in (1, 2, 5, 10) if step * size >= value * (1 - 1e-12)))


def _down(value: float) -> int | float:
    return -_up(-value) if value < 0 else _down_size(value) if value else 0


def _down_size(value: float) -> int | float:
    size = 10.0 ** math.floor(math.log10(value))
    return _plain(next(step * size for step in (5, 2, 1) if step * size <= value * (1 + 1e-12)))


def _plain(value: float) -> int | float:
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _why(one: _Seen, role: str, rows: int, *, personal: bool) -> str:
    said = []
    if one.missing:
        said.append(f"{one.missing / rows:.1%} missing")
    if personal:
        said.append("the name looks personal")
    elif one.kind in NUMBERS and one.values and role == "feature":
        said.append(f"seen {min(map(float, one.values)):g} to {max(map(float, one.values)):g}")
    if one.kind == "string" and any(value[:1] == "0" and value.isdigit() for value in one.values):
        said.append("a code: zeros lead")
    if one.kind == "string":
        said += _local(one)
    said += _role_why(one, role)
    return "; ".join(said)


def _local(one: _Seen) -> list[str]:
    """Say what texts stand for in the writing of some country, and how they are to be written; no value is shown."""
    values = [value.strip() for value in one.counts if value not in MISSING]
    if values and all(map(_LOCAL_DATE.fullmatch, values)):
        return ["looks like dates: a `date` is written as YYYY-MM-DD, a `datetime` as YYYY-MM-DDThh:mm"]
    if any("," in value for value in values) and all(map(_LOCAL_NUMBER.fullmatch, values)):
        return ["looks like numbers: a `number` has `.` as its decimal sign and nothing between thousands"]
    return []


def _role_why(one: _Seen, role: str) -> list[str]:
    if role == "target":
        named = one.name.lower() in _TARGETS
        return ["the target by its name" if named else "the target, for it is the last column: is it?"]
    if role == "id":
        return ["no value twice"]
    if role == "time":
        return ["the only time: split by it with `by: time`?"]
    if role == "ignore":
        return ["prose" if one.kind == "text" else "nothing in it" if not one.values else "nearly all values differ"]
    return []
