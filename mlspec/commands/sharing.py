"""How the records of one apply reach the others: soon after they are made, and in the end all of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from mlspec.core.ports import Cancel, Clock, Store
from mlspec.core.problem import MlspecError, Problem
from mlspec.lineage.home import Home
from mlspec.lineage.share import outbox, publish
from mlspec.lineage.write import Branch

_OFTEN_S = 5.0
"""Pushes of one apply are at least so far apart, unless others wait for what is recorded."""


@dataclass
class Sharing:
    """Pushes what one apply records. `problems` are what the user must know of it; `stale` of them mean exit code 4."""

    home: Home
    branch: Branch
    store: Store
    clock: Clock
    pushes: bool = True
    cancel: Cancel | None = None
    problems: list[Problem] = field(default_factory=list)
    stale: list[Problem] = field(default_factory=list)
    _last: float | None = None
    _is_away: bool = False

    def soon(self, *, awaited: bool = False) -> bool:
        """Push unless that was done a moment ago; say whether the tip may be another now."""
        now = self.clock.monotonic()
        early = self._last is not None and now - self._last < _OFTEN_S and not awaited
        return not (early or self._is_away) and self._push()

    def finally_(self) -> bool:
        """Push all that is left; say whether the tip may be another now."""
        return self._push()

    def settle(self) -> None:
        """Let others see what is in the store, where this apply pushes; what stands against it the next push tells."""
        if self.pushes and not self._is_away:
            with suppress(MlspecError):
                self.store.settle()

    @property
    def told(self) -> tuple[Problem, ...]:
        """Return all that is to be told."""
        return (*self.problems, *self.stale)

    def _push(self) -> bool:
        if not self.pushes or outbox(self.home).is_empty:
            return False
        try:
            self.store.settle()
            shared = publish(self.home, self.branch, self.clock.now, self.cancel)
        except MlspecError as error:
            if error.exit_code != 1:
                raise
            self.problems, self._is_away = list(error.problems), True
            return True
        self.problems, self._is_away, self._last = [], False, self.clock.monotonic()
        self.stale += shared.refused
        return True
