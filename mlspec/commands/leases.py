"""The leases of one apply: a costly step is begun by one at a time; the others wait for what it records."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from mlspec.core.intent import Intent
from mlspec.core.ports import Cancel, Clock
from mlspec.core.problem import BusyError, MlspecError, Problem
from mlspec.io.machine import lives, this_machine
from mlspec.io.remote import RemoteError
from mlspec.lineage.home import Home
from mlspec.lineage.intents import Claim, claim, drop, left, look

TTL_S = 60.0
"""How long an intent is believed without a heartbeat; beats come four times as often."""
_LONGEST_TTL_S = 600.0
_LOOK_S = 2.0
_LOOK_HERE_S = 0.2


@dataclass
class _Held:
    """A lease that is held, kept alive by a thread."""

    claim: Claim
    stop: threading.Event
    thread: threading.Thread | None = None


@dataclass
class Leases:
    """What one apply holds. `wait_s` is how long it waits for others, each step for itself."""

    home: Home
    clock: Clock
    cancel: Cancel
    wait_s: float
    _held: dict[str, _Held] = field(default_factory=dict)
    _has_taken: bool = False

    def take(self, intent: Intent, is_recorded: Callable[[], bool], tell: Callable[[Intent], None]) -> bool:
        """Take the lease on a fingerprint, waiting for whoever has it; False when it was recorded meanwhile.

        A remote that is away, or says no, lends nothing: the step is done all the same, for what is recorded decides.

        Raises:
            BusyError: someone else is still at it after `wait_s` seconds.
        """
        try:
            held = self._wait(intent, is_recorded, tell)
        except RemoteError:  # whether the records can be shared, the push will tell
            return True
        if held is None:
            return False
        self._has_taken = True
        self._held[intent.fingerprint] = self._kept_alive(held)
        if is_recorded():  # by the one who held it before, between our last look and its end
            self.drop(intent.fingerprint)
            return False
        return True

    def holds(self, fingerprint: str | None) -> bool:
        """Say whether the lease on a fingerprint is held here."""
        return fingerprint in self._held

    def drop(self, fingerprint: str | None) -> None:
        """Give up a lease, if it is held; one that cannot be given up runs out."""
        held = self._held.pop(fingerprint or "", None)
        if held is None:
            return
        held.stop.set()
        if held.thread is not None:
            held.thread.join()
        with suppress(MlspecError):  # one that cannot be given up runs out
            drop(self.home, held.claim)

    def drop_all(self) -> None:
        """Give up all leases."""
        for fingerprint in list(self._held):
            self.drop(fingerprint)

    def sweep(self, is_recorded: Callable[[str], bool]) -> None:
        """Take away what the dead have left of trainings that are recorded.

        A remote is asked for it only if this apply took a lease of its own.
        """
        if self.home.remote is not None and not self._has_taken:
            return
        with suppress(MlspecError):  # what stays does no harm
            for fingerprint, found in left(self.home).items():
                if is_recorded(fingerprint):
                    drop(self.home, found)

    def _wait(self, intent: Intent, is_recorded: Callable[[], bool], tell: Callable[[Intent], None]) -> Claim | None:
        began = self.clock.monotonic()
        seen: Claim | None = None
        since = began
        while True:
            found, now = look(self.home, intent.fingerprint), self.clock.monotonic()
            if found is None or _is_dead(found) or (seen == found and now - since > _ttl(found)):
                held = claim(self.home, intent, found)
                if held is not None:
                    return held
            elif seen is None or seen.oid != found.oid:
                seen, since = found, now
            if found is not None and found.intent is not None:
                tell(found.intent)
            if is_recorded():
                return None
            if now - began > self.wait_s or self.cancel.is_set():
                raise _busy(intent, found, now - began)
            longest = _LOOK_S if self.home.remote else _LOOK_HERE_S
            self.cancel.wait(secrets.SystemRandom().uniform(longest / 2, longest))

    def _kept_alive(self, first: Claim) -> _Held:
        held = _Held(first, threading.Event())
        held.thread = threading.Thread(target=self._beat, args=(held,), name="heartbeat", daemon=True)
        held.thread.start()
        return held

    def _beat(self, held: _Held) -> None:
        while held.claim.intent is not None and not held.stop.wait(held.claim.intent.ttl_s / 4):
            again = held.claim.intent.model_copy(update={"beat": held.claim.intent.beat + 1})
            try:
                beaten = claim(self.home, again, held.claim)
            except MlspecError:  # a lease that is not renewed runs out, without harm
                continue
            if beaten is None:
                return  # taken over: what is recorded first counts
            held.claim = beaten


def _is_dead(found: Claim) -> bool:
    """Say whether the owner was a process of this machine that is no more."""
    intent = found.intent
    if intent is None or intent.machine is None or intent.process is None or intent.machine != this_machine():
        return False
    return not lives(intent.process)


def _ttl(found: Claim) -> float:
    return min(found.intent.ttl_s if found.intent else TTL_S, _LONGEST_TTL_S)


def _busy(intent: Intent, found: Claim | None, waited: float) -> BusyError:
    who = found.intent.who if found and found.intent else "someone else"
    return BusyError(
        Problem(
            "lineage/busy",
            f"{intent.verb} {intent.address}: another apply is at it ({who}), still after {waited:.0f} s",
            help="apply again later, or wait longer: --wait SECONDS",
        )
    )
