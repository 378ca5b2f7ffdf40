"""The schemas in schemas/ are what the models say, and accept the specs that mlspec accepts."""

from __future__ import annotations

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
