"""`lineage`: from any address, what it was made from and what was made from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.worlds import World


def graph(world: World, *argv: str) -> dict[str, Any]:
    done = world.mlspec("lineage", *argv, "--format", "json")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.mark.parametrize("address", ["answer", "model/answer", "dataset/questions", "gate/better-than-chance"])
def test_the_whole_story_hangs_together_from_wherever_it_is_looked_at(applied_twice: World, address: str) -> None:
    found = graph(applied_twice, address)
    assert found["format"] == "mlspec.ancestry/1"
    kinds = ["snapshot", "run", "version", "verdict", "stage"]
    assert [node["kind"] for node in found["nodes"]] == [kind for kind in kinds for _ in range(2)]
    assert len(found["edges"]) == 8
    recorded = {
        json.loads(applied_twice.content(path))["digest"] for path in applied_twice.recorded() if "log/" in path
    }
    assert {node["record"] for node in found["nodes"]} <= recorded


@pytest.mark.parametrize("version", ["v1", "1"])
def test_one_version_has_a_story_of_its_own(applied_twice: World, version: str) -> None:
    found = graph(applied_twice, f"answer@{version}")
    assert [node["name"] for node in found["nodes"] if node["kind"] == "version"] == ["v1"]
    (stage,) = [node for node in found["nodes"] if node["kind"] == "stage"]
    assert stage["until"] is not None
    (now,) = [node for node in graph(applied_twice, "answer@staging")["nodes"] if node["kind"] == "stage"]
    assert now["until"] is None


def test_a_person_reads_it_as_an_indented_list(applied_twice: World) -> None:
    lines = applied_twice.mlspec("lineage", "answer").out.splitlines()
    assert [len(text) - len(text.lstrip()) for text in lines] == [0, 2, 4, 6, 8, 10, 2, 4, 6, 8, 10]
    assert lines[0] == "model/answer  times in UTC"
    assert all("Example, main@" in text for text in lines[1:])


def test_a_flowchart_has_a_line_for_each_node_and_edge(applied_twice: World) -> None:
    text = applied_twice.mlspec("lineage", "answer", "--format", "mermaid").out
    assert text.startswith("flowchart LR\n")
    assert len(text.splitlines()) == 1 + 10 + 8


BAD = {
    "what nobody recorded": ("model/answr", "did you mean `model/answer`?"),
    "a version of a dataset": ("dataset/questions@v1", "dataset/questions has no versions"),
    "a version there is not": ("answer@v9", "versions: v1, v2"),
}


@pytest.mark.parametrize(("address", "said"), BAD.values(), ids=BAD.keys())
def test_bad_words_are_errors(applied_twice: World, address: str, said: str) -> None:
    done = applied_twice.mlspec("lineage", address)
    assert (done.code, done.out) == (1, "")
    assert said in done.err
