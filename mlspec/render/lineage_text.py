"""What was made from what: as an indented list for a person, and as a Mermaid flowchart."""

from __future__ import annotations

from collections.abc import Iterator

from mlspec.core import digest
from mlspec.core.ancestry import Ancestry, Edge, Node
from mlspec.core.moment import moment
from mlspec.render.text import Line, cells, line, neutralise, pad

_WIDEST = 44
_STYLES = {"snapshot": "bold", "run": "", "version": "bold", "stage": "promote"}
_SHAPES = {
    "snapshot": ("[(", ")]"),
    "run": ("[", "]"),
    "version": ("([", "])"),
    "verdict": ("{{", "}}"),
    "stage": ("[[", "]]"),
}
_MOST_EDGES = 200
"""GitHub draws at most 500 edges and 50,000 characters."""
_PLAIN = " /.-_,:@+()"


def lineage_lines(graph: Ancestry) -> Iterator[Line]:
    """Yield each thing below what it was made from, with its digests, its time, who made it and from which commit."""
    rows = [row for root in _roots(graph) for row in _below(graph, root, 0)]
    width = min(_WIDEST, max((cells(text) for text, _ in rows), default=0))
    yield line((graph.address, "bold"), ("  times in UTC" if rows else "", "dim"))
    if not rows:
        yield line("  nothing was made from it, and it was made from nothing that is recorded")
    for text, node in rows:
        style = _STYLES.get(node.kind, "ok" if node.name == "pass" else "error")
        made = f"  {_when(node)}  {neutralise(node.by)}, {neutralise(node.ref)}"
        yield line("  ", (pad(text, width), style), (made, "dim"))


def mermaid(graph: Ancestry) -> str:
    """Return a flowchart; of a large graph the newest part, for renderers refuse more."""
    edges = _newest(graph)
    linked = {end for edge in edges for end in (edge.source, edge.target)}
    alone = {node.id for node in graph.nodes} - {end for edge in graph.edges for end in (edge.source, edge.target)}
    shown = [node for node in graph.nodes if node.id in linked | alone]
    shown = shown if len(graph.nodes) <= _MOST_EDGES else shown[-2 * _MOST_EDGES :]
    ids = {node.id: f"n{number}" for number, node in enumerate(shown)}
    rows = [f'  {ids[node.id]}{_SHAPES[node.kind][0]}"{_label(node)}"{_SHAPES[node.kind][1]}' for node in shown]
    rows += [f"  {ids[edge.source]} --> {ids[edge.target]}" for edge in edges]
    if left := len(graph.nodes) - len(shown):
        rows.append(f'  more["and {left} older, see --format json"]')
    return "\n".join(["flowchart LR", *rows]) + "\n"


def _newest(graph: Ancestry) -> list[Edge]:
    """Return the edges to what was made last, in the order of the graph."""
    if len(graph.edges) <= _MOST_EDGES:
        return list(graph.edges)
    at = {node.id: node.at for node in graph.nodes}
    kept = set(sorted(range(len(graph.edges)), key=lambda n: at[graph.edges[n].target])[-_MOST_EDGES:])
    return [edge for number, edge in enumerate(graph.edges) if number in kept]


def _roots(graph: Ancestry) -> list[Node]:
    made = {edge.target for edge in graph.edges}
    return [node for node in graph.nodes if node.id not in made]


def _below(graph: Ancestry, node: Node, depth: int) -> Iterator[tuple[str, Node]]:
    """Yield a node and what was made from it; a stage once, below the first verdict that let it in."""
    seen = set[str]()
    frontier = [(node, depth)]
    while frontier:
        one, deep = frontier.pop()
        if one.id not in seen:
            seen.add(one.id)
            yield "  " * deep + _name(one), one
            frontier += [(below, deep + 1) for below in reversed(graph.after(one))]


def _name(node: Node) -> str:
    match node.kind:
        case "snapshot":
            return f"{node.address} version {node.name}"
        case "run":
            return f"{node.address} run {node.name}"
        case "verdict":
            return f"{node.address} {node.name}"
        case _:
            return node.name


def _when(node: Node) -> str:
    """Say when it was made, of a stage from when to when: `2026-11-23 06:00 to 2026-11-24 06:00`."""
    times = (node.at, node.until) if node.until else (node.at,)
    return " to ".join(moment(one).removesuffix(" UTC") for one in times)


def _label(node: Node) -> str:
    """Write a node's label: what it is, its object, when and by whom."""
    stored = f", object {digest.short(node.content, 8)}" if node.content else ""
    parts = (f"{_name(node)}{stored}", f"{_when(node)} UTC", f"{node.by}, {node.ref}")
    return "<br/>".join(_escaped(neutralise(part)) for part in parts)


def _escaped(text: str) -> str:
    """Write everything but letters, digits and a few signs as Mermaid's entity codes, so that nothing is syntax."""
    return "".join(sign if (sign.isascii() and sign.isalnum()) or sign in _PLAIN else f"#{ord(sign)};" for sign in text)
