"""`mlspec schema`: JSON Schemas (draft 2020-12) of what a user writes and of what mlspec records, from the models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mlspec.core.ancestry import Ancestry
from mlspec.core.comparison import Comparison
from mlspec.core.explanation import Explanation
from mlspec.core.head import Head
from mlspec.core.overview import Overview
from mlspec.core.plan import Plan
from mlspec.core.problem import fail, suggest
from mlspec.core.record import Record
from mlspec.core.reproduction import Reproductions
from mlspec.io.files import write_file
from mlspec.plugins.catalog import catalog
from mlspec.render.json_text import document
from mlspec.specs.base import Part, Spec, change_of
from mlspec.specs.gate import CheckSpec, Gate
from mlspec.specs.project import Project

_DOCUMENTS: dict[str, type[BaseModel]] = {
    "plan": Plan,
    "record": Record,
    "head": Head,
    "show": Overview,
    "diff": Comparison,
    "lineage": Ancestry,
    "explain": Explanation,
    "reproduce": Reproductions,
}


def names() -> list[str]:
    """Return what there are schemas of."""
    return ["project", "spec", *(kind.lower() for kind in catalog().kinds), *_DOCUMENTS]


def schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema.

    Raises:
        MlspecError: there is none of that name.
    """
    name = name.lower()
    kinds = {kind.lower(): model for kind, model in catalog().kinds.items()}
    if name in kinds:
        return _of_kind(name, kinds[name])
    if name == "project":
        return _framed(name, _with_changes(Project, Project.model_json_schema()))
    if name == "spec":
        return _framed(name, _of_any_kind())
    if name in _DOCUMENTS:
        mode = _DOCUMENTS[name].model_json_schema(by_alias=True)
        return _framed(name, mode)
    raise fail(
        "schema/unknown",
        f"there is no schema of `{name}`; there are: {', '.join(names())}",
        help=suggest(name, names()),
    )


def for_editors() -> dict[str, bytes]:
    """Return the schemas that a repository keeps beside what it declares, by file name."""
    return {f"{name}.schema.json": document(schema(name)).encode() for name in ("project", "spec")}


def write_all(folder: Path) -> list[Path]:
    """Write every schema into a folder; return the files."""
    files = {folder / f"{name}.schema.json": document(schema(name)) for name in names()}
    for path, text in files.items():
        write_file(path, text.encode())
    return list(files)


def _of_kind(name: str, model: type[Spec]) -> dict[str, Any]:
    made = _with_changes(model, model.model_json_schema())
    if model is Gate:
        _put_checks(made)
    kind = next(kind for kind in catalog().kinds if kind.lower() == name)
    made["properties"] = {"kind": {"const": kind, "description": "The kind of resource."}, **made["properties"]}
    made["required"] = ["kind", *made.get("required", [])]
    return _framed(name, made)


def _of_any_kind() -> dict[str, Any]:
    """Return the schema of a document whose `kind` decides: a file may hold several."""
    definitions: dict[str, Any] = {}
    cases = []
    for kind in catalog().kinds:
        own = schema(kind)
        definitions |= own.pop("$defs", {})
        definitions[kind] = {key: part for key, part in own.items() if not key.startswith("$")}
        case = {"properties": {"kind": {"const": kind}}, "required": ["kind"]}
        cases.append({"if": case, "then": {"$ref": f"#/$defs/{kind}"}})
    kinds = {"enum": list(catalog().kinds), "description": "The kind of resource."}
    return {
        "title": "Spec",
        "type": "object",
        "properties": {"kind": kinds},
        "required": ["kind"],
        "allOf": cases,
        "$defs": definitions,
    }


def _put_checks(made: dict[str, Any]) -> None:
    """Say what each installed check takes."""
    definitions, choices = made.setdefault("$defs", {}), []
    for name, check in sorted(catalog().checks.items()):
        own = _with_changes(check, check.model_json_schema())
        definitions |= own.pop("$defs", {})
        own["properties"]["check"] = {"const": name, "description": own["properties"]["check"].get("description", "")}
        definitions[check.__name__] = own
        choices.append({"$ref": f"#/$defs/{check.__name__}"})
    definitions.pop(CheckSpec.__name__, None)
    names = {"check": {"enum": sorted(catalog().checks)}}  # editors offer those of the closest choices alone
    made["properties"]["checks"]["items"] = {"properties": names, "anyOf": choices}


def _with_changes(model: type[Part], made: dict[str, Any]) -> dict[str, Any]:
    """Write the class of change of every field into a schema, as `x-change`."""
    by_name = {part.__name__: part for part in _parts(model)}
    for name, own in [(model.__name__, made), *made.get("$defs", {}).items()]:
        part = by_name.get(name)
        for field, info in part.model_fields.items() if part else ():
            change = change_of(part, field) if part else None
            written = own.get("properties", {}).get(info.alias or field)
            if change is not None and written is not None:
                written["x-change"] = change.value
    return made


def _parts(model: type[Part]) -> set[type[Part]]:
    found, frontier = set[type[Part]](), [model]
    while frontier:
        part = frontier.pop()
        found.add(part)
        for info in part.model_fields.values():
            frontier += [inner for inner in _inside(info.annotation) if inner not in found]
    return found


def _inside(annotation: Any) -> list[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [part for inner in getattr(annotation, "__args__", ()) for part in _inside(inner)]


def _framed(name: str, made: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"mlspec/{name}.schema.json", **made}


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
