"""Git trees changed by path, without a work tree or an index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mlspec.io.git import Repository

_FILE, _FOLDER = b"100644", b"40000"


class _Entry(NamedTuple):
    mode: bytes
    oid: str


def graft(repository: Repository, tip: str | None, changes: Mapping[str, bytes | None]) -> str:
    """Write the files (None removes one) over the tree of a commit; return the id of the new root tree, durable."""
    folders = _folders(changes)
    trees = _read(repository, tip, folders)
    contents = [content for content in changes.values() if content is not None]
    repository.write_objects("blob", contents)
    for path, content in changes.items():
        folder, _, name = path.rpartition("/")
        if content is None:
            trees[folder].pop(name.encode(), None)
        else:
            trees[folder][name.encode()] = _Entry(_FILE, repository.blob_id(content))
    written, root = _link(repository, folders, trees)
    repository.write_objects("tree", written)
    return root


def _folders(changes: Mapping[str, bytes | None]) -> list[str]:
    """Return every folder on the way to a change, the deepest first, the root ("") last."""
    found = {""}
    for path in changes:
        parts = path.split("/")[:-1]
        found |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
    return sorted(found, key=lambda folder: (-folder.count("/") if folder else 1, folder))


def _read(repository: Repository, tip: str | None, folders: list[str]) -> dict[str, dict[bytes, _Entry]]:
    if tip is None:
        return {folder: {} for folder in folders}
    raw = repository.contents([f"{tip}:{folder}" for folder in folders])
    width = len(tip) // 2
    return {folder: _parse(content or b"", width) for folder, content in zip(folders, raw, strict=True)}


def _parse(content: bytes, width: int) -> dict[bytes, _Entry]:
    entries, position = {}, 0
    while position < len(content):
        space = content.index(b" ", position)
        end = content.index(b"\0", space)
        oid = content[end + 1 : end + 1 + width]
        entries[content[space + 1 : end]] = _Entry(content[position:space], oid.hex())
        position = end + 1 + width
    return entries


def _link(repository: Repository, folders: list[str], trees: dict[str, dict[bytes, _Entry]]) -> tuple[list[bytes], str]:
    """Serialise the trees from the deepest up, each entered into its parent."""
    written, oid = [], ""
    for folder in folders:
        content = _serialise(trees[folder])
        oid = repository.object_id("tree", content)
        parent, _, name = folder.rpartition("/")
        if folder and not content:
            trees[parent].pop(name.encode(), None)
            continue
        written.append(content)
        if folder:
            trees[parent][name.encode()] = _Entry(_FOLDER, oid)
    return written, oid


def _serialise(entries: dict[bytes, _Entry]) -> bytes:
    def order(item: tuple[bytes, _Entry]) -> bytes:
        return item[0] + (b"/" if item[1].mode == _FOLDER else b"")

    return b"".join(
        entry.mode + b" " + name + b"\0" + bytes.fromhex(entry.oid)
        for name, entry in sorted(entries.items(), key=order)
    )
