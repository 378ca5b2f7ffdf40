"""Project: mlspec.yaml, what holds for the whole repository."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from mlspec.core.address import Address
from mlspec.specs.base import Name, Part, Text
from mlspec.specs.store import Store, StorePlace


def _supported(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value > 1:
        raise ValueError(f"this is format {value}, which needs mlspec >= {value}.0; this mlspec reads format 1")
    if value != 1 or isinstance(value, bool):
        raise ValueError("must be 1")
    return value


def _address(text: str) -> str:
    Address.parse(text)
    return text


def _branch(text: str) -> str:
    bad = set(text) & set(" ~^:?*[\\") or any(ord(character) < 33 or ord(character) == 127 for character in text)
    parts = text.split("/")
    if bad or ".." in text or "@{" in text or text.startswith("-") or text.endswith(".lock") or "" in parts:
        raise ValueError("is not a name git allows for a branch")
    if any(part.startswith(".") or part.endswith((".", ".lock")) for part in parts):
        raise ValueError("is not a name git allows for a branch")
    return text


AddressText = Annotated[str, AfterValidator(_address)]
Branch = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_branch)]


class Team(Part):
    """People who own things."""

    members: Annotated[tuple[str, ...], Field(min_length=1)]
    """Their logins on the forge."""
    contact: Text | None = None
    """Where to reach the team."""


class Move(Part):
    """A rename: the resource keeps its records."""

    from_: Annotated[AddressText, Field(alias="from")]
    """The address until now."""
    to: AddressText
    """The address from now on."""


class Lineage(Part):
    """Where records are kept."""

    branch: Branch = "mlspec/lineage"
    """The orphan branch that holds records and heads."""
    remote: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """The git remote it is shared through; `origin` where nothing is said, else the only one."""


class Project(Part):
    """mlspec.yaml."""

    version: Annotated[int, BeforeValidator(_supported), Field(json_schema_extra={"const": 1})]
    """The format of this file and of the specs: 1."""
    project: Name
    """The project's name."""
    deploy: Branch = "main"
    """The branch whose commits may promote, roll back and retire."""
    store: Store = StorePlace(path=".mlspec/store")
    """Where data snapshots and models are kept: a folder, `git`, or a bucket as `s3://bucket/prefix`."""
    stages: tuple[Name, ...] = ()
    """The stages, in order of trust."""
    teams: Annotated[dict[Name, Team], Field(min_length=1)]
    """Who may own things."""
    moved: tuple[Move, ...] = ()
    """Resources that were renamed."""
    retire: tuple[AddressText, ...] = ()
    """Resources that may be retired, where a guard would stop it."""
    lineage: Lineage = Lineage()
    """Where records are kept: the branch, and the remote that shares it."""
