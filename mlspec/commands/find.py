"""Finding the project: the folder with mlspec.yaml, from the working directory upwards."""

from __future__ import annotations

from collections.abc import Iterable
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


def inside(start: Path, root: Path, path: str) -> str:
    """Return a path, given relative to `start`, relative to the project.

    Raises:
        MlspecError: nothing is there, or it is not in the project.
    """
    full = (start / path).resolve()
    if not full.exists():
        raise fail("file/missing", f"there is no file or folder `{path}`")
    if not full.is_relative_to(root):
        raise fail("file/outside", f"`{path}` is not in the project {root.name}")
    return full.relative_to(root).as_posix()


def is_below(file: str, paths: Iterable[str]) -> bool:
    """Say whether a file is one of some paths or below one."""
    return any(path in (".", file) or file.startswith(path + "/") for path in paths)


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
