"""The heads at a commit of the lineage branch: which there are, their trees say; each is read when it is asked for.

Trees and heads are known by their ids. So after someone else's commit only what that changed is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from mlspec.core.address import Address
from mlspec.core.head import FORMAT, Head
from mlspec.core.heads import Heads, Overlay
from mlspec.core.problem import MlspecError, Problem
from mlspec.io.git import Repository
from mlspec.lineage.layout import HEADS, head_path
from mlspec.lineage.top import Top, damaged, refuse_newer
from mlspec.lineage.trees import FOLDER, Entry, parse_tree

_UNREADABLE = "git cannot read its object"
_FILES = (b"100644", b"100755")


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder of heads: the blobs in it by address, and the trees of the folders below by path."""

    heads: Mapping[str, str]
    below: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read so far: heads by the id of their blob, folders by path and the id of their tree."""

    heads: dict[str, bytes] = field(default_factory=dict)
    folders: dict[tuple[str, str], _Folder] = field(default_factory=dict)


class RecordedHeads(Heads):
    """Heads by address. `ids` are the ids of their blobs, `known` is what was read, of these and of others."""

    def __init__(self, repository: Repository, ids: Mapping[str, str], known: _Read) -> None:
        """Look at heads of a repository."""
        self.ids, self.known = ids, known
        self._repository = repository

    def __getitem__(self, address: str) -> Head:
        """Return a head.

        Raises:
            KeyError: nothing is recorded of the address.
            MlspecError: the head is damaged.
        """
        oid = self.ids[address]
        if oid not in self.known.heads:
            self.read([address])
        return _parse(address, self.known.heads[oid])

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __contains__(self, address: object) -> bool:
        return address in self.ids

    def __len__(self) -> int:
        return len(self.ids)

    def identity(self, address: str) -> str | None:
        """Return the id of a head's blob; None where nothing is recorded."""
        return self.ids.get(address)

    def read(self, addresses: Iterable[str]) -> None:
        """Read heads in one go; of some of the addresses nothing may be recorded.

        Raises:
            MlspecError: git cannot read one, or it is not what its id says.
        """
        wanted = {address: oid for address in addresses if (oid := self.ids.get(address)) is not None}
        missing = {oid: address for address, oid in wanted.items() if oid not in self.known.heads}
        problems: list[Problem] = []
        for (oid, address), content in zip(missing.items(), self._repository.contents(list(missing)), strict=True):
            if content is None:
                problems += damaged(head_path(address), _UNREADABLE).problems
            else:
                self.known.heads[oid] = content
        if problems:
            raise MlspecError(*problems)

    def mentioning(self, digest: str) -> Iterator[Head]:
        """Yield the heads whose bytes hold a digest; errors as `read`."""
        self.read(self.ids)
        for address, oid in self.ids.items():
            if digest.encode() in self.known.heads[oid]:
                yield _parse(address, self.known.heads[oid])


def heads_at(repository: Repository, top: Top, before: Mapping[str, Head]) -> RecordedHeads:
    """Find the heads at the top of the branch, each tree held against its id; what was read of those before is known.

    Raises:
        MlspecError: git cannot read a tree, or what lies in it is no head.
    """
    known, ids = _known(before), dict[str, str]()
    level = {HEADS: top.entries[HEADS].oid} if HEADS in top.entries else {}
    while level:
        missing = {path: oid for path, oid in level.items() if (path, oid) not in known.folders}
        for (path, oid), content in zip(missing.items(), repository.contents(list(missing.values())), strict=True):
            if content is None:
                raise damaged(path, _UNREADABLE)
            known.folders[path, oid] = _folder(path, parse_tree(content, len(oid) // 2))
        folders = [known.folders[place] for place in level.items()]
        for folder in folders:
            ids |= folder.heads
        level = {path: oid for folder in folders for path, oid in folder.below.items()}
    return RecordedHeads(repository, ids, known)


def _known(before: Mapping[str, Head]) -> _Read:
    if isinstance(before, Overlay):
        return _known(before.below)
    return before.known if isinstance(before, RecordedHeads) else _Read()


def _folder(path: str, entries: Mapping[bytes, Entry]) -> _Folder:
    heads: dict[str, str] = {}
    below: dict[str, str] = {}
    for name, entry in entries.items():
        place = f"{path}/{name.decode('utf-8', 'surrogateescape')}"
        address = _address(place)
        if entry.mode == FOLDER:
            below[place] = entry.oid
        elif address is None or entry.mode not in _FILES:
            raise damaged(place, "no head belongs there")
        else:
            heads[address] = entry.oid
    return _Folder(heads, below)


def _address(path: str) -> str | None:
    """Return whose head lies at a path, or None where none belongs."""
    _, _, rest = path.partition("/")
    kind, _, file = rest.partition("/")
    try:
        address = str(Address.parse(f"{kind}/{file.rpartition('/')[2].removesuffix('.json')}"))
    except ValueError:
        return None
    return address if head_path(address) == path else None


def _parse(address: str, content: bytes) -> Head:
    try:
        head = Head.model_validate_json(content)
    except ValidationError as error:
        refuse_newer(head_path(address), content, FORMAT)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise damaged(head_path(address), f"{where}: {first['msg']}") from None
    if head.address != address:
        raise damaged(head_path(address), f"it is the head of {head.address}")
    return head
