"""The time of a record, as a person reads it."""

from __future__ import annotations


def moment(stamp: str) -> str:
    """Write a record's time for a person: `2026-11-23 06:00 UTC`."""
    return f"{stamp[:10]} {stamp[11:16]} UTC"
