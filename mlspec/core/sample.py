"""The first rows of a table that nobody has declared yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Cells = Sequence[str | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """Columns as text, in their order; `kinds` are the types that the format itself knows."""

    cells: Mapping[str, Cells]
    kinds: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    """Whether these are all rows."""
