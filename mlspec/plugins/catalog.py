"""The catalog of kinds, checks and stores, from entry points of installed packages; built-ins register the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mlspec.core.problem import fail
from mlspec.specs.parse import Catalog

KINDS, CHECKS, STORES = "mlspec.kinds", "mlspec.checks", "mlspec.stores"


@cache
def catalog() -> Catalog:
    """Return the kinds and checks that are installed, and the names of the stores.

    Raises:
        MlspecError: two packages register the same name, or one cannot be imported.
    """
    found = entry_points()
    kinds, checks, stores = (_points(found.select(group=group)) for group in (KINDS, CHECKS, STORES))
    return Catalog(_loaded(kinds), _loaded(checks), tuple(stores))


def store(scheme: str) -> Any:
    """Return the function that opens a store of a scheme; only this one is imported.

    Raises:
        MlspecError: no such store is installed, or it cannot be imported.
    """
    points = _points(entry_points(group=STORES))
    if scheme not in points:
        known = ", ".join(points)
        raise fail("store/unknown", f"no store is installed for `{scheme}`", help=f"stores: {known}")
    return _load(points[scheme])


def implementation(reference: str) -> Callable[..., Any]:
    """Return the function that a check names as `package.module:function`; imported only when it judges."""
    module, _, name = reference.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(module), name)
    return loaded


def _points(found: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
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
    return dict(sorted(table.items()))


def _loaded(points: Mapping[str, EntryPoint]) -> dict[str, Any]:
    return {name: _load(point) for name, point in points.items()}


def _load(point: EntryPoint) -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise fail("plugin/broken", f"{point.group} `{point.name}` ({point.value}) cannot be loaded: {error}") from None
