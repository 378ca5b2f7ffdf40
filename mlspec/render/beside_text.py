"""A run beside the champion, for a person."""

from __future__ import annotations

from collections.abc import Iterator

from mlspec.core.beside import Beside
from mlspec.render.diff_text import metric_lines, test_line
from mlspec.render.text import Line, line


def beside_lines(found: Beside) -> Iterator[Line]:
    """Yield the metrics of both side by side, and whether they are of the same test rows."""
    than = f" beside {found.champion}" if found.champion else ": nothing is in a stage to compare it with"
    yield line("")
    yield line((found.address, "bold"), f": {found.name}{than}")
    yield from metric_lines(found.metrics, (found.champion or "no champion", found.name))
    if found.champion_data is not None:
        yield test_line(found.champion_data, found.data)
    yield line("")
