"""`mlspec validate`: every problem of every spec, and nothing else; needs no git and no data."""

from __future__ import annotations

from pathlib import Path

from mlspec.commands.find import find_project
from mlspec.commands.load import attempt
from mlspec.core.problem import Problem, fail
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
    wanted = [_relative(start, root, path) for path in paths]
    return [problem for problem in problems if problem.place is None or _below(problem.place.file, wanted)]


def _relative(start: Path, root: Path, path: str) -> str:
    full = (start / path).resolve()
    if not full.exists():
        raise fail("file/missing", f"there is no file or folder `{path}`")
    if not full.is_relative_to(root):
        raise fail("file/outside", f"`{path}` is not in the project {root.name}")
    return full.relative_to(root).as_posix()


def _below(file: str, wanted: list[str]) -> bool:
    return any(path in (".", file) or file.startswith(path + "/") for path in wanted)
