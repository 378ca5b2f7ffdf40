"""What an exchange of records with the remote came to."""

from __future__ import annotations

from dataclasses import dataclass

from mlspec.core.problem import Problem


@dataclass(frozen=True, slots=True)
class Exchange:
    """How many records went or came through a remote, how many wait here, and which no longer hold."""

    remote: str
    tip: str | None
    records: int
    waiting: int = 0
    is_first: bool = False
    """Whether nothing was known of the remote's lineage before; what came is not counted then."""
    refused: tuple[Problem, ...] = ()
