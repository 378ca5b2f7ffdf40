"""Lineage as a list and as a flowchart: nothing a user wrote is syntax of either, and a large graph is cut."""

from __future__ import annotations

import re

import pytest

from mlspec.core.ancestry import Ancestry, Edge, Node
from mlspec.render.lineage_text import lineage_lines, mermaid
from mlspec.render.text import plain
from tests.hostile import STRINGS

LABEL = r'"(?:[A-Za-z0-9 /.\-_,:@+()]|#\d+;|<br/>)*"'
NODE = re.compile(
    rf"  (?:n\d+|more)(?:\[\({LABEL}\)\]|\[{LABEL}\]|\(\[{LABEL}\]\)|\{{\{{{LABEL}\}}\}}|\[\[{LABEL}\]\])"
)
EDGE = re.compile(r"  n\d+ --> n\d+")


def node(name: str, kind: str = "run", by: str = "Example", ref: str = "main@9f0c12ab", at: str = "06") -> Node:
    made = {"id": name, "kind": kind, "address": "model/income", "name": name, "digest": "sha256:" + "a" * 64}
    rest = {"at": f"2026-11-23T{at}:00:00Z", "by": by, "ref": ref, "commit": "9f0c12ab" * 5, "record": "r"}
    return Node.model_validate(made | rest)


def is_a_flowchart(text: str) -> bool:
    """Hold a flowchart against the part of Mermaid's grammar that is written here."""
    first, *rows = text.removesuffix("\n").split("\n")
    return first == "flowchart LR" and all(NODE.fullmatch(row) or EDGE.fullmatch(row) for row in rows)


@pytest.mark.parametrize("text", STRINGS.values(), ids=STRINGS.keys())
def test_hostile_text_is_a_label_and_a_line(text: str) -> None:
    short = text[:400]
    graph = Ancestry.model_construct(address="model/income", nodes=(node("a", by=short, ref=short),), edges=())
    assert is_a_flowchart(mermaid(graph))
    shown = plain(lineage_lines(graph))
    assert shown.count("\n") == 2
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", shown)


@pytest.mark.parametrize("kind", ["snapshot", "run", "version", "verdict", "stage"])
def test_every_kind_has_a_shape(kind: str) -> None:
    assert is_a_flowchart(mermaid(Ancestry(address="model/income", nodes=(node("a", kind),), edges=())))


def test_a_large_graph_is_cut_to_its_newest_part_and_says_so() -> None:
    nodes = tuple(node(f"{n:03}", at=f"{n // 30:02}") for n in range(601))
    edges = tuple(Edge(source="000", target=f"{n:03}") for n in range(1, 601))
    text = mermaid(Ancestry(address="model/income", nodes=nodes, edges=edges))
    assert is_a_flowchart(text)
    assert text.count("-->") == 200
    assert "run 600" in text
    assert "400 older, see" in text


def test_each_thing_is_listed_once_below_what_it_was_made_from() -> None:
    nodes = (node("a"), node("pass", "verdict"), node("fail", "verdict"), node("staging", "stage"))
    pairs = [("a", "pass"), ("a", "fail"), ("pass", "staging"), ("fail", "staging")]
    graph = Ancestry(address="model/income", nodes=nodes, edges=tuple(Edge(source=s, target=t) for s, t in pairs))
    starts = [str(text).partition("  2026")[0].rstrip() for text in lineage_lines(graph)]
    assert starts == [
        "model/income  times in UTC",
        "  model/income run a",
        "    model/income pass",
        "      staging",
        "    model/income fail",
    ]
