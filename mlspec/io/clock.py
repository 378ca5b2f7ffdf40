"""The door to time."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, in UTC; satisfies `core.ports.Clock`."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        return time.monotonic()


def stamp(moment: datetime) -> str:
    """Write a moment as records do: `2026-11-23T06:00:00Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
