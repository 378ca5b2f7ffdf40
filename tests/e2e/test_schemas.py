"""The schemas in schemas/ are what the models say, and accept the specs that mlspec accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from mlspec.commands.schema import names, schema
from mlspec.io import yaml
from mlspec.render.json_text import document

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
SPECS = sorted(
    path
    for folder in ("tests/cases/specs/valid", "examples", "templates")
    for path in (ROOT / folder).rglob("*.yaml")
    if ".mlspec" not in path.parts
)


@pytest.mark.parametrize("name", names())
def test_a_schema_is_fresh_and_well_formed(name: str) -> None:
    assert (SCHEMAS / f"{name}.schema.json").read_text() == document(schema(name)), "stale: run `make schemas`"
    Draft202012Validator.check_schema(schema(name))


def test_nothing_else_lies_in_the_folder() -> None:
    assert {path.name for path in SCHEMAS.glob("*.json")} == {f"{name}.schema.json" for name in names()}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_editor_agrees_that_a_valid_spec_is_valid(path: Path) -> None:
    documents, problems = yaml.read(path.name, path.read_bytes(), "")
    assert not problems
    for found in documents:
        name = "project" if path.name == "mlspec.yaml" else found.value["kind"].lower()
        errors = [error.message for error in Draft202012Validator(schema(name)).iter_errors(found.value)]
        assert not errors


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("gate", {"kind": "Gate", "name": "g", "owner": "o", "checks": [{"check": "metric"}]}),
        ("gate", {"kind": "Gate", "name": "g", "owner": "o", "checks": [], "extra": 1}),
        ("model", {"kind": "Model", "name": "Upper", "owner": "o"}),
        ("project", {"version": 2, "project": "p"}),
    ],
)
def test_an_editor_sees_what_is_wrong(kind: str, spec: dict[str, object]) -> None:
    assert list(Draft202012Validator(schema(kind)).iter_errors(spec))


@pytest.mark.parametrize("name", ["plan", "record", "head", "show", "diff", "lineage", "explain", "reproduce"])
def test_an_example_of_what_is_recorded_is_valid(name: str) -> None:
    example = json.loads((SCHEMAS / "examples" / f"{name}.json").read_text())
    assert [error.message for error in Draft202012Validator(schema(name)).iter_errors(example)] == []


def test_every_recorded_file_of_every_version_is_valid() -> None:
    compat = ROOT / "tests/compat"
    for name, pattern in (("record", "v*/lineage/log/**/*.json"), ("head", "v*/lineage/heads/**/*.json")):
        validator, found = Draft202012Validator(schema(name)), sorted(compat.glob(pattern))
        assert found
        assert [str(path) for path in found if not validator.is_valid(json.loads(path.read_text()))] == []
