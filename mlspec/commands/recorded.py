"""The recorded state of a project, for commands that need no specs: its branch, its heads, its store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlspec.commands.find import find_project, refuse_committed
from mlspec.commands.load import load_project
from mlspec.commands.workspace import open_store
from mlspec.io.git import Repository, open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.read import State, read
from mlspec.specs.project import Project
from mlspec.stores.folder import FolderStore


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded, and where."""

    root: Path
    project: Project
    repository: Repository
    state: State
    store: FolderStore


def open_recorded(start: Path) -> Recorded:
    """Open what is recorded of the project around a folder.

    Raises:
        MlspecError: no project, an invalid mlspec.yaml, no repository, or a damaged lineage.
    """
    root = find_project(start)
    project = load_project(WorkTree(root))
    repository = open_repository(root)
    refuse_committed(repository, root)
    state = read(repository, project)
    return Recorded(root, project, repository, state, open_store(repository, root, project))
