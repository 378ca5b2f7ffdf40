"""`diff`: two versions side by side, from what is recorded; what the store lacks is said and nothing else is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.worlds import World


def test_what_differs_is_shown_and_what_is_equal_is_said_in_a_line(applied_twice: World) -> None:
    done = applied_twice.mlspec("diff", "answer", "v1", "v2")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "model/answer: v1 -> v2"
    assert "  C  1.0 -> 0.5" in lines
    assert "  rows       400 -> 480" in lines
    assert any(text.startswith("  hint") and "mean " in text for text in lines)
    assert lines[-1] == "The same: training, code, environment."
    assert max(map(len, lines)) <= 80


def test_metrics_stand_side_by_side_with_intervals_and_their_test_sets(applied_twice: World) -> None:
    done = applied_twice.mlspec("diff", "answer", "1", "2")
    (accuracy,) = [text for text in done.out.splitlines() if text.startswith("  accuracy")]
    assert accuracy.count("[") == 2
    assert "The test rows are not the same" in done.out


def test_json_is_one_document(applied_twice: World) -> None:
    found = json.loads(applied_twice.mlspec("diff", "model/answer", "v1", "staging", "--format", "json").out)
    assert found["format"] == "mlspec.diff/1"
    assert [found["before"]["version"], found["after"]["version"]] == [1, 2]
    assert found["after"]["stages"] == ["staging"]
    assert found["params"] == [{"field": "C", "before": 1.0, "after": 0.5}]
    assert found["same_test"] is False
    assert found["same"] == ["training", "code", "environment"]


def test_a_version_beside_itself_has_no_differences(applied_twice: World) -> None:
    assert "No differences: both are the same run." in applied_twice.mlspec("diff", "answer", "v2", "staging").out


@pytest.mark.parametrize(
    ("what", "name", "part"),
    [
        ("check-dataset.questions", "profile", "data"),
        ("train-model.answer", "manifest", "environment"),
        ("train-model.answer", "packages", "environment"),
    ],
)
def test_an_object_that_is_not_there_is_said(
    applied_twice: World, tmp_path: Path, what: str, name: str, part: str
) -> None:
    world = applied_twice.copy(tmp_path / "world")
    paths = sorted(path for path in world.recorded() if path.endswith(f"-{what}.json"))
    recorded = [json.loads(world.content(path)) for path in paths]
    (digest,) = {output["digest"] for output in recorded[0]["outputs"] if output["name"] == name}
    (stored,) = (world.root / ".mlspec/store/sha256").glob(f"*/{digest.removeprefix('sha256:')[2:]}")
    stored.unlink()
    done = world.mlspec("diff", "answer", "v1", "v2")
    assert done.code == 0
    assert "v1 cannot be read" in done.out
    assert part not in done.out.splitlines()[-1]
    for still in ("  C  1.0 -> 0.5", "  bytes", "  accuracy"):
        assert still in done.out


BAD = {
    "a model nobody recorded": (("answr", "1", "2"), "did you mean `answer`?"),
    "a version there is not": (("answer", "1", "v9"), "versions: v1, v2"),
    "a stage there is not": (("answer", "1", "stagin"), "did you mean `staging`?"),
    "words that are none": (("answer", "v-1", "2"), "`v-1` is no version or stage"),
    "hostile words": (("answer", "\x1b[31m1", "2"), "␛[31m1"),
}


@pytest.mark.parametrize(("argv", "said"), BAD.values(), ids=BAD.keys())
def test_bad_words_are_errors(applied_twice: World, argv: tuple[str, ...], said: str) -> None:
    done = applied_twice.mlspec("diff", *argv)
    assert (done.code, done.out) == (1, "")
    assert said in done.err
