"""Reading the recorded state: the tip of the branch, its layout, and its heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlspec.core.head import Head
from mlspec.core.problem import MlspecError, fail
from mlspec.io.git import Repository
from mlspec.lineage.heads import heads_at
from mlspec.lineage.layout import Layout, ref
from mlspec.lineage.top import layout_of, read_top
from mlspec.specs.project import Project


@dataclass(frozen=True, slots=True)
class State:
    """The recorded state at a tip; without a tip, nothing is recorded yet. Heads go by address."""

    tip: str | None
    layout: Layout | None
    heads: Mapping[str, Head]


EMPTY = State(None, None, {})


def tip_of(repository: Repository, branch: str) -> str | None:
    """Return the commit of the lineage branch, or None.

    Raises:
        MlspecError: a branch is in the way of its name.
    """
    above = {ref(part) for part in _parents(branch)}
    names = repository.refs(ref(branch), *above)
    for name in names:
        if name in above or name.startswith(ref(branch) + "/"):
            other = name.removeprefix(ref(""))
            raise fail(
                "lineage/branch-in-the-way",
                f"git cannot keep a branch `{branch}` beside the branch `{other}`",
                help=f"rename the branch `{other}`, or set `lineage: {{branch: …}}` in mlspec.yaml",
            )
    return names.get(ref(branch))


def read(repository: Repository, project: Project) -> State:
    """Read the state of a project at the tip.

    Raises:
        MlspecError: the branch is of a newer mlspec, of another project, or is damaged.
    """
    tip = tip_of(repository, project.lineage.branch)
    if tip is None:
        return EMPTY
    state = read_at(repository, tip)
    if state.layout is not None:
        refuse_other(state.layout, project.lineage.branch, project.project)
    return state


def refuse_other(layout: Layout, branch: str, project: str) -> None:
    """Refuse a lineage that another project wrote.

    Raises:
        MlspecError: it did.
    """
    if layout.project != project:
        raise fail(
            "lineage/other-project",
            f"the branch {branch} records project `{layout.project}`, not `{project}`",
            help="give this project a branch of its own: lineage: {branch: …} in mlspec.yaml",
        )


def refuse_project(repository: Repository, tip: str, branch: str, project: str) -> None:
    """Refuse a tip that another project wrote, as `refuse_other`; of a damaged one nothing is said here."""
    try:
        layout = layout_of(repository, read_top(repository, tip))
    except MlspecError:
        return
    if layout is not None:
        refuse_other(layout, branch, project)


def read_at(repository: Repository, tip: str, known: State = EMPTY) -> State:
    """Read the state at a commit of the lineage branch; of what a `known` state read, nothing is read again.

    Errors as `read`; a damaged head is found out when it is asked for.
    """
    top = read_top(repository, tip)
    layout = layout_of(repository, top)
    return State(tip, layout, heads_at(repository, top, known.heads))


def _parents(branch: str) -> list[str]:
    parts = branch.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
