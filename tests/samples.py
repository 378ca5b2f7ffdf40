"""Which cases every run takes, and which the long tests (`make torture`) alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[Any], first: int) -> list[Any]:
    """Return cases for `parametrize`: the first few are run always, the others by `make torture`."""
    listed = list(cases)
    rest = (case if isinstance(case, tuple) else (case,) for case in listed[first:])
    return [*listed[:first], *(pytest.param(*case, marks=pytest.mark.torture) for case in rest)]
