"""Several judgements at once: their intervals are adjusted for their number, so that all hold together."""

from __future__ import annotations

FEWEST_NAMED = 10
"""Of fewer rows even the name of a group would say something of a person."""


def few_text(count: int, what: str) -> str:
    """Say how many groups are too small to be named."""
    return f"{count} {what}{'s' if count > 1 else ''} of under {FEWEST_NAMED} rows"


def adjusted(confidence: float, family: int) -> float:
    """Return the confidence of each of several intervals that all hold at once with at least this confidence.

    Bonferroni's inequality: of m intervals that miss with probability a / m each, any misses with at most a.
    """
    return 1 - (1 - confidence) / max(family, 1)


def note(family: int, what: str) -> str:
    """Say what intervals were adjusted for, with a semicolon in front; nothing where there is only one."""
    return f"; interval adjusted for {family} {what}" if family > 1 else ""
