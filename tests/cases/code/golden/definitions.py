"""Functions and classes, with docstrings that count for nothing."""
from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from collections.abc import Callable


def nothing():
    """Only a docstring."""


def stub(): ...


def all_kinds(a, b: int = 1, /, c="c", *rest: str, d, e=None, **more: float) -> dict[str, int]:
    """Take every kind of argument."""
    return {"a": a, **more, "b": b}


def star(*, a, b=None):
    return a, b


@functools.lru_cache(maxsize=None)
def cached(n: int) -> int:
    return n if n < 2 else cached(n - 1) + cached(n - 2)


@dataclass(frozen=True)
class Point(object, metaclass=type):
    """A point."""

    x: int
    """Text after an attribute."""
    y: int = 0

    async def walk(self, steps):
        """Walk."""
        async with self as other, other:
            async for step in steps:
                await step
        return [n async for n in steps if n]

    @property
    def size(self) -> Callable[[], int]:
        def inner():
            nonlocal_value = 0

            def deeper():
                nonlocal nonlocal_value
                nonlocal_value += 1
                yield nonlocal_value
                yield
                yield from range(3)
            return deeper
        return inner


class Empty(Point):
    pass


add = lambda a, *b, c=1, **d: (a, b, c, d)
