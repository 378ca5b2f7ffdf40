"""Tracing: what was made from what, over moves, branches and whatever entered and left a stage."""

from __future__ import annotations

from mlspec.core.ancestry import Ancestry
from mlspec.core.record import Object, Record
from mlspec.core.trace import around, trace
from mlspec.core.verdict import Outcome
from mlspec.lineage.write import chain
from tests.unit.core.test_fold import DATASET, MODEL, draft, entered, judged, registered, trained


def traced(*drafts: Record) -> Ancestry:
    """Chain drafts as an apply would, and trace them in the order of their generations."""
    records, _ = chain({}, drafts)
    return trace(sorted(records, key=lambda record: record.generation))


def snapshot() -> Record:
    return draft("snapshot", DATASET, fingerprint="rows", outputs=(Object(name="content", digest="bytes", size=1),))


def links(graph: Ancestry) -> set[tuple[str, str]]:
    names = {node.id: f"{node.kind} {node.name}" for node in graph.nodes}
    return {(names[edge.source], names[edge.target]) for edge in graph.edges}


def test_a_version_goes_from_its_data_to_its_stage() -> None:
    promoted = entered("promote", "a", None, gates={"quality": "bar"})
    graph = traced(snapshot(), trained("a"), registered("a"), judged("a", Outcome.PASS), promoted)
    assert links(graph) == {
        ("snapshot rows", "run a"),
        ("run a", "version v1"),
        ("version v1", "verdict pass"),
        ("verdict pass", "stage staging"),
    }
    assert [node.kind for node in graph.nodes] == ["snapshot", "run", "version", "verdict", "stage"]
    assert {node.by for node in graph.nodes} == {"Example"}
    assert {node.commit for node in graph.nodes} == {"9f0c12ab" * 5}


def test_a_verdict_on_a_branch_is_of_the_run_and_a_stage_without_gates_of_the_version() -> None:
    graph = traced(
        trained("a"), judged("a", Outcome.FAIL), trained("b"), registered("b"), entered("promote", "b", None)
    )
    assert links(graph) == {("run a", "verdict fail"), ("run b", "version v1"), ("version v1", "stage staging")}


def test_what_left_a_stage_is_told_until_when() -> None:
    runs = [trained("a"), registered("a"), trained("b"), registered("b")]
    moves = [entered("promote", "a", None), entered("promote", "b", 1, at=5)]
    stages = [node for node in traced(*runs, *moves).nodes if node.kind == "stage"]
    assert {(node.digest, node.until) for node in stages} == {("a", "2026-11-23T06:05:30Z"), ("b", None)}
    for last in (draft("demote", stage="staging", replaces=2, fingerprint="b", at=9), draft("retire", at=9)):
        graph = traced(*runs, *moves, last)
        assert "2026-11-23T06:09:30Z" in {node.until for node in graph.nodes if node.kind == "stage"}


def test_what_was_made_in_one_second_is_in_the_order_of_the_records() -> None:
    stages = [f"stage-{n}" for n in range(8)]
    moves = [draft("promote", fingerprint="a", stage=stage) for stage in stages]
    graph = traced(trained("a"), registered("a"), *moves)
    assert [node.name for node in graph.nodes if node.kind == "stage"] == stages


def test_what_moved_goes_by_its_last_address() -> None:
    moved = draft("move", "model/earnings", moved_from=MODEL)
    later = draft("evaluate", "model/earnings", fingerprint="a", verdicts=judged("a", Outcome.PASS).verdicts)
    graph = traced(trained("a"), registered("a"), moved, later)
    assert {node.address for node in graph.nodes} == {"model/earnings", "gate/quality"}
    assert ("version v1", "verdict pass") in links(graph)


def test_around_leaves_out_what_hangs_together_with_nothing_in_focus() -> None:
    graph = traced(snapshot(), trained("a"), registered("a"), trained("b"), judged("b", Outcome.PASS))
    part = around(graph, MODEL, lambda node: node.kind == "run" and node.digest == "b")
    assert links(part) == {("snapshot rows", "run b"), ("run b", "verdict pass")}
    assert part.address == MODEL


def test_what_failed_or_was_rejected_made_nothing() -> None:
    assert traced(draft("train", fingerprint="a", status="failed")).nodes == ()
