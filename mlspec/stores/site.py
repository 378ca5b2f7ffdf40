"""Where a project stands when its store is opened: what each store's opener is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlspec.core.events import Event
from mlspec.io.git import Repository
from mlspec.io.remote import Remote


@dataclass(frozen=True, slots=True)
class Site:
    """A project's place for its store.

    `place` is what mlspec.yaml says, a folder or a URL; `shared` that machines share the folder; `base` the folder
    that a relative one lies in; `cache` a folder for copies of what lies far away; `repository` the one that holds the
    lineage and `remote` what it is shared through; `tell` takes what happens on the way, from any thread.
    """

    place: str
    shared: bool
    base: Path
    cache: Path
    repository: Repository
    remote: Remote | None
    tell: Callable[[Event], None]
