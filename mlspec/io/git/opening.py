"""Opening repositories: the user's, and bare ones of mlspec's own below it."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlspec.core.problem import fail
from mlspec.io.files import in_words
from mlspec.io.git.library import Git, InvalidGitRepositoryError, NoSuchPathError, Repo
from mlspec.io.git.program import in_a_line
from mlspec.io.git.repository import Repository
from mlspec.io.git.values import RemoteConfig


def open_repository(start: Path) -> Repository:
    """Find the repository that holds a folder.

    Raises:
        MlspecError: there is none, it is bare, it belongs to someone else, or git is not installed.
    """
    try:
        repo = Repo(start, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise fail("git/no-repository", f"{start} is not in a git repository", help="run: git init -b main") from None
    if repo.bare or repo.working_tree_dir is None:
        raise fail("git/bare", "this repository is bare: it has no files to plan from", help="work in a clone of it")
    root, git_dir, common = Path(repo.working_tree_dir), Path(repo.git_dir).resolve(), Path(repo.common_dir).resolve()
    opened = Repository(root.resolve(), git_dir, common, repo.git)
    _refused(opened)
    repo.git.update_environment(**_environment(root, git_dir, common))
    options, algorithm, remotes = _own_options(opened)
    return replace(opened, _options=options, algorithm=algorithm, remotes=remotes)


def _refused(repository: Repository) -> None:
    """Let git say what it has against this repository, such as another owner; with GIT_DIR set it asks nothing.

    Raises:
        MlspecError: in git's own words.
    """
    code, _, err = repository._execute(["rev-parse", "--git-dir"], None)  # noqa: SLF001 -- same door
    if code != 0:
        raise fail("git/refused", in_a_line(err), help="git refuses this repository; see `git status` there")


def _environment(root: Path, git_dir: Path, common: Path) -> dict[str, str]:
    """Pin down what a hook or the user's shell may have set, and never prompt."""
    return {
        "GIT_DIR": str(git_dir),
        "GIT_COMMON_DIR": str(common),
        "GIT_WORK_TREE": str(root),
        "GIT_INDEX_FILE": str(git_dir / "index"),
        "GIT_OBJECT_DIRECTORY": str(common / "objects"),
        "GIT_NAMESPACE": "",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def open_apart(repository: Repository, name: str, *, make: bool) -> Repository | None:
    """Open a bare repository below another one, for what must not show in that; None where there is none.

    It knows no configuration but its own and what a remote passes on to it (`io.remote`).

    Raises:
        MlspecError: it cannot be made.
    """
    home = repository.common_dir / "mlspec" / f"{name}.git"
    if not home.exists():
        if not make:
            return None
        _make_apart(repository, home)
    return Repository(repository.root, home, home, _bare(repository, home), (), repository.algorithm)


def _make_apart(repository: Repository, home: Path) -> None:
    with repository.making_apart(), in_words(home):
        if home.exists():
            return
        home.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix="new-") as name:
            new = Path(name) / home.name
            program: Any = _bare(repository, new)
            argv = [
                "git",
                "init",
                "--bare",
                "--quiet",
                f"--object-format={repository.algorithm}",
                "--template=",
                str(new),
            ]
            code, _, err = program.execute(argv, with_extended_output=True, with_exceptions=False)
            if code != 0:
                raise fail("git/failed", f"git init: {err}")
            new.rename(home)


def _bare(repository: Repository, home: Path) -> Git:
    program = Git(str(repository.root))
    environment = {**_environment(repository.root, home, home), "GIT_CONFIG_GLOBAL": os.devnull}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "0"}
    del environment["GIT_WORK_TREE"]
    program.update_environment(**environment)
    return program


def _own_options(repository: Repository) -> tuple[tuple[str, ...], str, tuple[RemoteConfig, ...]]:
    """Read, in one look at the configuration, the filters to be switched off, the hash algorithm, and the remotes."""
    wanted = r"^(filter\..*|extensions\.objectformat|remote\..*|url\..*)$"
    out = repository.ask("config", "--null", "--get-regexp", wanted) or ""
    options, algorithm, bases = set[str](), "sha1", set[str]()
    remotes: dict[str, RemoteConfig] = {}
    for entry in out.split("\0"):
        key, _, value = entry.partition("\n")
        if key == "extensions.objectformat":
            algorithm = value.strip()
        elif key.startswith("filter."):
            driver = key.rpartition(".")[0]
            options |= {f"{driver}.clean=", f"{driver}.smudge=", f"{driver}.process=", f"{driver}.required=false"}
        elif key.startswith("url."):
            bases.add(key.removeprefix("url.").rpartition(".")[0])
        elif key.startswith("remote.") and key.count(".") > 1:
            name, what = key.removeprefix("remote.").rsplit(".", 1)
            remotes[name] = remotes.get(name, RemoteConfig(name)).told(what, value)
    known = (replace(remote, addresses=(*remote.addresses, *bases)) for remote in remotes.values() if remote.url)
    return tuple(sorted(options)), algorithm, tuple(known)
