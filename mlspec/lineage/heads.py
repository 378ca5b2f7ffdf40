"""The heads at a commit of the lineage branch: which there are, their trees say; each is read when it is asked for.

A head is known by the id of its blob. So after someone else's commit only what that changed is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from mlspec.core.address import Address
from mlspec.core.head import Head
from mlspec.core.heads import Heads, Overlay
from mlspec.core.problem import MlspecError, Problem
from mlspec.io.git import Repository
from mlspec.lineage.layout import HEADS, head_path
from mlspec.lineage.top import Top, damaged
from mlspec.lineage.trees import walk

_UNREADABLE = "git cannot read its object"
_FILES = (b"100644", b"100755")


class RecordedHeads(Heads):
    """Heads by address. `ids` are the ids of their blobs, `contents` what was read of them, by id."""

    def __init__(self, repository: Repository, ids: Mapping[str, str], known: Mapping[str, Head]) -> None:
        """Look at heads of a repository; what was read of `known` ones is not read again."""
        self.ids = ids
        self._repository = repository
        self.contents = _contents(known)

    def __getitem__(self, address: str) -> Head:
        """Return a head.

        Raises:
            KeyError: nothing is recorded of the address.
            MlspecError: the head is damaged.
        """
        oid = self.ids[address]
        if oid not in self.contents:
            self.read([address])
        return _parse(address, self.contents[oid])

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
        missing = {oid: address for address, oid in wanted.items() if oid not in self.contents}
        problems: list[Problem] = []
        for (oid, address), content in zip(missing.items(), self._repository.contents(list(missing)), strict=True):
            if content is None:
                problems += damaged(head_path(address), _UNREADABLE).problems
            else:
                self.contents[oid] = content
        if problems:
            raise MlspecError(*problems)


def _contents(known: Mapping[str, Head]) -> dict[str, bytes]:
    """Return what was read of heads, by the id of its blob."""
    if isinstance(known, Overlay):
        return _contents(known.below)
    return known.contents if isinstance(known, RecordedHeads) else {}


def heads_at(repository: Repository, top: Top, known: Mapping[str, Head]) -> RecordedHeads:
    """Find the heads at the top of the branch, each tree held against its id; what was read of `known` ones is kept.

    Raises:
        MlspecError: git cannot read a tree, or what lies in it is no head.
    """
    ids: dict[str, str] = {}
    listing = walk(repository, {HEADS: top.entries[HEADS].oid} if HEADS in top.entries else {})
    for folder in listing.unreadable:
        raise damaged(folder, _UNREADABLE)
    for path, entry in listing.files.items():
        address = _address(path)
        if address is None or entry.mode not in _FILES:
            raise damaged(path, "no head belongs there")
        ids[address] = entry.oid
    return RecordedHeads(repository, ids, known)


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
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise damaged(head_path(address), f"{where}: {first['msg']}") from None
    if head.address != address:
        raise damaged(head_path(address), f"it is the head of {head.address}")
    return head
