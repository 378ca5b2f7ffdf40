"""Reading the recorded state: the tip of the branch, its layout, and all heads, cached by tip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from mlspec.core.head import Head
from mlspec.core.problem import MlspecError, fail
from mlspec.io import cache
from mlspec.io.git import Repository
from mlspec.lineage.layout import HEADS, Layout, ref
from mlspec.lineage.top import damaged, read_layout
from mlspec.specs.project import Project

_HEADS: TypeAdapter[dict[str, Head]] = TypeAdapter(dict[str, Head])


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


def read(repository: Repository, project: Project, kept: Path | None = None) -> State:
    """Read the state of a project at the tip. `kept` is a cache file.

    Raises:
        MlspecError: the branch is of a newer mlspec, of another project, or is damaged.
    """
    tip = tip_of(repository, project.lineage.branch)
    if tip is None:
        return EMPTY
    state = read_at(repository, tip, kept)
    if state.layout is not None:
        refuse_other(state.layout, project)
    return state


def refuse_other(layout: Layout, project: Project) -> None:
    """Refuse a lineage that another project wrote.

    Raises:
        MlspecError: it did.
    """
    if layout.project != project.project:
        raise fail(
            "lineage/other-project",
            f"the branch {project.lineage.branch} records project `{layout.project}`, not `{project.project}`",
            help="give this project a branch of its own: lineage: {branch: …} in mlspec.yaml",
        )


def read_at(repository: Repository, tip: str, kept: Path | None = None) -> State:
    """Read the state at a commit of the lineage branch; errors as `read`."""
    layout = read_layout(repository, tip)
    heads = _cached(kept, tip)
    if heads is None:
        heads = _parse(_raw_heads(repository, tip))
        if kept is not None:
            _keep(kept, tip, heads)
    return State(tip, layout, heads)


def _raw_heads(repository: Repository, tip: str) -> dict[str, bytes]:
    listing = repository.listing(tip, HEADS)
    raw = {}
    for path, content in zip(listing, repository.contents(list(listing.values())), strict=True):
        if content is None:
            raise damaged(path, "git cannot read its object")
        raw[path] = content
    return raw


def _parse(raw: Mapping[str, bytes]) -> dict[str, Head]:
    heads, problems = {}, []
    for path, content in raw.items():
        try:
            head = Head.model_validate_json(content)
            heads[head.address] = head
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            problems.append(damaged(path, f"{where}: {first['msg']}").problems[0])
    if problems:
        raise MlspecError(*problems)
    return heads


def _cached(path: Path | None, tip: str) -> dict[str, Head] | None:
    body = cache.load(path, f"heads/1 {tip}") if path else None
    try:
        return _HEADS.validate_json(body) if body is not None else None
    except ValidationError:  # kept by another build of this version
        return None


def _keep(path: Path, tip: str, heads: dict[str, Head]) -> None:
    cache.keep(path, f"heads/1 {tip}", _HEADS.dump_json(heads, exclude_defaults=True))


def _parents(branch: str) -> list[str]:
    parts = branch.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
