"""What a function that judges may return, and what a step takes of it: nothing that is not wholly clear."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlspec.core.problem import fail
from mlspec.steps.wire import JudgeAnswer

MOST_TEXT = 600
"""So many characters a reason has at most: it is recorded with the verdict."""
_CONFIDENCE = 0.95
_NUMBERS = ("value", "low", "high")
_KEYS = (*_NUMBERS, "confidence", "passes", "reason")
_FORMS = 'return true or false, {"passes": …, "reason": …}, or {"value": …, "low": …, "high": …}'


def answer_of(returned: Any) -> JudgeAnswer:
    """Return what a function that judges has returned, as an answer.

    Raises:
        MlspecError: it is none (`judge/nonsense`): another type, an unknown key, a number that is not finite, bounds
            that do not hold the value, or a text that is too long. Never with a value.
    """
    if _is_bool(returned):
        return JudgeAnswer(passes=bool(returned))
    if not isinstance(returned, Mapping):
        raise _nonsense(f"it returned {_kind(returned)}")
    unknown = next((key for key in returned if key not in _KEYS), None)
    if unknown is not None:
        raise _nonsense(f"it returned a key `{str(unknown)[:40]}`; the keys are {', '.join(_KEYS)}")
    if ("value" in returned) == ("passes" in returned):
        raise _nonsense("it must return either a `value` or `passes`")
    if "passes" in returned and not _is_bool(returned["passes"]):
        raise _nonsense(f"`passes` is {_kind(returned['passes'])}, not true or false")
    numbers = {key: None if returned.get(key) is None else _number(key, returned[key]) for key in _NUMBERS}
    if "value" in returned and numbers["value"] is None:
        raise _nonsense("`value` is nothing, not a number")
    sure = returned.get("confidence")
    return checked(
        JudgeAnswer(
            **numbers,
            confidence=_CONFIDENCE if sure is None else _number("confidence", sure),
            passes=bool(returned["passes"]) if "passes" in returned else None,
            reason=_text(returned.get("reason") or ""),
        )
    )


def checked(answer: JudgeAnswer) -> JudgeAnswer:
    """Return an answer that is whole; one that a child left is a claim.

    Raises:
        MlspecError: it is not (`judge/nonsense`).
    """
    numbers = {"value": answer.value, "low": answer.low, "high": answer.high, "confidence": answer.confidence}
    broken = next((name for name, number in numbers.items() if number is not None and not math.isfinite(number)), None)
    if broken is not None:
        raise _nonsense(f"`{broken}` is not finite")
    if (answer.value is None) == (answer.passes is None):
        raise _nonsense("it must return either a `value` or `passes`")
    if (answer.low is None) != (answer.high is None):
        raise _nonsense("`low` and `high` go together")
    if answer.low is not None and answer.high is not None:
        if answer.value is None:
            raise _nonsense("`low` and `high` go with a `value`")
        if not answer.low <= answer.value <= answer.high:
            raise _nonsense("`value` does not lie between `low` and `high`")
    if not 0.5 <= answer.confidence < 1:
        raise _nonsense("`confidence` must be at least 0.5 and below 1")
    _text(answer.reason)
    return answer


def _number(key: str, found: Any) -> float:
    if _is_bool(found):
        raise _nonsense(f"`{key}` is true or false, not a number")
    try:
        number = found.item() if hasattr(found, "item") else found
    except ValueError:
        number = None
    if not isinstance(number, int | float):
        raise _nonsense(f"`{key}` is {_kind(found)}, not a number")
    try:
        return float(number)
    except OverflowError:
        raise _nonsense(f"`{key}` is not finite") from None


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise _nonsense(f"`reason` is {_kind(found)}, not a text")
    if len(found) > MOST_TEXT:
        raise _nonsense(f"`reason` has {len(found):,} characters; at most {MOST_TEXT} are kept")
    return " ".join(found.split())


def _is_bool(found: Any) -> bool:
    return type(found).__name__ in ("bool", "bool_") and type(found).__module__ in ("builtins", "numpy")


def _kind(found: Any) -> str:
    return "nothing" if found is None else f"a {type(found).__qualname__}"


def _nonsense(message: str) -> Exception:
    return fail("judge/nonsense", message, help=_FORMS)
