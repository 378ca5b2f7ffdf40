"""Making records again: those that only this clone has, on a tip that others have moved meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mlspec.core.head import Head
from mlspec.core.heads import Overlay
from mlspec.core.problem import Problem, StaleError, fail
from mlspec.core.record import Record
from mlspec.io.git import Repository
from mlspec.lineage.layout import LOG, head_path
from mlspec.lineage.read import State, read_at, refuse_other
from mlspec.lineage.write import Branch, chain, commit_records, overtaken, refuse_superseded

_MOVING = ("promote", "rollback", "demote")


@dataclass(frozen=True, slots=True)
class Remade:
    """The state with the records made again, and why some no longer can be."""

    state: State
    records: int = 0
    refused: tuple[Problem, ...] = ()


@dataclass
class _Making:
    """Records made again one after the other."""

    branch: Branch
    state: State
    was: dict[str, Head]
    """The heads as they were when the records were made first, of the addresses whose stages they move."""
    records: list[Record] = field(default_factory=list)
    changed: dict[str, Head | None] = field(default_factory=dict)
    refused: list[Problem] = field(default_factory=list)
    moved: set[tuple[str, str | None]] = field(default_factory=set)

    @property
    def heads(self) -> Mapping[str, Head]:
        """Return the heads as they are with what was made again."""
        return Overlay(self.state.heads, self.changed)

    def add(self, record: Record) -> None:
        """Make one record again; one that no longer holds on the new tip is refused."""
        try:
            if record.verb == "expire":  # what may go follows from all that is recorded
                raise overtaken(record)
            refuse_superseded(self.branch, self.state.layout, [record])
            again, heads = chain(self.heads, [self._on_this_tip(record)])
        except StaleError as error:
            self.refused += error.problems
            return
        self.records += again
        self.changed |= heads

    def _on_this_tip(self, record: Record) -> Record:
        """Return a record of a stage with the version that holds it now, if that is the run it was made against."""
        if record.verb not in _MOVING:
            return record
        place = (record.address, record.stage)
        before, now = self.was.get(record.address), self.heads.get(record.address)
        if place not in self.moved and _holder(before, record.stage) != _holder(now, record.stage):
            return record  # with the number it knew, which will be refused, in words
        self.moved.add(place)
        state = now.stages.get(record.stage or "") if now else None
        return record.model_copy(update={"replaces": state.version if state else None})


def remake(branch: Branch, base: str | None, local: str, tip: str, now: datetime) -> Remade:
    """Make the records between `base` and `local` again on `tip`, as one commit that no ref names yet.

    What others recorded meanwhile is left out; numbers of versions are given anew.

    Raises:
        MlspecError: the tip is of another project, or the lineage is damaged.
    """
    repository = branch.repository
    records = unshared(repository, base, local)
    state = read_at(repository, tip)
    if state.layout is not None:
        refuse_other(state.layout, branch.name, branch.project)
    was = _heads_at(repository, base, {record.address for record in records if record.verb in _MOVING})
    making = _Making(branch, state, was)
    for record in records:
        making.add(record)
    if making.records:
        state = commit_records(branch, state, making.records, making.changed, now)
    return Remade(state, len(making.records), tuple(making.refused))


def unshared(repository: Repository, base: str | None, local: str) -> list[Record]:
    """Return the records that commits after `base` added, in the order in which they were made.

    Raises:
        MlspecError: one cannot be read.
    """
    records = []
    for paths in _by_commit(repository, base, local):
        contents = repository.contents([f"{local}:{path}" for path in paths])
        made = [_record(path, content) for path, content in zip(paths, contents, strict=True)]
        records += sorted(made, key=lambda record: record.generation)
    return records


def added(repository: Repository, base: str | None, tip: str) -> list[str]:
    """Return the paths of the records that commits after `base` added."""
    return [path for paths in _by_commit(repository, base, tip) for path in paths]


def _by_commit(repository: Repository, base: str | None, tip: str) -> list[list[str]]:
    span = f"{base}..{tip}" if base else tip
    argv = ["log", "--reverse", "--topo-order", "--format=%x00", "--name-only", "--diff-filter=A", "--no-renames"]
    found = repository.run(*argv, "--root", span, "--", LOG).decode("utf-8", "surrogateescape")
    commits = [commit.split("\n") for commit in found.split("\0")]
    return [[path for path in paths if path.startswith(f"{LOG}/")] for paths in commits]


def _record(path: str, content: bytes | None) -> Record:
    try:
        return Record.model_validate_json(content or b"")
    except ValueError:
        raise fail("lineage/damaged", f"the record {path} cannot be read", help="run: mlspec verify") from None


def _heads_at(repository: Repository, tip: str | None, addresses: set[str]) -> dict[str, Head]:
    listed = sorted(addresses)
    if tip is None:
        return {}
    contents = repository.contents([f"{tip}:{head_path(address)}" for address in listed])
    return {
        address: Head.model_validate_json(content)
        for address, content in zip(listed, contents, strict=True)
        if content is not None
    }


def _holder(head: Head | None, stage: str | None) -> str | None:
    """Return the run that holds a stage."""
    state = head.stages.get(stage or "") if head else None
    version = head.version(state.version) if head and state and state.version is not None else None
    return version.fingerprint if version else None
