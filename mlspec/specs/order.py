"""The canonical order of fields: kind, name, then as the models declare them; keys that are the user's keep theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin

from mlspec.core.document import Document, Path
from mlspec.specs.base import Part
from mlspec.specs.gate import CheckSpec
from mlspec.specs.parse import PROJECT_FILE, Catalog
from mlspec.specs.project import Project

_COMMON = frozenset(CheckSpec.model_fields) - {"check"}
"""What every check declares comes after its own fields."""


def orders(document: Document, catalog: Catalog) -> Mapping[Path, tuple[str, ...]]:
    """Return the names of fields in order for each mapping of a valid document that is a part of a spec."""
    if document.file == PROJECT_FILE:
        return dict(_of_part(document.value, Project, (), catalog))
    found = dict(_of_part(document.value, catalog.kinds[document.value["kind"]], (), catalog))
    return {**found, (): ("kind", *found[()])}


def _of_part(value: Mapping[str, Any], part: type[Part], path: Path, catalog: Catalog) -> Iterator[tuple[Path, Any]]:
    fields = {info.alias or name: info.annotation for name, info in part.model_fields.items()}
    yield path, tuple(sorted(fields, key=lambda name: issubclass(part, CheckSpec) and name in _COMMON))
    for name, item in value.items():
        if name in fields:
            yield from _below(item, fields[name], (*path, name), catalog)


def _below(value: Any, annotation: Any, path: Path, catalog: Catalog) -> Iterator[tuple[Path, Any]]:
    """Walk a value of a field: a part, a list of parts, or parts by keys that are the user's."""
    if isinstance(value, list):
        for n, item in enumerate(value):
            yield from _below(item, annotation, (*path, n), catalog)
    elif isinstance(value, dict):
        part = _part(value, list(_parts(annotation)), catalog)
        named = next((choice for choice in _choices(annotation) if get_origin(choice) is dict), None)
        if part is not None:
            yield from _of_part(value, part, path, catalog)
        elif named is not None:
            for key, item in value.items():
                yield from _below(item, get_args(named)[1], (*path, key), catalog)


def _part(value: Mapping[str, Any], parts: list[type[Part]], catalog: Catalog) -> type[Part] | None:
    """Return the one of several parts that a mapping is: the one that has most of its fields."""
    if CheckSpec in parts:
        return catalog.checks.get(value.get("check", ""), CheckSpec)
    return max(parts, key=lambda part: len(value.keys() & _names(part)), default=None)


def _names(part: type[Part]) -> set[str]:
    return {info.alias or name for name, info in part.model_fields.items()}


def _choices(annotation: Any) -> Iterator[Any]:
    """Yield what an annotation allows, without its marks."""
    if hasattr(annotation, "__metadata__"):
        yield from _choices(annotation.__origin__)
    elif get_origin(annotation) is Union or type(annotation).__name__ == "UnionType":
        for choice in get_args(annotation):
            yield from _choices(choice)
    else:
        yield annotation


def _parts(annotation: Any) -> Iterator[type[Part]]:
    for choice in _choices(annotation):
        if isinstance(choice, type) and issubclass(choice, Part):
            yield choice
        elif get_origin(choice) is tuple:
            yield from _parts(get_args(choice)[0])
