"""Finding the project: the folder with mlspec.yaml, from the working directory upwards."""

from __future__ import annotations

from pathlib import Path

from mlspec.core.problem import fail
from mlspec.io.trees import PROJECT_FILE


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
