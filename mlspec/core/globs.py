"""Globs over paths of a repository; which files there are is the caller's to know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import translate
from functools import lru_cache, partial
from itertools import takewhile

_NEVER = {".git", ".mlspec", "__pycache__"}
_DEEP = "**"
_MAGIC = frozenset("*?[")

Part = re.Pattern[str] | None
"""What one part of a path must match; None for any number of parts."""


def is_glob(path: str) -> bool:
    """Say whether a path of a spec stands for any number of files."""
    return not _MAGIC.isdisjoint(path)


def matcher(path: str) -> Callable[[str], bool]:
    """Return what says which files a glob, or a folder, means; of a folder those not hidden by a `.` or `_`."""
    return partial(matches, path) if is_glob(path) else partial(_is_in, f"{path}/")


def _is_in(folder: str, path: str) -> bool:
    below = path.removeprefix(folder)
    return below != path and not any(part.startswith((".", "_")) for part in below.split("/"))


def matches(glob: str, path: str) -> bool:
    """Say whether a glob matches a path: `*` and `?` within a part, `**` for any number of folders.

    As in a shell, a part that starts with a dot is matched only by one that does; git's, mlspec's and compiled
    files never are. The time is bound by the product of both lengths: globs come from specs nobody has reviewed.
    """
    pattern, parts = _pattern(glob), path.split("/")
    last = pattern[-1]
    if last is None or last.match(parts[-1]) is None or not _NEVER.isdisjoint(parts):
        return False
    reached = set(_skipping(pattern, [0]))
    for part in parts:
        reached = set(_skipping(pattern, _after(pattern, reached, part)))
        if not reached:
            return False
    return len(pattern) in reached


def _after(pattern: Sequence[Part], places: set[int], part: str) -> Iterator[int]:
    """List the places in a pattern that one more part of the path leads to."""
    for place in places - {len(pattern)}:
        wanted = pattern[place]
        if wanted is not None and wanted.match(part):
            yield place + 1
        elif wanted is None and not part.startswith("."):
            yield place


def _skipping(pattern: Sequence[Part], places: Iterable[int]) -> Iterator[int]:
    """Add the places behind a `**`, which may stand for no folder at all."""
    for place in places:
        yield place
        yield from (after + 1 for after in takewhile(lambda at: pattern[at] is None, range(place, len(pattern))))


@lru_cache(maxsize=1024)
def _pattern(glob: str) -> tuple[Part, ...]:
    parts = glob.split("/")
    if parts[-1] == _DEEP:
        parts.append("*")
    return tuple(None if part == _DEEP else _part(part) for part in parts)


def _part(part: str) -> re.Pattern[str]:
    return re.compile(translate(part) if part.startswith(".") else rf"(?!\.){translate(part)}")
