"""Sharing the lineage through a remote: the local branch is brought up to it, and what only this clone has is pushed.

The local branch is an outbox: what is recorded is durable there first. A push moves the remote's branch forward or
not at all; after a lost race the records are made again on the new tip. After any error the remote is looked at before
anything is tried again. The newest tip seen is remembered, and a remote that lost it is refused.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from mlspec.core.ports import Cancel
from mlspec.core.problem import Problem, fail
from mlspec.io.remote import Remote, RemoteError, refusal
from mlspec.lineage.home import Home
from mlspec.lineage.layout import HEADS_DEPTH
from mlspec.lineage.read import refuse_project
from mlspec.lineage.remake import Remade, added, remake
from mlspec.lineage.seen import SEEN, refuse_lost, remember
from mlspec.lineage.write import Branch

RACE_S = 600.0
"""How long a push is tried again while others win: the unluckiest of sixteen writers needed sixty tries."""
OUTAGE_S = 20.0
"""How long a remote that cannot be reached is tried again."""
_LAST_S = 5.0
"""How long it is tried again once the user asked to stop."""
_HERE = "everything is recorded here: mlspec push"
_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Shared:
    """What sharing came to: records of this clone that were pushed or made again, and why some no longer hold."""

    tip: str | None
    pushed: int = 0
    refused: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Outbox:
    """How far the local branch and the remote are apart; None where the remote was never asked."""

    local: str | None
    seen: str | None

    @property
    def is_empty(self) -> bool:
        """Say whether the remote has everything."""
        return self.local is None or self.local == self.seen


def outbox(home: Home) -> Outbox:
    """Return what is recorded here and what the remote was last seen to have."""
    refs = home.repository.refs(home.ref, home.seen_ref)
    return Outbox(refs.get(home.ref), refs.get(home.seen_ref))


def refresh(home: Home, branch: Branch, now: Callable[[], datetime]) -> Shared:
    """Bring the local branch up to the newest shared tip; records that only this clone has are made again on it.

    Raises:
        RemoteError: the remote cannot be asked.
        MlspecError: the lineage went backwards, is gone, or is damaged.
    """
    if home.remote is None:
        tip = outbox(home).local
        refuse_lost(home, tip)
        return Shared(tip)
    return _take(home, home.remote, branch, now)


def publish(home: Home, branch: Branch, now: Callable[[], datetime], stop: Cancel | None = None) -> Shared:
    """Push what only this clone has; returns when the remote is seen to have it. Without a remote, remember the tip.

    When `stop` is set, what is on its way is tried for a few seconds more.

    Raises:
        RemoteError: the remote cannot be reached, or refuses; everything stays recorded here.
        MlspecError: as `refresh`; or others kept winning for ten minutes.
    """
    if home.remote is None:
        with home.repository.lock():
            tip = outbox(home).local
            remember(home, tip)
        return Shared(tip)
    tries, done = _Tries(stop or threading.Event()), Shared(outbox(home).local)
    while not (box := outbox(home)).is_empty:
        answer = _push(home.remote, box.local or "", home.ref)
        if answer is None and _arrived(home, home.remote, box):
            return replace(done, tip=box.local, pushed=len(added(home.repository, box.seen, box.local or "")))
        try:  # whatever was answered: look what is there before anything is tried again
            taken = _take(home, home.remote, branch, now)
        except RemoteError as error:
            tries.failed(error)
        else:
            done = replace(taken, refused=(*done.refused, *taken.refused))
            if outbox(home) == box:
                tries.unmoved(answer or _lost(home.remote), took=answer is None)
        tries.pause()
    return done


def is_known(home: Home) -> bool:
    """Say whether the shared lineage was ever looked at: only then may one plan without asking."""
    return home.remote is None or outbox(home).seen is not None


def _push(remote: Remote, local: str, ref: str) -> RemoteError | None:
    """Push the branch forward; return why it was not taken, or why nobody knows."""
    try:
        refused = remote.push(f"{local}:{ref}").get(ref)
    except RemoteError as error:
        return error
    return None if refused is None else refusal(remote, "the lineage", refused)


def _arrived(home: Home, remote: Remote, box: Outbox) -> bool:
    """Look whether the remote has what it took: only then is it shared, and remembered."""
    try:
        there = remote.tips(home.ref).get(home.ref)
    except RemoteError:
        return False
    return there == box.local and _sent(home, box)


def _sent(home: Home, box: Outbox) -> bool:
    """Remember what the remote took."""
    with home.repository.lock():
        seen = outbox(home).seen
        if seen == box.local:
            return True
        if seen is not None and not home.repository.is_ancestor(seen, box.local or ""):
            return home.repository.is_ancestor(box.local or "", seen)
        return home.repository.swap_ref(home.seen_ref, box.local or "", seen)


def _take(home: Home, remote: Remote, branch: Branch, now: Callable[[], datetime]) -> Shared:
    """Fetch the remote's tip and move the local branch to it, with what only this clone has made again on top."""
    tip, box = _fetched(home, remote), outbox(home)
    if box == Outbox(tip, tip):
        return Shared(tip)
    with home.repository.lock():
        box = outbox(home)
        if tip != box.seen and box.seen is not None and (tip is None or not home.repository.is_ancestor(box.seen, tip)):
            tip = _fetched(home, remote)  # another process of this clone may have been ahead of our look
        if tip is not None and tip != box.seen:
            _refuse_strange(home, branch, Outbox(box.local, tip))
        remember(home, tip)
        if tip is None:
            return Shared(box.local)
        return _settled(home, branch, Outbox(box.local, tip), now())


def _refuse_strange(home: Home, branch: Branch, box: Outbox) -> None:
    """Refuse a tip that is not of this lineage, before it is remembered: the address of the remote may be wrong.

    Raises:
        MlspecError: another project wrote it; or what is here was shared with another remote, and has no commit in
            common with it.
    """
    repository, theirs = home.repository, box.seen or ""
    refuse_project(repository, theirs, branch.name, branch.project)
    if box.local is None or repository.merge_base(box.local, theirs) is not None:
        return
    elsewhere = [oid for name, oid in repository.refs(f"{SEEN}/remotes").items() if name != home.seen_ref]
    if any(repository.is_ancestor(oid, box.local) for oid in elsewhere):
        raise fail(
            "lineage/unrelated",
            f"the lineage here was shared with another remote, and has no record in common with that of {home.where}",
            help="see whether that is the right repository: git remote -v",
        )


def _fetched(home: Home, remote: Remote) -> str | None:
    tip = remote.tips(home.ref).get(home.ref)
    if tip is None and outbox(home).seen is None:
        _refuse_empty(home, remote)
    if tip is not None and not home.repository.knows_commit(tip):
        if home.is_apart and outbox(home).seen is None:
            remote.fetch_top(tip, HEADS_DEPTH)
        else:
            remote.fetch(tip)
    return tip


def _refuse_empty(home: Home, remote: Remote) -> None:
    """Refuse to take it for a new project when a remote has nothing at all, and this clone has branches of it.

    Raises:
        RemoteError: something else than the repository answers there.
    """
    if home.source.refs(f"refs/remotes/{remote.name}") and not remote.tips():
        message = f"the remote `{remote.name}` says that it has no branches at all, and this clone has some of it"
        hint = f"see what answers there: git ls-remote {remote.name}"
        raise RemoteError("remote/failed", message, hint, "", passing=False)


def _settled(home: Home, branch: Branch, box: Outbox, now: datetime) -> Shared:
    """Lay the local branch over the tip that was seen."""
    repository, seen = home.repository, box.seen or ""
    if box.local == seen or (box.local is not None and repository.is_ancestor(seen, box.local)):
        return Shared(box.local)
    remade: Remade | None = None
    if box.local is not None and not repository.is_ancestor(box.local, seen):
        remade = remake(branch, repository.merge_base(box.local, seen), box.local, seen, now)
    tip = (remade.state.tip if remade else None) or seen
    if remade is not None and remade.refused:
        repository.swap_ref(f"refs/mlspec/refused/{(box.local or '')[:12]}", box.local or "", None)
    if not repository.swap_ref(home.ref, tip, box.local):
        raise fail("lineage/busy", f"the branch {home.branch} moved meanwhile", help="run the command again")
    return Shared(tip, refused=remade.refused if remade else ())


def _lost(remote: Remote) -> RemoteError:
    return RemoteError(
        "remote/lost",
        f"the remote `{remote.name}` took the lineage and does not have it",
        f"see whether it pushes elsewhere than it fetches from: git remote get-url --push {remote.name}",
        "",
        passing=True,
    )


class _Tries:
    """How long it is tried again: while others win, ten minutes; while the remote is away, less."""

    def __init__(self, stop: Cancel) -> None:
        """Begin now."""
        self._stop = stop
        self._stopped: float | None = None
        self._since = time.monotonic()
        self._away: float | None = None
        self._pause = _PAUSE_S

    def unmoved(self, answer: RemoteError, *, took: bool) -> None:
        """Take note that a remote which can be reached has not moved, and raise its answer when it will stay so."""
        if took or not answer.is_race:
            self.failed(answer)
        else:
            self._away = None

    def failed(self, error: RemoteError) -> None:
        """Take note of an error, and raise it when trying again is in vain."""
        now = time.monotonic()
        self._away = self._away if self._away is not None else now
        if not error.passing or now - self._away > OUTAGE_S:
            raise error

    def pause(self) -> None:
        """Wait a random time, longer each time, so that writers do not march in step."""
        now = time.monotonic()
        if now - self._since > RACE_S:
            raise fail("lineage/busy", f"others kept moving the lineage for {RACE_S:.0f} s", help=_HERE)
        if self._stop.is_set():
            self._stopped = self._stopped or now
            if now - self._stopped > _LAST_S:
                raise fail("lineage/not-shared", "stopped before the remote had what was recorded", help=_HERE)
            time.sleep(self._pause / 2)
        else:
            self._stop.wait(secrets.SystemRandom().uniform(0, self._pause))
        self._pause = min(self._pause * 1.5, _LONGEST_PAUSE_S)
