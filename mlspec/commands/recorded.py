"""The recorded state of a project, for commands that need no specs: its branch, its heads, its store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlspec.commands.catch_up import Ask, catch_up, find_home
from mlspec.commands.find import find_project, refuse_committed
from mlspec.commands.load import load_project
from mlspec.commands.workspace import open_store
from mlspec.core.ports import Store
from mlspec.core.problem import Problem
from mlspec.io.git import Repository, open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.home import Home
from mlspec.lineage.read import State, read
from mlspec.specs.project import Project


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded, and where."""

    root: Path
    project: Project
    home: Home
    state: State
    store: Store

    @property
    def repository(self) -> Repository:
        """Return the repository that holds the lineage."""
        return self.home.repository


Tell = Callable[[Problem], None]
"""Takes what a user should know beside the result."""


def unheard(_: Problem) -> None:
    """Tell nobody."""


def open_recorded(start: Path, tell: Tell = unheard) -> Recorded:
    """Open what is recorded of the project around a folder: the newest, or where the remote is away the last seen.

    Raises:
        MlspecError: no project, an invalid mlspec.yaml, no repository, or a damaged lineage.
    """
    root = find_project(start)
    project = load_project(WorkTree(root))
    repository = open_repository(root)
    refuse_committed(repository, root)
    home = find_home(repository, project)
    for warning in catch_up(home, project, Ask.MAY):
        tell(warning)
    state = read(home.repository, project)
    return Recorded(root, project, home, state, open_store(home, root, project))
