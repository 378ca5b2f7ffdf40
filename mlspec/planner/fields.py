"""Flat fields: nested specs as `train.params.max_iter: 200`, and the reasons two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlspec.core.plan import Reason

Fields = dict[str, Any]


DERIVED = "digest"
"""A recorded field that follows from the others."""


def flatten(value: Mapping[str, Any], prefix: str = "") -> Fields:
    """Flatten nested mappings with dots; lists of named parts go by name, lists of mappings by number.

    Other lists and scalars are leaves. `{"schema": [{"name": "age", "type": "integer"}]}` becomes
    `{"schema.age.type": "integer"}`.
    """
    return dict(_leaves(value, prefix))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple) and value and all(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            name = item.get("name", number)
            yield from _leaves({key: part for key, part in item.items() if key != "name"}, f"{path}.{name}")
    else:
        yield path, value


def changes(before: Mapping[str, Any], after: Mapping[str, Any], via: str | None = None) -> tuple[Reason, ...]:
    """Return one reason for each field that differs, in the order of their names; what is derived explains nothing."""
    names = sorted({*before, *after} - {DERIVED})
    return tuple(
        Reason(field=name, before=before.get(name), after=after.get(name), via=via)
        for name in names
        if before.get(name) != after.get(name) or type(before.get(name)) is not type(after.get(name))
    )
