"""Which cases every run takes, and which the long tests (`make torture`) alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeVar

import pytest

_Case = TypeVar("_Case")


def sampled(cases: Iterable[Any], first: int) -> list[Any]:
    """Return cases for `parametrize`: the first few are run always, the others by `make torture`."""
    listed = list(cases)
    rest = (case if isinstance(case, tuple) else (case,) for case in listed[first:])
    return [*listed[:first], *(pytest.param(*case, marks=pytest.mark.torture) for case in rest)]


def every_second(cases: Iterable[Any]) -> list[Any]:
    """Return cases, made by `pytest.param`, of which every second is run always, and all by `make torture`."""
    rare = pytest.mark.torture
    return [
        pytest.param(*case.values, id=case.id, marks=(*case.marks, rare)) if n % 2 else case
        for n, case in enumerate(cases)
    ]


def thinned(cases: Mapping[str, _Case], always: Collection[str] = ()) -> list[Any]:
    """Return names of cases for `parametrize`: every second is run always, and those others must; all by torture."""
    usual = _usual(cases, always)
    return [name if name in usual else pytest.param(name, marks=pytest.mark.torture) for name in cases]


def taken(cases: Mapping[str, _Case], config: pytest.Config, always: Collection[str] = ()) -> dict[str, _Case]:
    """Return the cases that a run takes of those that `thinned` names."""
    every, usual = everything(config), _usual(cases, always)
    return {name: case for name, case in cases.items() if every or name in usual}


def everything(config: pytest.Config) -> bool:
    """Say whether a run takes what is left to `make torture`."""
    return config.getoption("markexpr") != "not torture"


def _usual(cases: Mapping[str, Any], always: Collection[str]) -> set[str]:
    return {name for n, name in enumerate(cases) if n % 2 == 0 or name in always}
