"""`mlspec lineage`: what a resource was made from, and what was made from it, from its records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from mlspec.commands.recorded import Tell, open_recorded, unheard
from mlspec.commands.versions import find_head, find_version
from mlspec.core.ancestry import Ancestry, Node
from mlspec.core.head import Head
from mlspec.core.heads import of_kind
from mlspec.core.problem import fail
from mlspec.core.trace import around, trace
from mlspec.lineage.journal import records_of

Focus = Callable[[Node], bool]


def run(start: Path, reference: str, tell: Tell = unheard) -> Ancestry:
    """Return the graph around `dataset/adult`, `income`, `gate/quality`, `income@v3` or `income@STAGE`.

    Raises:
        MlspecError: no project or repository, nothing of that address is recorded, or a record is damaged.
    """
    recorded = open_recorded(start, tell)
    heads = recorded.state.heads
    name, _, version = reference.partition("@")
    head = find_head(recorded, name)
    if version and not head.address.startswith("model/"):
        raise fail("select/version", f"{head.address} has no versions to name with @; a model has")
    focus = _focus(head, find_version(head, version).fingerprint if version else None)
    graph = trace(records_of(recorded.repository, recorded.state.tip or "", _concerned(heads, head)))
    return around(graph, head.address, focus)


def _focus(head: Head, run: str | None) -> Focus:
    """Return what tells the nodes that everything shown is to hang together with."""
    kind = head.address.partition("/")[0]
    if kind == "dataset":
        return lambda node: node.kind == "snapshot" and node.digest in head.snapshots
    if kind == "gate":
        return lambda node: node.kind == "verdict" and node.address == head.address
    return lambda node: node.kind == "run" and node.address == head.address and run in (None, node.digest)


def _concerned(heads: Mapping[str, Head], head: Head) -> set[str]:
    """Return the addresses whose records make the graph: of the models, and of the datasets they were trained on."""
    models = [head]
    if head.snapshots:
        models = [m for m in of_kind(heads, "model") if any(run.dataset in head.snapshots for run in m.runs.values())]
    elif head.address.startswith("gate/"):
        judged = (m for m in of_kind(heads, "model") if any(v.gate == head.address for v in m.verdicts.values()))
        models = list(judged)
    used = {run.dataset for model in models for run in model.runs.values()}
    datasets = {data.address for data in of_kind(heads, "dataset") if not used.isdisjoint(data.snapshots)}
    return {head.address, *(model.address for model in models), *datasets}
