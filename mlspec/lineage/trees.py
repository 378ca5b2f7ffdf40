"""Git trees changed by path, without a work tree or an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from mlspec.core.problem import MlspecError, Place, fail
from mlspec.io.git import Repository

Changes = Mapping[str, bytes | None]
FILE, FOLDER = b"100644", b"40000"


class Entry(NamedTuple):
    """What a tree says of a name in it."""

    mode: bytes
    oid: str

    @property
    def is_file(self) -> bool:
        """Say whether it is what mlspec writes: a plain file."""
        return self.mode == FILE


_Tree = dict[bytes, Entry]


@dataclass(frozen=True, slots=True)
class Grafted:
    """Trees that are ready to be written: the blobs and folders that are new, and the root they hang from."""

    blobs: tuple[bytes, ...]
    trees: tuple[bytes, ...]
    root: Mapping[bytes, Entry]

    @property
    def folders(self) -> dict[str, str]:
        """Return the id of each folder in the root."""
        return {name.decode(): entry.oid for name, entry in self.root.items() if entry.mode == FOLDER}


def graft(repository: Repository, tip: str | None, changes: Changes) -> Grafted:
    """Put the files (None removes one) over the tree of a commit; nothing is written.

    Raises:
        MlspecError: a tree on the way to a change is damaged: what else it names would be lost.
    """
    return _grow(repository, _read(repository, tip, _folders(changes)), changes)


def regrow(repository: Repository, tip: str, keep: str, changes: Changes) -> Grafted:
    """Put the files over nothing but one folder of a commit; otherwise as `graft`."""
    folders = _folders(changes)
    trees: dict[str, _Tree] = {folder: {} for folder in folders}
    trees |= _read(repository, tip, [folder for folder in folders if not folder or f"{folder}/".startswith(f"{keep}/")])
    trees[""] = {name: entry for name, entry in trees[""].items() if name == keep.encode()}
    return _grow(repository, trees, changes)


def write(repository: Repository, grafted: Grafted, files: Mapping[str, bytes], *, anew: bool = False) -> str:
    """Write the trees with these files in their root; return the id of the root, durable.

    `anew` also replaces objects that are there and damaged.
    """
    root = {name.encode(): Entry(FILE, repository.blob_id(content)) for name, content in files.items()}
    blobs, trees = [*grafted.blobs, *files.values()], [*grafted.trees, _serialise({**grafted.root, **root})]
    if anew:
        _make_room(repository, [repository.blob_id(content) for content in blobs])
        _make_room(repository, [repository.object_id("tree", content) for content in trees])
    repository.write_objects("blob", blobs)
    return repository.write_objects("tree", trees)[-1]


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a commit by path, in order, and the folders that git cannot read, with the ids of their trees."""

    files: Mapping[str, Entry]
    unreadable: Mapping[str, str]


def walk(repository: Repository, roots: Mapping[str, str]) -> Listing:
    """List the files of trees, given by the folder they are; each is held against its id (`git ls-tree` does not)."""
    files: dict[str, Entry] = {}
    unreadable: dict[str, str] = {}
    level = dict(roots)
    while level:
        below: dict[str, str] = {}
        for (folder, oid), content in zip(level.items(), repository.contents(list(level.values())), strict=True):
            entries = _entries(content, len(oid) // 2)
            if entries is None:
                unreadable[folder] = oid
                continue
            for name, entry in entries.items():
                path = f"{folder}/{name.decode('utf-8', 'surrogateescape')}".removeprefix("/")
                if entry.mode == FOLDER:
                    below[path] = entry.oid
                else:
                    files[path] = entry
        level = below
    return Listing(dict(sorted(files.items())), dict(sorted(unreadable.items())))


def files_below(repository: Repository, tip: str, folder: str) -> dict[str, str]:
    """Return the files below a folder of a commit and the ids of their blobs; trees may lie with a remote."""
    root = repository.ask("rev-parse", "--verify", "--quiet", f"{tip}:{folder}")
    return {path: entry.oid for path, entry in walk(repository, {folder: root} if root else {}).files.items()}


def _entries(content: bytes | None, width: int) -> _Tree | None:
    try:
        return parse_tree(content, width) if content is not None else None
    except ValueError:  # a folder's name for what is no tree
        return None


def _make_room(repository: Repository, ids: list[str]) -> None:
    """Remove what is left of damaged objects: git writes none beside it."""
    here = replace(repository, bring=None)
    for oid, content in zip(ids, here.contents(ids), strict=True):
        if content is None:
            repository.drop_loose(oid)


def _grow(repository: Repository, trees: dict[str, _Tree], changes: Changes) -> Grafted:
    for path, content in changes.items():
        folder, _, name = path.rpartition("/")
        if content is None:
            trees[folder].pop(name.encode(), None)
        else:
            trees[folder][name.encode()] = Entry(FILE, repository.blob_id(content))
    written = _link(repository, _folders(changes)[:-1], trees)
    blobs = tuple(content for content in changes.values() if content is not None)
    return Grafted(blobs, tuple(written), trees[""])


def _folders(changes: Mapping[str, bytes | None]) -> list[str]:
    """Return every folder on the way to a change, the deepest first, the root ("") last."""
    found = {""}
    for path in changes:
        parts = path.split("/")[:-1]
        found |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return sorted(found, key=lambda folder: (-folder.count("/") if folder else 1, folder))


def _read(repository: Repository, tip: str | None, folders: list[str]) -> dict[str, _Tree]:
    """Read folders of a commit, each held against what the one above it says; one that is new is empty."""
    if tip is None:
        return {folder: {} for folder in folders}
    width = len(tip) // 2
    raw = dict(zip(folders, repository.contents([f"{tip}:{folder}" for folder in folders]), strict=True))
    trees: dict[str, _Tree] = {}
    for folder in sorted(folders):  # what lies above comes first
        above, _, name = folder.rpartition("/")
        entry, content = trees[above].get(name.encode()) if folder else None, raw[folder]
        if content is None and (entry or not folder):
            raise _damaged(folder)
        if content is not None and entry and repository.object_id("tree", content) != entry.oid:
            raise _damaged(folder)
        trees[folder] = parse_tree(content or b"", width)
    return trees


def _damaged(folder: str) -> MlspecError:
    why = f"git cannot read the tree of {folder or 'its root'}"
    return fail("lineage/damaged", why, place=Place(folder), help="bring it back: git fetch from a clone that has it")


def parse_tree(content: bytes, width: int) -> _Tree:
    """Take apart the content of a tree whose ids have `width` bytes."""
    entries, position = {}, 0
    while position < len(content):
        space = content.index(b" ", position)
        end = content.index(b"\0", space)
        oid = content[end + 1 : end + 1 + width]
        entries[content[space + 1 : end]] = Entry(content[position:space], oid.hex())
        position = end + 1 + width
    return entries


def _link(repository: Repository, folders: list[str], trees: dict[str, _Tree]) -> list[bytes]:
    """Serialise the trees from the deepest up, each entered into its parent; one that became empty is left out."""
    written = []
    for folder in folders:
        content = _serialise(trees[folder])
        parent, _, name = folder.rpartition("/")
        if not content:
            trees[parent].pop(name.encode(), None)
            continue
        written.append(content)
        trees[parent][name.encode()] = Entry(FOLDER, repository.object_id("tree", content))
    return written


def _serialise(entries: _Tree) -> bytes:
    def order(item: tuple[bytes, Entry]) -> bytes:
        return item[0] + (b"/" if item[1].mode == FOLDER else b"")

    return b"".join(
        entry.mode + b" " + name + b"\0" + bytes.fromhex(entry.oid)
        for name, entry in sorted(entries.items(), key=order)
    )
