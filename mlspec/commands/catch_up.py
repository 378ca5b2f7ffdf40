"""Catching up with the shared lineage before anything is read from it."""

from __future__ import annotations

from enum import Enum, auto

from mlspec.core.problem import MlspecError, Problem, fail
from mlspec.io.clock import SystemClock
from mlspec.io.git import Repository
from mlspec.io.remote import RemoteError
from mlspec.lineage.home import Home, locate
from mlspec.lineage.share import is_known, refresh
from mlspec.lineage.write import Branch
from mlspec.specs.project import Project


class Ask(Enum):
    """Whether the remote is asked for the newest lineage."""

    MUST = auto()
    """Without its answer nothing is done."""
    MAY = auto()
    """When it cannot be asked, what was last seen will do, and that is said."""
    NEVER = auto()


def find_home(repository: Repository, project: Project) -> Home:
    """Return where the lineage of a project lies; errors as `lineage.home.locate`."""
    return locate(repository, project.lineage.branch, project.lineage.remote)


def writes_to(home: Home, project: Project, deploy: str | None = None) -> Branch:
    """Return the branch to write to, as this project."""
    return Branch(home.repository, home.branch, project.project, deploy or project.deploy, home.precedes)


def catch_up(home: Home, project: Project, ask: Ask) -> tuple[Problem, ...]:
    """Bring the lineage here up to what is shared; return warnings.

    Raises:
        RemoteError: the remote must be asked and cannot be, or was never asked.
        MlspecError: the lineage went backwards, is gone or damaged.
    """
    if home.remote is not None and ask is Ask.NEVER:
        if not is_known(home):
            raise fail(
                "lineage/never-asked",
                f"the remote `{home.remote.name}` was never asked for the lineage, so nothing is known of it here",
                help="run once without --offline",
            )
        return ()
    try:
        shared = refresh(home, writes_to(home, project), SystemClock().now)
    except RemoteError as error:
        return (_as_warning(error, home, ask),)
    return tuple(_no_longer(problem) for problem in shared.refused)


def _as_warning(error: RemoteError, home: Home, ask: Ask) -> Problem:
    first = error.problems[0]
    if ask is Ask.MAY and is_known(home):
        said = f"{first.message}; this is the lineage as it was last seen"
        return Problem(first.code, said, help=first.help, severity="warning")
    way = "plan from what was last seen: --offline" if is_known(home) else "nothing is known of its lineage here yet"
    raise MlspecError(Problem(first.code, first.message, help=f"{first.help}; {way}")) from error


def _no_longer(problem: Problem) -> Problem:
    said = f"recorded here, and no longer so: {problem.message}"
    return Problem(problem.code, said, help=problem.help, severity="warning")
