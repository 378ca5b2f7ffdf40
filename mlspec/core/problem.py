"""Problems: what is wrong, where, and what to do; values that are collected, and one exception to carry them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A place in a file of the repository: 1-based line and column; 0 where only the file is known."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """Return `file`, `file:line` or `file:line:column`, as editors read it."""
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a stable code, a sentence, its place, the source line there, and a way out."""

    code: str
    message: str
    place: Place | None = None
    help: str | None = None
    excerpt: str | None = None
    severity: Severity = "error"

    def at(self, place: Place, excerpt: str | None = None) -> Problem:
        """Return the same problem with a place."""
        return replace(self, place=place, excerpt=excerpt if excerpt is not None else self.excerpt)


class MlspecError(Exception):
    """What the user or the world did wrong: carries problems; the command ends with exit code 1."""

    exit_code = 1

    def __init__(self, *problems: Problem) -> None:
        """Carry at least one problem."""
        self.problems = problems
        super().__init__("; ".join(problem.message for problem in problems))


class StaleError(MlspecError):
    """The plan is stale, the commit was superseded, or an action was not approved: exit code 4."""

    exit_code = 4


class BusyError(MlspecError):
    """Someone else is still doing the same after the wait bound: exit code 5."""

    exit_code = 5


def fail(code: str, message: str, *, place: Place | None = None, help: str | None = None) -> MlspecError:
    """Make the error of a single problem, to be raised."""
    return MlspecError(Problem(code, message, place, help))


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Return a `did you mean` sentence, or None when nothing known is near the word."""
    names = sorted(known)
    near = [name for name in names if name.casefold() == word.casefold()] or difflib.get_close_matches(word, names, 1)
    return f"did you mean `{near[0]}`?" if near else None


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Sort problems as a reader meets them: by file, line, column, then code; placeless ones first."""
    nowhere = Place("")
    return sorted(set(problems), key=lambda problem: (problem.place or nowhere, problem.code, problem.message))
