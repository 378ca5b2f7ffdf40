"""Probes: what a check must ask a model again, and the key under which the answer is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from mlspec.core import digest

METHODS: Final = {"perturb": "perturb/1", "time": "time/1"}
"""The version of how each kind is carried out: with another one, what was found before is not found again."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What is asked, never what is expected: no threshold is part of it, so editing one asks nothing again.

    `perturb`: predict test rows that were changed. `time`: load the model, and predict, by the clock.
    """

    kind: Literal["perturb", "time"]
    asks: Mapping[str, Any]
    """In JSON's types."""
    rival: bool = False
    """Whether the champion is asked beside."""


def probe_key(probe: Probe, test: str, rival: str | None = None) -> str:
    """Return the key of an answer: of what is asked and how, the dataset version, and the artifact asked beside."""
    return digest.of([METHODS[probe.kind], dict(probe.asks), test, rival])
