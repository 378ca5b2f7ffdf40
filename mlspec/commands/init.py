"""`mlspec init`: a project that plans and applies as it is, from a template that ships with mlspec."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlspec.commands.schema import for_editors
from mlspec.core.problem import MlspecError, Problem, fail, suggest
from mlspec.io.files import write_file
from mlspec.io.git import open_repository
from mlspec.io.resources import folder
from mlspec.io.trees import PROJECT_FILE

_DEPLOY = b"deploy: main"


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The files of a new project by their path, and how many others the folder holds already."""

    files: dict[Path, bytes]
    beside: int
    """Files and folders that are there already; git's own is none."""
    in_git: bool
    """Whether a git repository holds the folder."""


def templates() -> list[str]:
    """Return the names of the templates."""
    return sorted(path.name for path in folder("templates").iterdir() if (path / PROJECT_FILE).is_file())


def propose(target: Path, template: str) -> Scaffold:
    """Return what a template would write into a folder; the branch that deploys is the repository's default one.

    Raises:
        MlspecError: there is no such template, a file is where the folder should be, or files of those names are
            there already.
    """
    known = templates()
    if template not in known:
        raise fail(
            "init/unknown-template",
            f"there is no template `{template}`; there are: {', '.join(known)}",
            help=suggest(template, known),
        )
    if target.exists() and not target.is_dir():
        raise fail("init/not-a-folder", f"{target} is not a folder", help="name another folder")
    source = folder("templates") / template
    shipped = {path.relative_to(source).as_posix(): path for path in source.rglob("*") if path.is_file()}
    files = {target / _target_name(name): path.read_bytes() for name, path in shipped.items()}
    files |= {target / "schemas" / name: content for name, content in for_editors().items()}
    branch = _default_branch(target)
    project = target / PROJECT_FILE
    files[project] = files[project].replace(_DEPLOY, b"deploy: " + (branch or "main").encode(), 1)
    _refuse_taken(files)
    beside = sum(path.name != ".git" for path in target.iterdir()) if target.is_dir() else 0
    return Scaffold(dict(sorted(files.items())), beside, branch is not None)


def write(scaffold: Scaffold) -> None:
    """Write a scaffold; a file that came in between is not overwritten.

    Raises:
        MlspecError: such a file is there, or the folder cannot be written.
    """
    _refuse_taken(scaffold.files)
    for path, content in scaffold.files.items():
        write_file(path, content)


def _default_branch(target: Path) -> str | None:
    """Return the branch that the remote calls its own, else the current one; None outside of a repository."""
    there = next(path for path in (target, *target.absolute().parents) if path.is_dir())
    try:
        repository = open_repository(there)
    except MlspecError:
        return None
    of_remote = repository.ask("symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    return (of_remote or "").partition("/")[2] or repository.checkout().branch or "main"


def _refuse_taken(files: dict[Path, bytes]) -> None:
    taken = [path for path in sorted(files) if path.exists() or path.is_symlink()]
    if taken:
        raise MlspecError(
            *[Problem("init/exists", f"{path} is there already, and init overwrites nothing") for path in taken]
        )


def _target_name(name: str) -> str:
    """A template keeps `.gitignore` as `gitignore`: packaging tools leave the former out."""
    return ".gitignore" if name == "gitignore" else name
