"""The time of a record, as a person reads it, and as a person writes one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time


def moment(stamp: str) -> str:
    """Write a record's time for a person: `2026-11-23 06:00 UTC`."""
    return f"{stamp[:10]} {stamp[11:16]} UTC"


def parse_moment(text: str) -> datetime:
    """Read a time: a date is the end of that day in UTC, and so is a time without an offset in UTC.

    Raises:
        ValueError: it is neither a date (`2026-11-23`) nor a time (`2026-11-23T06:00Z`).
    """
    try:
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
    except ValueError:
        found = datetime.fromisoformat(text)
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"{text} is out of range") from None


def holds_until(day: str, at: str) -> bool:
    """Say whether a waiver until a day holds at a time: not after that day, and none is for more than a year ahead."""
    return at[:10] <= day <= f"{int(at[:4]) + 1}{at[4:10]}"
