"""Two ways out when the shared lineage no longer builds on what was seen: bring that back, or accept what is there."""

from __future__ import annotations

from mlspec.core.problem import fail
from mlspec.lineage.home import Home
from mlspec.lineage.read import refuse_project
from mlspec.lineage.seen import newest_seen
from mlspec.lineage.share import outbox


def bring_back(home: Home, project: str) -> str | None:
    """Move the branch forward again to the newest tip seen; None when it builds on that, or went another way.

    Raises:
        RemoteError: the remote cannot be asked, or refuses.
        MlspecError: what was seen is another project's.
    """
    seen, tip = newest_seen(home), shared_tip(home)
    if seen is None or seen == tip or (tip is not None and not home.repository.is_ancestor(tip, seen)):
        return None
    refuse_project(home.repository, seen, home.branch, project)
    if home.remote is None:
        with home.repository.lock():
            return seen if home.repository.swap_ref(home.ref, seen, tip) else None
    refused = home.remote.push(f"{seen}:{home.ref}")
    if refused:
        raise fail(
            "remote/refused",
            f"the remote `{home.remote.name}` does not take {home.branch} back: {refused[home.ref]}",
            help="let it take a fast-forward of that branch, and verify again",
        )
    return seen


def accept(home: Home, named: str, project: str) -> tuple[str, str | None]:
    """Go on from the tip that is there, whatever was seen before; return it, and what was seen.

    `named` is how a person called the tip: at least seven characters of its id. Records that only this clone has are
    given up with what was seen; the tip that held them is kept below `refs/mlspec/refused/`.

    Raises:
        RemoteError: the remote cannot be asked.
        MlspecError: the branch is not there, at another tip than the one that was named, or another project's.
    """
    tip = shared_tip(home)
    if tip is None or len(named) < 7 or not tip.startswith(named):
        where = f"at {tip[:12]}" if tip else "not there"
        raise fail("lineage/other-tip", f"the branch {home.branch} is {where}, not at {named}", help="look at it again")
    refuse_project(home.repository, tip, home.branch, project)
    with home.repository.lock():
        seen, local = newest_seen(home), outbox(home).local
        if local is not None and local != tip and home.remote is not None:
            home.repository.swap_ref(f"refs/mlspec/refused/{local[:12]}", local, None)
            home.repository.swap_ref(home.ref, tip, local)
        if tip != seen:
            home.repository.swap_ref(home.seen_ref, tip, seen)
    return tip, seen


def shared_tip(home: Home) -> str | None:
    """Return where the branch is now: at the remote, where there is one; its objects are here then.

    Raises:
        RemoteError: the remote cannot be asked.
    """
    if home.remote is None:
        return outbox(home).local
    tip = home.remote.tips(home.ref).get(home.ref)
    if tip is not None and not home.repository.knows_commit(tip):
        home.remote.fetch(tip)
    return tip
