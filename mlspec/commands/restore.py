"""Putting objects back into a store that lost them, from files that came out the same again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlspec.core.ports import Store
from mlspec.core.problem import MlspecError
from mlspec.io.files import hash_file


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back, and what is lost and has another digest now."""

    names: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def put_back(store: Store, files: Mapping[str, tuple[str, Path]]) -> Restored:
    """Put files, each named and by the digest it should have, into a store that lacks them or holds other bytes.

    A file of another digest is none of what was lost, whatever is in it.

    Raises:
        MlspecError: the store is out of reach, or cannot keep anything.
    """
    names, lost = list[str](), list[str]()
    for digest, (name, file) in files.items():
        if _is_whole(store, digest):
            continue
        if hash_file(file).digest != digest:
            lost.append(name)
            continue
        store.put(file)
        store.check(digest)
        names.append(name)
    return Restored(tuple(names), tuple(lost))


def is_lost(error: MlspecError) -> bool:
    """Say whether an object of the store is gone or damaged, rather than out of reach."""
    return error.problems[0].code in ("store/missing", "store/damaged")


def _is_whole(store: Store, digest: str) -> bool:
    try:
        store.check(digest)
    except MlspecError as error:
        if not is_lost(error):
            raise
        return False
    return True
