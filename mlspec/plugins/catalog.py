"""The catalog of kinds and checks, from the entry points of installed packages; built-ins register the same way."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mlspec.core.problem import fail
from mlspec.specs.parse import Catalog

KINDS, CHECKS = "mlspec.kinds", "mlspec.checks"


@cache
def catalog() -> Catalog:
    """Return the kinds and checks that are installed.

    Raises:
        MlspecError: two packages register the same name, or one cannot be imported.
    """
    found = entry_points()
    return Catalog(kinds=_table(found.select(group=KINDS)), checks=_table(found.select(group=CHECKS)))


def implementation(reference: str) -> Callable[..., Any]:
    """Return the function that a check names as `package.module:function`; imported only when it judges."""
    module, _, name = reference.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), name)
    return loaded


def _table(found: Any) -> dict[str, Any]:
    table: dict[str, EntryPoint] = {}
    for point in found:
        other = table.get(point.name)
        if other is not None and other.value != point.value:
            raise fail(
                "plugin/duplicate",
                f"{point.group} `{point.name}` is registered twice: {other.value} and {point.value}",
                help="uninstall one",
            )
        table[point.name] = point
    return {name: _load(point) for name, point in sorted(table.items())}


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise fail("plugin/broken", f"{point.group} `{point.name}` ({point.value}) cannot be loaded: {error}") from None
