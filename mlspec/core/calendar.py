"""Dates and times as data writes them: ISO 8601, one canonical text for each value."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def parse_date(text: str) -> date | None:
    """Return the date of `2026-11-23`, or None for anything else."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def parse_datetime(text: str) -> datetime | None:
    """Return the time in UTC of `2026-11-23T06:00:00Z`, or None for what is no time.

    A space may stand for the T; seconds, up to nine decimals, and the offset may be left out. Without an offset it is
    UTC; a date alone is its midnight; decimals beyond the microsecond are cut off.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, minute, second, decimals, offset = match.groups()
    whole = f"{day}T{minute or '00:00'}:{second or '00'}.{(decimals or '0')[:6]:0<6}{offset or 'Z'}"
    try:
        return datetime.fromisoformat(whole).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
