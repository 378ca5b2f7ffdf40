"""A spec that was guessed, as a person reads of it: what to look at first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mlspec.render.text import Line, line, neutralise
from mlspec.specs.dataset import Dataset


class Inferred(Protocol):
    """What `commands.infer` returns."""

    @property
    def path(self) -> Path:
        """Return where the spec was written."""
        ...

    @property
    def dataset(self) -> Dataset:
        """Return what it says."""
        ...

    @property
    def rows(self) -> int:
        """Return how many rows were looked at."""
        ...

    @property
    def left_out(self) -> tuple[str, ...]:
        """Return the columns that cannot be declared."""
        ...


def infer_lines(inferred: Inferred, start: Path) -> Iterator[Line]:
    """Tell where the spec is, what was guessed, and what is left to do."""
    dataset = inferred.dataset
    path = inferred.path
    shown = path.relative_to(start.resolve()) if path.is_relative_to(start.resolve()) else path
    yield line(("created  ", "add"), neutralise(str(shown)))
    count = len(dataset.columns)
    yield line(f"{count} column{'s' if count > 1 else ''}, guessed from {inferred.rows:,} rows; review them:")
    for role in ("target", "id", "time"):
        named = ", ".join(neutralise(column.name) for column in dataset.with_role(role)) or "none was guessed"
        yield line(f"  {role:<7}", named)
    personal = [neutralise(column.name) for column in dataset.columns if column.sensitive]
    if personal:
        yield line("  personal, by its name: ", ", ".join(personal))
    if inferred.left_out:
        names = ", ".join(neutralise(name) for name in inferred.left_out)
        yield line("  left out, for no dataset has such a type: ", names)
    yield line("")
    yield line("Next: ", ("mlspec validate", "command"), ", then ", ("mlspec plan", "command"))
