"""How a check divides rows into groups: by the values of a column, by ranges of a number, or by several at once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

_COLUMN_SCHEMA = {"type": "string", "minLength": 1}
_RANGES_SCHEMA = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": "array", "items": {"type": "number"}, "minItems": 1},
}
_ONE_SCHEMA = {"anyOf": [_COLUMN_SCHEMA, _RANGES_SCHEMA]}
SCHEMA = {"anyOf": [*_ONE_SCHEMA["anyOf"], {"type": "array", "items": _ONE_SCHEMA, "minItems": 1}]}
_EXPECTED = "must be a column, ranges as {age: [25, 40, 65]}, or a list of these for their intersections"


class Key(NamedTuple):
    """A column to group by; with edges by the ranges between them, each from one edge to under the next."""

    column: str
    edges: tuple[float, ...] = ()


def _grouping(value: Any) -> Any:
    keys = list(_keys(value))
    if not keys:
        raise ValueError(_EXPECTED)
    columns = [key.column for key in keys]
    for column in columns:
        if columns.count(column) > 1:
            raise ValueError(f"names the column `{column}` twice")
    return value


def _keys(value: Any) -> Iterator[Key]:
    for part in value if isinstance(value, list | tuple) else [value]:
        if isinstance(part, str) and part:
            yield Key(part)
        elif isinstance(part, dict) and part:
            for column, edges in part.items():
                yield Key(column, _edges(column, edges))
        else:
            raise ValueError(_EXPECTED)


def _edges(column: str, edges: Any) -> tuple[float, ...]:
    numbers = edges if isinstance(edges, list | tuple) else []
    if not numbers or not all(isinstance(edge, int | float) and not isinstance(edge, bool) for edge in numbers):
        raise ValueError(f"the ranges of `{column}` are the numbers between them, such as [25, 40, 65]")
    if not all(low < high for low, high in pairwise(numbers)):
        raise ValueError(f"the numbers between the ranges of `{column}` must rise")
    return tuple(float(edge) for edge in numbers)


def keys_of(grouping: Any) -> tuple[Key, ...]:
    """Return the columns of a valid grouping, in the order it names them."""
    return tuple(_keys(grouping))


def shown(grouping: Any) -> str:
    """Return a grouping in words: `sex`, or `sex and age`."""
    return " and ".join(key.column for key in keys_of(grouping))


Grouping = Annotated[Any, BeforeValidator(_grouping), Field(json_schema_extra=SCHEMA)]
