"""The heads that the log folds to, a chain at a time, beside those that lie on the branch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlspec.core.fold import fold
from mlspec.core.head import Head
from mlspec.core.problem import Problem
from mlspec.core.record import Record, to_bytes
from mlspec.io.git import Repository
from mlspec.lineage.chains import Link, bad
from mlspec.lineage.layout import HEADS, head_path
from mlspec.lineage.records import UNREADABLE
from mlspec.lineage.trees import FILE, Entry, Listing


@dataclass
class Heads:
    """What is wrong with the heads of a branch: `dropped` tells of the log, `altered` of the heads.

    `folded` holds what should lie there, by path, where it was asked for.
    """

    dropped: list[Problem] = field(default_factory=list)
    altered: list[Problem] = field(default_factory=list)
    folded: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def compared(
        cls, repository: Repository, chains: Mapping[str, Sequence[Link]], listing: Listing, *, keep: bool
    ) -> Heads:
        """Fold every chain and compare it with its head, byte for byte; `keep` what it folds to."""
        there = {path: entry for path, entry in listing.files.items() if path.startswith(f"{HEADS}/")}
        heads = cls()
        places = {head_path(address): chain for address, chain in chains.items()}
        records = repository.contents([link.oid for chain in chains.values() for link in chain])
        contents = repository.contents([there[path].oid for path in places if path in there])
        for path, chain in places.items():
            head = heads._fold(chain, records)
            content = next(contents) if path in there else None
            expected = to_bytes(head)
            if keep:
                heads.folded[path] = expected
            if content != expected or there[path].mode != FILE:
                heads._name(path, head, content, there.get(path), chain[-1].path)
        nobodys = [path for path in there if path not in places]
        for path, content in zip(nobodys, repository.contents([there[path].oid for path in nobodys]), strict=True):
            heads._name(path, None, content, there[path])
        return heads

    def _fold(self, chain: Sequence[Link], contents: Iterator[bytes | None]) -> Head:
        head = Head(address=chain[0].address)
        for link in chain:
            record = Record.model_validate_json(next(contents) or b"")
            self.dropped += [bad(link.path, "reordered", why) for why in _unfounded(head, record)]
            try:
                head = fold({head.address: head}, record)[record.address] or head
            except KeyError:
                why = "no record before it made the run it speaks of"
                self.dropped.append(bad(link.path, "reordered", why))
                head = head.model_copy(update={"record": record.digest, "generation": record.generation})
        return head

    def _name(
        self, path: str, head: Head | None, content: bytes | None, entry: Entry | None, last: str | None = None
    ) -> None:
        said, held = _generation(path, content), head.generation if head else 0
        if said > held:
            why = f"it speaks of record {said}, the log ends at record {held}: what came after was dropped"
            self.dropped.append(bad(path, "dropped", why))
        elif head is None:
            self.altered.append(bad(path, "head", "no record speaks of this head"))
        elif entry is None:
            self.altered.append(bad(path, "head", f"the head is missing; its last record is {last}"))
        elif entry.mode != FILE:
            self.altered.append(bad(path, "head", "the head is no plain file"))
        else:
            why = UNREADABLE if content is None else f"the head is not what the log says; its last record is {last}"
            self.altered.append(bad(path, "head", why))


def _unfounded(head: Head, record: Record) -> Iterable[str]:
    """Say what a record claims that the records before it do not bear out."""
    if record.verb == "register":
        due = max((version.n for version in head.versions), default=0) + 1
        if record.version != due:
            yield f"it registers v{record.version}, and v{due} is next"
    elif record.verb in ("promote", "rollback") and record.status == "done":
        version = head.version_of(record.fingerprint)
        if version is not None and version.n != record.version:
            yield f"it speaks of v{record.version}, and its run is v{version.n}"


def _generation(path: str, content: bytes | None) -> int:
    """Return how many records a head says were folded into it; 0 of what is no head, or one of another place."""
    try:
        head = Head.model_validate_json(content or b"")
        return head.generation if head_path(head.address) == path else 0
    except ValueError:
        return 0
