"""Finding the project: the folder with mlspec.yaml, from the working directory upwards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlspec.core.problem import fail
from mlspec.io.trees import PROJECT_FILE

if TYPE_CHECKING:
    from mlspec.io.git import Repository

LOCAL_FOLDER = ".mlspec"


def find_project(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds mlspec.yaml.

    Raises:
        MlspecError: there is none.
    """
    start = start.resolve()
    if not start.is_dir():
        raise fail("project/no-folder", f"there is no folder {start}")
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise fail("project/missing", f"there is no {PROJECT_FILE} in {start} or above", help="run: mlspec init")


def refuse_committed(repository: Repository, root: Path) -> None:
    """Refuse a local folder that came with the repository: caches are believed, so they must be this machine's own.

    Raises:
        MlspecError: git tracks the folder, something in it, or a link in its place.
    """
    prefix = root.resolve().relative_to(repository.root).as_posix()
    path = LOCAL_FOLDER if prefix == "." else f"{prefix}/{LOCAL_FOLDER}"
    if repository.tracks(path):
        raise fail(
            "project/committed",
            f"git tracks `{path}`, which holds caches and the store of one machine",
            help=f"run: git rm -r --cached {path}, and list it in .gitignore",
        )
