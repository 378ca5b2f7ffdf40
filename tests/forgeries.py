"""Forgeries: what somebody who may write to the branch, and knows mlspec well, might do to its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mlspec.core.fold import fold
from mlspec.core.head import Head
from mlspec.core.record import Actor, Record, sealed, to_bytes
from mlspec.io.clock import SystemClock
from mlspec.io.git import open_repository
from mlspec.lineage.layout import head_path
from mlspec.lineage.top import parse_layout
from mlspec.lineage.write import Branch, Mended, repair
from tests.worlds import LINEAGE, World

Log = dict[str, Record]
Forgery = Callable[[Log, str], Log]
"""Changes the log at the record of a path; whatever is not the place of a record is none of its business."""


def edited(log: Log, path: str) -> Log:
    return {**log, path: log[path].model_copy(update={"mlspec": "9.9.9"})}


def approved(log: Log, path: str) -> Log:
    return {**log, path: log[path].model_copy(update={"approvals": ("risk/alan",)})}


def by_another(log: Log, path: str) -> Log:
    return {**log, path: log[path].model_copy(update={"actor": Actor(name="Mallory", email="m@example.org")})}


def deleted(log: Log, path: str) -> Log:
    return {key: record for key, record in log.items() if key != path}


def without_tail(log: Log, path: str) -> Log:
    """Drop the record and all that came after it at its address."""
    gone = log[path]
    return {
        key: record
        for key, record in log.items()
        if record.address != gone.address or record.generation < gone.generation
    }


def _neighbour(log: Log, path: str) -> str:
    paths = sorted(log)
    return paths[paths.index(path) - 1]


def swapped(log: Log, path: str) -> Log:
    other = _neighbour(log, path)
    return {**log, path: log[other], other: log[path]}


def reordered(log: Log, path: str) -> Log:
    """Let the record name the one before its predecessor, and the predecessor name it."""
    record = log[path]
    before = next((key for key, one in log.items() if one.digest == record.previous), None)
    if before is None:
        return other_previous(log, path)
    first = sealed(record.model_copy(update={"previous": log[before].previous}))
    return {**log, path: first, before: log[before].model_copy(update={"previous": first.digest})}


def other_generation(log: Log, path: str) -> Log:
    return {**log, path: log[path].model_copy(update={"generation": log[path].generation + 1})}


def other_previous(log: Log, path: str) -> Log:
    return {**log, path: log[path].model_copy(update={"previous": "sha256:" + "0" * 64})}


def duplicated(log: Log, path: str) -> Log:
    again = log[path].model_copy(update={"apply": "20990101T000000Z-00000000"})
    return {**log, again.path: again}


def of_another_outcome(log: Log, path: str) -> Log:
    """Say that it went otherwise: what the head says then goes with it."""
    record = log[path]
    other = "rejected" if record.status == "done" else "done"
    return {**log, path: record.model_copy(update={"status": other, "fields": {**record.fields, "owner": "mallory"}})}


FORGERIES: Mapping[str, Forgery] = {
    function.__name__: function
    for function in (
        *(edited, approved, by_another, deleted, without_tail, swapped, reordered, other_generation),
        *(other_previous, duplicated, of_another_outcome),
    )
}


@dataclass(frozen=True)
class Forger:
    """Somebody with write access to the lineage of a world, as it was when they began."""

    world: World
    tip: str
    log: Log

    @classmethod
    def of(cls, world: World) -> Forger:
        paths = [path for path in world.recorded() if path.startswith("log/")]
        return cls(world, world.tip, {path: Record.model_validate_json(world.content(path)) for path in paths})

    def clumsily(self, forgery: Forgery, path: str) -> None:
        """Change records alone, their digests left as they are, as if the branch had always been so."""
        self._commit({key: to_bytes(record) for key, record in forgery(self.log, path).items()}, onto=False)

    def with_care(self, forgery: Forgery, path: str, *, onto: bool) -> None:
        """Make digests, heads and seals right too: in a commit on top of the branch, or instead of all its history."""
        log = {key: sealed(record) for key, record in forgery(self.log, path).items()}
        self._commit({key: to_bytes(record) for key, record in log.items()}, onto=True)
        branch = Branch(open_repository(self.world.root), "mlspec/lineage", "answers", "main")
        layout = parse_layout(self.world.content("format.json"))
        repair(branch, self.world.tip, Mended(layout, _heads(log)), SystemClock().now())
        parents = ["-p", self.tip] if onto else []
        commit = self.world.git("commit-tree", "-m", "promote model/answer", *parents, f"{self.world.tip}^{{tree}}")
        self.world.git("update-ref", LINEAGE, commit)

    def undo(self) -> None:
        self.world.git("update-ref", LINEAGE, self.tip)

    def _commit(self, files: Mapping[str, bytes], *, onto: bool) -> None:
        self.world.tamper({**dict.fromkeys(self.log), **files}, onto=onto)


def _heads(log: Log) -> dict[str, bytes]:
    """Fold the log as well as it goes."""
    heads: dict[str, Head] = {}
    for record in sorted(log.values(), key=lambda record: record.generation):
        try:
            changed = fold(heads, record)
        except KeyError:
            continue
        heads |= {address: head for address, head in changed.items() if head is not None}
    return {head_path(address): to_bytes(head) for address, head in heads.items()}
