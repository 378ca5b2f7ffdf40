"""The field tables of docs/kinds are made from the models (`--update-golden` writes them); their examples are valid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from mlspec.commands.load import attempt
from mlspec.commands.schema import schema
from mlspec.io.trees import WorkTree
from tests.wheels import lock

DOCS = Path(__file__).resolve().parents[2] / "docs"
TABLE = re.compile(r"<!-- fields: (\w+)(?:#(\w+))? -->\n(.*?)<!-- end -->", re.DOTALL)
EXAMPLE = re.compile(r"^```yaml\n(# \S+\n)?(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(DOCS.glob("kinds/*.md"))


def written(value: Any) -> str:
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def type_of(field: dict[str, Any]) -> str:
    if "const" in field:
        return written(field["const"])
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2]
    if "anyOf" in field:
        kinds = [type_of(choice) for choice in field["anyOf"]]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
    kind = field.get("type", "any")
    if kind == "array":
        return f"list of {type_of(field.get('items', {}))}"
    if isinstance(kind, list):
        return ", ".join(kind)
    return "mapping" if kind == "object" else str(kind)


def default_of(name: str, field: dict[str, Any], required: list[str]) -> str:
    if name in required:
        return "required"
    value = field.get("default")
    if value in (None, [], {}):
        return ""
    return "" if isinstance(value, dict) else written(value)


def table(kind: str, part: str | None) -> str:
    made = schema(kind)
    made = made["$defs"][part] if part else made
    rows = ["| field | type | default | a change of it | meaning |", "|---|---|---|---|---|"]
    for name, field in made["properties"].items():
        required = made.get("required", [])
        change = field.get("x-change", "")
        cells = [f"`{name}`", type_of(field), default_of(name, field, required), change, field.get("description", "")]
        rows.append("| " + " | ".join(cell.replace("\n", " ") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_field_tables_are_fresh(page: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    fresh = TABLE.sub(
        lambda found: f"{found[0][: found.start(3) - found.start()]}{table(found[1], found[2])}<!-- end -->", text
    )
    if request.config.getoption("--update-golden"):
        page.write_text(fresh, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == fresh, "run: make golden"
    assert TABLE.search(text)


def test_examples_are_valid(tmp_path: Path) -> None:
    """All examples of the pages together are one valid project."""
    (tmp_path / "specs").mkdir()
    for page in PAGES:
        for number, (name, text) in enumerate(EXAMPLE.findall(page.read_text(encoding="utf-8"))):
            target = tmp_path / (name[2:].strip() if name else f"specs/{page.stem}{number}.yaml")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    for folder in ("src", "checks"):
        (tmp_path / folder).mkdir()
    (tmp_path / "checks" / "cost.py").write_text("def judge(data, params): ...\n")
    (tmp_path / "src" / "train.py").write_text("def train(data, params, seed): ...\n")
    (tmp_path / "src" / "fit.py").write_text("")
    (tmp_path / "src" / "predict.py").write_text("def predict(frame, folder): ...\n")
    (tmp_path / "requirements.lock").write_text(lock("tiny==1.0"))
    loaded, problems = attempt(WorkTree(tmp_path), None)
    assert problems == []
    assert loaded is not None
    assert len(loaded.specs.where) >= 4
