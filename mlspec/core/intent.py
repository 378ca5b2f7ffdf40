"""An intent: who is doing a costly step now. It saves work and decides nothing: only what is recorded counts."""

from __future__ import annotations

from typing import Final, Literal

from mlspec.core.record import Value

FORMAT: Final = "mlspec.intent/1"


class Intent(Value):
    """A lease on one fingerprint; its owner changes `beat` well within `ttl_s` as long as it lives."""

    format: Literal["mlspec.intent/1"] = FORMAT
    address: str
    verb: str
    fingerprint: str
    owner: str
    run: str | None = None
    """Where its run can be watched."""
    apply: str
    started: str
    ttl_s: float
    beat: int = 0
    machine: str | None = None
    """Which running system the owner's process lives on, where that can be told; never its name."""
    process: str | None = None
    """The process there, and when it began."""

    @property
    def who(self) -> str:
        """Return how people are told of the owner."""
        return f"{self.owner}, since {self.started}" + (f", {self.run}" if self.run else "")
