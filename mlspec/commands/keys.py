"""Keys remembered between runs: each is the digest of all that decides something, so none can be out of date."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mlspec.io import cache
from mlspec.version import __version__

_MOST = 50_000


class Keys:
    """A set of keys in a cache file, which may be lost or damaged at any time; without a file, an empty one."""

    def __init__(self, file: Path | None, form: str) -> None:
        """Read what was kept in a form by this version of mlspec."""
        self._file, self._form = file, f"{form} {__version__}"
        body = cache.load(file, self._form) if file else None
        self._known = frozenset(body.decode().split()) if body is not None else frozenset[str]()

    def __contains__(self, key: object) -> bool:
        return key in self._known

    def keep(self, found: Collection[str]) -> None:
        """Remember keys beside those known, which make room when there are too many."""
        if self._file is None or self._known.issuperset(found):
            return
        kept = {*found, *(self._known if len(self._known) < _MOST else ())}
        cache.keep(self._file, self._form, "\n".join(sorted(kept)).encode())
