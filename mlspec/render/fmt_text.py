"""What `fmt` did or would do: a unified diff, and a line to sum up."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from mlspec.render.text import Line, line, neutralise

_STYLES = {"+": "add", "-": "remove", "@": "dim"}


def diff_lines(file: str, before: bytes, after: bytes) -> Iterator[Line]:
    """Yield the unified diff of a file, its text made safe to show."""
    old, new = _lines(before), _lines(after)
    if all(text.endswith("\r") for text in (*old, *new)):
        old, new = [text[:-1] for text in old], [text[:-1] for text in new]
    name = neutralise(file)
    yield line((f"--- {name}", "bold"))
    yield line((f"+++ {name}", "bold"))
    _, _, *hunks = difflib.unified_diff(old, new, lineterm="")
    for text in hunks:
        for part in text.split("\n"):
            shown = part.rstrip()
            yield line((neutralise(shown), _STYLES.get(text[:1], "")), (neutralise(part[len(shown) :]), "trailing"))


def _lines(content: bytes) -> list[str]:
    """Return the lines of a file; one that is not ended says so, as diff does."""
    *lines, last = content.decode("utf-8", "replace").split("\n")
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def outcome_lines(changed: Sequence[str], seen: int, wrong: int, *, check: bool) -> Iterator[Line]:
    """Say which files changed or would, how many had nothing to do, and how many were left alone for their errors."""
    for file in changed if not check else ():
        yield line((f"{'formatted':<11}", "change"), neutralise(file))
    verb = "would change" if check else "formatted"
    parts = [f"{_files(len(changed))} {verb}"] if changed else []
    if seen > len(changed):
        parts.append(f"{_files(seen - len(changed))} in order")
    said = ", ".join(parts) or "Nothing formatted"
    left = (f", {_files(wrong)} left alone: see the problems", "error") if wrong else ""
    yield line(said, left, ".")


def _files(number: int) -> str:
    return f"{number:,} file{'' if number == 1 else 's'}"
