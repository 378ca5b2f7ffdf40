"""Problems for a person and for GitHub: place, message, the source line with a caret, and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mlspec.core.problem import Problem
from mlspec.render.text import Line, cells, line, neutralise

_MOST_ANNOTATIONS = 10
_WIDEST = 160
_GUTTER = 8


def problem_lines(problems: Iterable[Problem], columns: int = 0) -> Iterator[Line]:
    """Yield `file:line:col: error[code]: message`, the excerpt with a caret, and `help:`.

    An excerpt longer than a row of so many columns (0: no terminal) is cut around the caret.
    """
    for problem in problems:
        where = f"{neutralise(str(problem.place))}: " if problem.place else ""
        style = "error" if problem.severity == "error" else "warn"
        first, *rest = neutralise_lines(problem.message)
        yield line((where, "bold"), (f"{problem.severity}[{problem.code}]", style), f": {first}")
        for more in rest:
            yield line(f"  {more}")
        yield from _excerpt(problem, columns)
        if problem.help:
            yield line("  ", ("help: ", "help"), neutralise(problem.help))


def _excerpt(problem: Problem, columns: int) -> Iterator[Line]:
    place = problem.place
    if problem.excerpt is None or place is None or not place.line:
        return
    room = max(1, columns - _GUTTER) if columns else _WIDEST
    caret = max(0, place.column - 1)
    start = max(0, caret - room // 2) if cells(problem.excerpt) > room else 0
    before, after = (_flat(part) for part in (problem.excerpt[start:caret], problem.excerpt[caret : start + room]))
    while before and cells(before) >= room:
        before = before[1:]
    yield line((f"{place.line:>5} | ", "dim"), _cut(before + after, room))
    if place.column:
        style = "error" if problem.severity == "error" else "warn"
        yield line((" " * 5 + " | ", "dim"), " " * cells(before), ("^", style))


def _flat(text: str) -> str:
    return neutralise(text.replace("\t", " "))


def _cut(text: str, room: int) -> str:
    """Return as much of a text as is no wider than so many cells."""
    while cells(text) > room:
        text = text[: room - cells(text)]
    return text


def neutralise_lines(text: str) -> list[str]:
    """Split a message into safe lines; at least one."""
    return [neutralise(part) for part in text.splitlines()] or [""]


def github_annotations(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield GitHub workflow commands, at most ten (GitHub shows no more of a step); the last says what is left out."""
    listed = list(problems)
    for problem in listed[:_MOST_ANNOTATIONS]:
        place = problem.place
        fields = []
        if place is not None:
            fields = [f"file={_property(place.file)}"]
            fields += [f"line={place.line}"] if place.line else []
            fields += [f"col={place.column}"] if place.column else []
        message = problem.message + (f" ({problem.help})" if problem.help else "")
        yield f"::{problem.severity} {','.join([*fields, f'title={_property(problem.code)}'])}::{_message(message)}"
    if len(listed) > _MOST_ANNOTATIONS:
        yield f"::error::{len(listed) - _MOST_ANNOTATIONS} more problems; see the log of mlspec validate"


def problem_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON data."""
    place = problem.place
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "file": place.file if place else None,
        "line": place.line or None if place else None,
        "column": place.column or None if place else None,
        "help": problem.help,
    }


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
