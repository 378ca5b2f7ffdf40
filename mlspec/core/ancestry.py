"""What `lineage` gives: what a resource was made from and what was made from it, as a graph."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from mlspec.core.record import Value

NodeKind = Literal["snapshot", "run", "version", "verdict", "stage"]


class Node(Value):
    """One thing that was made: a version of a dataset, a run, a version of a model, a verdict, a time in a stage."""

    id: str
    kind: NodeKind
    address: str
    """Whose it is; of a verdict, the gate."""
    name: str
    """`v3`, the stage, the outcome; of a snapshot and a run, their digest in short."""
    digest: str | None = None
    """The fingerprint of a snapshot, a run or a version; the digest of the gate of a verdict."""
    content: str | None = None
    """The object of the store that holds its bytes: the data, the model."""
    at: str
    until: str | None = None
    """When a version left the stage; None while it is in it."""
    by: str
    ref: str
    commit: str
    record: str


class Edge(Value):
    """One thing was made from another, or holds because of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    source: str = Field(alias="from")
    target: str = Field(alias="to")


class Ancestry(Value):
    """A graph in the order in which things were made: snapshots, runs, versions, verdicts, stages."""

    format: Literal["mlspec.ancestry/1"] = "mlspec.ancestry/1"
    address: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def after(self, node: Node) -> tuple[Node, ...]:
        """Return what was made directly from a node."""
        targets = {edge.target for edge in self.edges if edge.source == node.id}
        return tuple(other for other in self.nodes if other.id in targets)
