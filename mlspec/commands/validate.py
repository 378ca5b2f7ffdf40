"""`mlspec validate`: every problem of every spec, and nothing else; needs no git and no data."""

from __future__ import annotations

from pathlib import Path

from mlspec.commands.find import find_project, inside, is_below
from mlspec.commands.load import attempt
from mlspec.core.problem import Problem
from mlspec.io.trees import WorkTree


def run(start: Path, paths: tuple[str, ...] = ()) -> list[Problem]:
    """Return the problems, of all files or of those below `paths` (relative to `start`); none means valid.

    Raises:
        MlspecError: there is no project, or a path does not exist.
    """
    root = find_project(start)
    _, problems = attempt(WorkTree(root), None)
    if not paths:
        return problems
    wanted = [inside(start, root, path) for path in paths]
    return [problem for problem in problems if problem.place is None or is_below(problem.place.file, wanted)]
