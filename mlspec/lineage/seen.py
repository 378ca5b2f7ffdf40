"""The newest tip of the lineage that was seen here: one that does not build on it is refused, not planned from."""

from __future__ import annotations

from mlspec.core.problem import MlspecError, Place, fail
from mlspec.io.git import Repository
from mlspec.lineage.home import Home
from mlspec.lineage.layout import LOG
from mlspec.lineage.trees import files_below

SEEN = "refs/mlspec/seen"
_BACK = "bring it back: mlspec verify --repair"


def refuse_lost(home: Home, tip: str | None) -> None:
    """Refuse a tip (None: the branch is gone) that does not build on the newest one seen.

    Raises:
        MlspecError: the lineage went backwards or is gone.
    """
    seen = newest_seen(home)
    if seen is None or seen == tip:
        return
    if tip is None:
        raise _gone(home, seen)
    if not home.repository.is_ancestor(seen, tip):
        raise _backwards(home, seen, tip)


def remember(home: Home, tip: str | None) -> None:
    """Remember a tip as the newest one seen, if it builds on that; call it under the lock of the repository.

    Raises:
        MlspecError: as `refuse_lost`.
    """
    refuse_lost(home, tip)
    seen = newest_seen(home)
    if tip is not None and tip != seen:
        home.repository.swap_ref(home.seen_ref, tip, seen)


def newest_seen(home: Home) -> str | None:
    """Return the newest tip seen, or None."""
    return home.repository.refs(home.seen_ref).get(home.seen_ref)


def first_lost(repository: Repository, seen: str, tip: str | None) -> str | None:
    """Return the path of the first record that a tip lacks of what was seen; None where only heads differ."""
    had = files_below(repository, seen, LOG)
    has = files_below(repository, tip, LOG) if tip else {}
    return min((path for path, blob in had.items() if has.get(path) != blob), default=None)


def _gone(home: Home, seen: str) -> MlspecError:
    return fail(
        "lineage/gone",
        f"the branch {home.branch} is gone{_where(home)}; its newest tip seen here is {seen}",
        help=_BACK,
    )


def _backwards(home: Home, seen: str, tip: str) -> MlspecError:
    record = first_lost(home.repository, seen, tip)
    since = f"; the first record it lacks is {record}" if record else ""
    return fail(
        "lineage/went-backwards",
        f"the branch {home.branch}{_where(home)} is at {tip[:12]}, "
        f"which does not build on {seen[:12]}, seen before{since}",
        place=Place(record) if record else None,
        help=f"{_BACK}; or, if it is meant to be so: mlspec verify --accept {tip[:12]} --reason TEXT",
    )


def _where(home: Home) -> str:
    return f" at the remote `{home.remote.name}`" if home.remote else ""
