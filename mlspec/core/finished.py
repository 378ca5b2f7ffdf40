"""A finished training, as the store knows it by its fingerprint: enough to record it, whoever comes to that."""

from __future__ import annotations

from typing import Final, Literal

from mlspec.core.digest import PREFIX
from mlspec.core.record import Cost, Environment, Object, Value

FORMAT: Final = "mlspec.finished/1"


class Finished(Value):
    """What a training left behind; written once, when all its objects are in the store and before it is recorded."""

    format: Literal["mlspec.finished/1"] = FORMAT
    fingerprint: str
    outputs: tuple[Object, ...]
    rows: int
    features: int
    environment: Environment
    cost: Cost
    warnings: tuple[str, ...] = ()
    """What the training warned of; it may tell of rows, and so is in no record."""

    @property
    def note(self) -> str:
        """Return the name of the note that holds this."""
        return note_of(self.fingerprint)


def note_of(fingerprint: str) -> str:
    """Return the name of the note that holds the finished training of a fingerprint."""
    return f"runs/{fingerprint.removeprefix(PREFIX)}"
