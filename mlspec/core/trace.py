"""Tracing: records give the graph of what was made from what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlspec.core import digest
from mlspec.core.ancestry import Ancestry, Edge, Node, NodeKind
from mlspec.core.fold import reference
from mlspec.core.record import Record

_ORDER: Mapping[str, int] = {"snapshot": 0, "run": 1, "version": 2, "verdict": 3, "stage": 4}


def trace(records: Iterable[Record]) -> Ancestry:
    """Return the graph of records, which come in the order of their generations; of addresses, the last of each chain.

    A verdict follows from the version that its run became, else from the run; a stage from the verdicts that let the
    version in, else from the version.
    """
    listed = list(records)
    graph = _Graph(_owners(listed))
    for record in listed:
        if record.status == "done" and (enter := _ENTER.get(record.verb)) is not None:
            enter(graph, record)
    nodes = sorted(graph.nodes.values(), key=lambda node: (_ORDER[node.kind], node.at))  # of one second, as they came
    edges = (Edge(source=one, target=other) for one, other in graph.linked())
    return Ancestry(address="", nodes=tuple(nodes), edges=tuple(edges))


def _owners(records: Iterable[Record]) -> dict[str, str]:
    """Return the address that each record's chain ends at, by the record's digest."""
    first, last = dict[str, str](), dict[str, str]()
    for record in records:
        chain = first[record.digest] = first.get(record.previous or "", record.digest)
        last[chain] = record.address
    return {one: last[chain] for one, chain in first.items()}


def around(graph: Ancestry, address: str, focus: Callable[[Node], bool]) -> Ancestry:
    """Return the part of a graph that the nodes in focus were made from, or that was made from them."""
    chosen = {node.id for node in graph.nodes if focus(node)}
    forward: dict[str, list[str]] = {}
    backward: dict[str, list[str]] = {}
    for edge in graph.edges:
        forward.setdefault(edge.source, []).append(edge.target)
        backward.setdefault(edge.target, []).append(edge.source)
    kept = _reached(chosen, forward) | _reached(chosen, backward)
    return Ancestry(
        address=address,
        nodes=tuple(node for node in graph.nodes if node.id in kept),
        edges=tuple(edge for edge in graph.edges if {edge.source, edge.target} <= kept),
    )


def _reached(start: Iterable[str], steps: Mapping[str, list[str]]) -> set[str]:
    seen, frontier = set[str](), list(start)
    while frontier:
        one = frontier.pop()
        if one not in seen:
            seen.add(one)
            frontier += steps.get(one, [])
    return seen


@dataclass
class _Graph:
    """The graph so far; what each node may have been made from, the best first; and what is in each stage."""

    owners: Mapping[str, str]
    nodes: dict[str, Node] = field(default_factory=dict)
    sources: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    within: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, kind: NodeKind, key: str, record: Record, name: str, **facts: Any) -> str:
        """Enter a node; a later one of the same key takes its place."""
        node = Node(
            id=f"{kind}:{key}",
            kind=kind,
            name=name,
            at=record.finished,
            by=record.actor.name,
            ref=reference(record),
            commit=record.origin.commit,
            record=record.digest,
            **{"address": self.owners[record.digest], **facts},
        )
        self.nodes[node.id] = node
        return node.id

    def run_of(self, record: Record) -> str:
        """Return the key of the run that a record speaks of."""
        return f"{self.owners[record.digest]}:{record.fingerprint}"

    def leave(self, address: str, stage: str, at: str) -> None:
        """Say that what is in a stage left it."""
        held = self.within.pop((address, stage), None)
        if held is not None:
            self.nodes[held] = self.nodes[held].model_copy(update={"until": at})

    def linked(self) -> Iterator[tuple[str, str]]:
        """Yield the edges: of each node to the first of its possible sources that are there."""
        for target in self.nodes:
            choices = ([one for one in sources if one in self.nodes] for sources in self.sources.get(target, []))
            yield from ((source, target) for source in next((found for found in choices if found), []))


def _snapshot(graph: _Graph, record: Record) -> None:
    content, made = record.output("content"), record.fingerprint or ""
    if content is not None:
        graph.add("snapshot", made, record, digest.short(made, 8), digest=made, content=content.digest)


def _train(graph: _Graph, record: Record) -> None:
    model, run = record.output("model"), record.fingerprint or ""
    if model is not None:
        name = digest.short(run, 8)
        node = graph.add("run", graph.run_of(record), record, name, digest=run, content=model.digest)
        graph.sources[node] = [(f"snapshot:{record.inputs.get('dataset', '')}",)]


def _register(graph: _Graph, record: Record) -> None:
    run = graph.run_of(record)
    node = graph.add("version", run, record, f"v{record.version}", digest=record.fingerprint)
    graph.sources[node] = [(f"run:{run}",)]


def _evaluate(graph: _Graph, record: Record) -> None:
    run = graph.run_of(record)
    for verdict in record.verdicts:
        facts = {"address": verdict.gate, "digest": verdict.digest}
        node = graph.add("verdict", f"{run}:{verdict.gate}:{verdict.digest}", record, verdict.outcome.value, **facts)
        graph.sources[node] = [(f"version:{run}",), (f"run:{run}",)]


def _enter(graph: _Graph, record: Record) -> None:
    run, place = graph.run_of(record), (graph.owners[record.digest], record.stage or "")
    graph.leave(*place, record.finished)
    node = graph.add("stage", record.digest, record, record.stage or "", digest=record.fingerprint)
    graph.within[place] = node
    verdicts = tuple(f"verdict:{run}:gate/{gate}:{made}" for gate, made in record.gates.items())
    graph.sources[node] = [verdicts, (f"version:{run}",)]


def _demote(graph: _Graph, record: Record) -> None:
    graph.leave(graph.owners[record.digest], record.stage or "", record.finished)


def _retire(graph: _Graph, record: Record) -> None:
    for address, stage in list(graph.within):
        if address == graph.owners[record.digest]:
            graph.leave(address, stage, record.finished)


_ENTER: Mapping[str, Callable[[_Graph, Record], None]] = {
    "snapshot": _snapshot,
    "train": _train,
    "register": _register,
    "evaluate": _evaluate,
    "promote": _enter,
    "rollback": _enter,
    "demote": _demote,
    "retire": _retire,
}
