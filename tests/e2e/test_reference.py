"""The lists of all kinds and commands are those that there are, and the site's navigation has a page for each.

`--update-golden` writes docs/reference.md, the table of changes in docs/concepts/fingerprints.md, and mkdocs.yml.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mlspec.cli.main import cli
from mlspec.commands.schema import schema
from mlspec.plugins.catalog import catalog
from mlspec.specs.base import Change
from tests.console import code

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
NAV = "      # from here to the end: written by `make golden`\n"
KINDS = ("project", *(kind.lower() for kind in catalog().kinds))
COMMANDS = cli.list_commands(click.Context(cli))


def opening(page: Path) -> tuple[str, str]:
    """Return the title of a page and the first sentence below it."""
    title, _, rest = page.read_text(encoding="utf-8").partition("\n")
    first = " ".join(rest.strip().split("\n\n")[0].split())
    return title.removeprefix("# "), re.split(r"(?<=\.) ", first)[0]


def kinds() -> str:
    rows = [(opening(DOCS / "kinds" / f"{kind}.md"), kind) for kind in KINDS]
    return "| kind | is |\n|---|---|\n" + "".join(
        f"| [{title}](kinds/{kind}.md) | {sentence} |\n" for (title, sentence), kind in rows
    )


def commands() -> str:
    rows = ""
    for name in COMMANDS:
        found = cli.get_command(click.Context(cli), name)
        assert found is not None
        usage = " ".join(["mlspec", name, *found.collect_usage_pieces(click.Context(found))[1:]]).replace("]...", "…]")
        rows += f"| [{code(usage)}](commands/{name}.md) | {found.get_short_help_str(200)} |\n"
    return "| command | does |\n|---|---|\n" + rows


def changes(kind: str) -> Iterator[tuple[Change, str]]:
    """Yield the class of change of each field of a kind, by its path."""
    made = schema(kind)

    def walk(part: dict[str, Any], before: str) -> Iterator[tuple[Change, str]]:
        for name, field in part["properties"].items():
            if "x-change" in field:
                yield Change(field["x-change"]), before + name
            else:
                for inner, between in parts(field, "."):
                    yield from walk(inner, before + name + between)

    def parts(schema: Any, between: str) -> Iterator[tuple[dict[str, Any], str]]:
        """Yield the parts that a field holds, with what stands between its name and theirs."""
        if isinstance(schema, list):
            for choice in schema:
                yield from parts(choice, between)
        elif isinstance(schema, dict):
            found = made["$defs"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else {}
            if "properties" in found:
                yield found, between
            for key, inner in schema.items():
                leads = {"items": "[].", "additionalProperties": ".NAME.", "patternProperties": ".NAME."}
                yield from parts([*inner.values()] if key == "patternProperties" else inner, leads.get(key, between))

    yield from walk(made, "")


def by_change() -> str:
    told: dict[tuple[Change, str], list[str]] = defaultdict(list)
    for kind in KINDS[1:]:
        for change, path in changes(kind):
            told[change, kind].append(f"`{path}`")
    rows = []
    for change in Change:
        cells = {kind.capitalize(): ", ".join(sorted(told[change, kind])) for kind in KINDS[1:]}
        if len({*cells.values()}) == 1:
            cells = {"every kind": cells.popitem()[1]}
        rows += [f"| {change.value} | {kind} | {fields} |\n" for kind, fields in cells.items() if fields]
    return "| a change sets off | in a | of these fields |\n|---|---|---|\n" + "".join(rows)


def navigation() -> str:
    listed = "      - Kinds:\n" + "".join(
        f"          - {opening(DOCS / 'kinds' / f'{kind}.md')[0].partition(':')[0]}: kinds/{kind}.md\n"
        for kind in KINDS
    )
    return listed + "      - Commands:\n" + "".join(f"          - {name}: commands/{name}.md\n" for name in COMMANDS)


def between(text: str, name: str, made: str) -> str:
    start, end = f"<!-- {name} -->\n", "<!-- end -->"
    assert start in text
    before, _, rest = text.partition(start)
    return before + start + made + end + rest.partition(end)[2]


def test_the_lists_are_whole(request: pytest.FixtureRequest) -> None:
    page, table, site = DOCS / "reference.md", DOCS / "concepts" / "fingerprints.md", ROOT / "mkdocs.yml"
    fresh = {
        page: between(between(page.read_text(), "kinds", kinds()), "commands", commands()),
        table: between(table.read_text(), "changes", by_change()),
        site: site.read_text().partition(NAV)[0] + NAV + navigation(),
    }
    for path, text in fresh.items():
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: run `make golden`"


def test_there_is_no_page_of_another_kind() -> None:
    assert {page.stem for page in DOCS.glob("kinds/*.md")} == set(KINDS)


def test_every_field_has_a_class_of_change() -> None:
    """A field in no row of the table would be one whose change nobody can foresee; naming a kind or a check is none."""
    for kind in KINDS[1:]:
        assert len(list(changes(kind))) > 3
