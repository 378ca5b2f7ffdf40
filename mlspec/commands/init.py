"""`mlspec init`: a project that plans and applies as it is, from a template that ships with mlspec."""

from __future__ import annotations

from pathlib import Path

from mlspec.core.problem import MlspecError, Problem, fail, suggest
from mlspec.io.files import write_file
from mlspec.io.resources import folder
from mlspec.io.trees import PROJECT_FILE

_NOT_PROJECTS = {"export"}


def templates() -> list[str]:
    """Return the names of the templates."""
    return sorted(path.name for path in folder("templates").iterdir() if (path / PROJECT_FILE).is_file())


def run(target: Path, template: str) -> list[str]:
    """Write a template's files into a folder; return their names. Nothing is ever overwritten.

    Raises:
        MlspecError: there is no such template, or files of those names are there already (nothing is written then).
    """
    known = templates()
    if template not in known:
        raise fail(
            "init/unknown-template",
            f"there is no template `{template}`; there are: {', '.join(known)}",
            help=suggest(template, known),
        )
    source = folder("templates") / template
    names = sorted(path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file())
    targets = {name: target / _target_name(name) for name in names}
    taken = [path for path in targets.values() if path.exists() or path.is_symlink()]
    if taken:
        raise MlspecError(
            *[Problem("init/exists", f"{path} is there already, and init overwrites nothing") for path in taken]
        )
    for name, path in targets.items():
        write_file(path, (source / name).read_bytes())
    return [path.relative_to(target).as_posix() for path in targets.values()]


def _target_name(name: str) -> str:
    """A template keeps `.gitignore` as `gitignore`: packaging tools leave the former out."""
    return (
        name.replace("gitignore", ".gitignore")
        if name.endswith("gitignore") and not name.endswith(".gitignore")
        else name
    )
