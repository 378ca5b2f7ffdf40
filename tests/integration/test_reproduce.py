"""A version is trained again from its commit or from what was kept with it, and what comes out is compared."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from mlspec.commands.original import original
from mlspec.commands.reproduce import Bench, ReproduceRequest, run
from mlspec.commands.restore import Restored, put_back
from mlspec.commands.workspace import open_workspace
from mlspec.core import digest
from mlspec.core.problem import MlspecError
from mlspec.stores.folder import FolderStore
from tests.worlds import MODEL, World

OWN = """\
from halves import half
from sklearn.linear_model import LogisticRegression


def train(data, params, seed):
    return LogisticRegression(**params).fit(half(data.X), data.y)
"""
NOISY = """\
import numpy as np
from sklearn.linear_model import LogisticRegression


def train(data, params, seed):
    return LogisticRegression(C=np.random.default_rng().uniform(0.001, 0.01)).fit(data.X, data.y)
"""
ESTIMATOR = "estimator: sklearn.linear_model.LogisticRegression"


def by_entrypoint(name: str) -> str:
    return MODEL.replace("name: answer", f"name: {name}").replace(ESTIMATOR, f"entrypoint: src/{name}.py:train")


def squash_merged(world: World) -> str:
    """Train two models on a branch, merge it as one new commit, and lose the branch; return its commit."""
    world.git("checkout", "-q", "-b", "feature")
    world.write(
        {
            "src/own.py": OWN,
            "src/noisy.py": NOISY,
            "src/halves.py": "def half(frame):\n    return frame / 2\n",
            "specs/answer.yaml": by_entrypoint("own"),
            "specs/noisy.yaml": by_entrypoint("noisy"),
        }
    )
    trained = world.commit("Two models of our own")
    world.apply()
    world.git("checkout", "-q", "main")
    world.git("merge", "-q", "--squash", "feature")
    world.commit("Two models of our own (squashed)")
    assert "reused" not in world.apply().out
    world.git("branch", "-q", "-D", "feature")
    world.git("reflog", "expire", "--expire=now", "--all")
    world.git("gc", "-q", "--prune=now")
    return trained


def test_all_that_is_in_a_stage_when_the_branch_it_was_trained_on_is_gone(fresh: World) -> None:
    commit = squash_merged(fresh)
    before = fresh.git("status", "--porcelain"), fresh.git("rev-parse", "HEAD")
    done = fresh.mlspec("reproduce", "--stage", "staging", "--format", "json")
    assert done.code == 3, done
    report = json.loads(done.out)
    found = {one["address"]: one for one in report["versions"]}
    assert list(found) == ["model/noisy", "model/own"]
    assert {one["commit"] for one in found.values()} == {commit}
    verdict = found["model/own"]["found"]
    assert (verdict["outcome"], verdict["source"]) == ("identical", "store")
    assert {verdict[part]["same"] for part in ("artifact", "predictions")} == {verdict["metrics_same"]} == {"equal"}
    assert verdict["environment"] == {}
    gone = f"commit {commit[:8]}, which it was trained from, is not in this repository"
    assert [one["remarks"] for one in found.values()] == [[gone], [gone]]
    noisy = found["model/noisy"]["found"]
    assert noisy["outcome"] == "different"
    assert noisy["artifact"]["members"]
    assert noisy["predictions"]["rows_differ"] > 0
    assert noisy["predictions"]["largest"] > 1e-9
    assert (fresh.git("status", "--porcelain"), fresh.git("rev-parse", "HEAD")) == before

    assert "reproduce model/noisy run" in fresh.mlspec("log", "noisy").out
    shown = fresh.mlspec("show").out
    assert shown.count(": identical\n") == 1
    assert shown.count(": different\n") == 1
    assert "No changes." in fresh.mlspec("plan").out
    assert fresh.mlspec("verify").code == 0


def test_a_lost_model_and_damaged_predictions_are_put_back(world: World) -> None:
    model, said = world.stored("train-model.answer", "model"), world.stored("evaluate-model.answer", "predictions")
    model.unlink()
    said.chmod(0o644)
    said.write_bytes(said.read_bytes()[:-1] + b"?")
    assert world.mlspec("verify", "--store").code == 3
    done = world.mlspec("reproduce", "answer@staging", "--restore")
    assert done.code == 0, done
    assert "model/answer v1: identical\n" in done.out
    assert f"source        commit {world.git('rev-parse', 'HEAD')[:8]}, of the recorded fingerprint" in done.out
    assert "restored      model and predictions: put back into the store" in done.out
    assert world.mlspec("verify", "--store").code == 0


def test_what_comes_out_with_another_digest_is_not_put_back(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    whole, lost, other = (tmp_path / name for name in ("whole", "lost", "other"))
    for file in (whole, lost, other):
        file.write_text(file.name)
    kept, gone, never = store.put(whole).digest, digest.of_bytes(b"lost"), digest.of_bytes(b"another")
    files = {kept: ("a model", whole), gone: ("predictions", lost), never: ("another model", other)}
    assert put_back(store, files) == Restored(names=("predictions",), lost=("another model",))
    assert (store.has(kept), store.has(gone), store.has(never)) == (True, True, False)
    assert put_back(store, files) == Restored(lost=("another model",))


REFUSED = {
    "no such model": (ReproduceRequest("anser"), "no model `anser` is recorded", "did you mean `answer`?"),
    "no such version": (ReproduceRequest("answer@v7"), "model/answer has no v7; versions: v1", None),
    "no such stage": (ReproduceRequest(stage="stagin"), "mlspec.yaml has no stage `stagin`", "did you mean `staging`?"),
    "two versions": (ReproduceRequest("answer@v1", "staging"), "names a version already", None),
}


@pytest.mark.usefixtures("in_its_environment")
@pytest.mark.parametrize(("request_", "said", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_there_is_refused(applied: World, request_: ReproduceRequest, said: str, hint: str | None) -> None:
    with pytest.raises(MlspecError) as caught:
        run(applied.root, request_, threading.Event(), print)
    (problem,) = caught.value.problems
    assert said in problem.message
    assert problem.help == hint


def test_data_that_are_gone_are_named(world: World) -> None:
    content = world.stored("snapshot-dataset.questions", "content")
    kept = content.rename(content.with_suffix(".kept"))
    lost = world.mlspec("reproduce", "answer")
    assert (lost.code, lost.out) == (1, "")
    assert "error[reproduce/no-data]: model/answer v1: it was trained on version" in lost.err
    kept.rename(content)
    version = json.loads(world.content(world.record("snapshot-dataset.questions")))["fingerprint"]
    assert world.mlspec("gc", "--erase", f"dataset/questions@{version}", "--reason", "asked for", "--yes").code == 0
    erased = world.mlspec("reproduce", "answer")
    assert (erased.code, erased.out) == (1, "")
    assert "error[reproduce/erased]: model/answer v1: it was trained on version" in erased.err
    assert "whose rows were erased" in erased.err


@pytest.mark.usefixtures("in_its_environment")
def test_what_makes_another_run_is_no_source_of_this_one(applied: World) -> None:
    workspace = open_workspace(applied.root)
    head = workspace.state.heads["model/answer"]
    (version,) = head.versions
    other = version.model_copy(update={"fingerprint": "sha256:" + "0" * 64})
    known = head.runs[version.fingerprint]
    known = known.model_copy(update={"fields": {**known.fields, "train.params.C": 2.0}})
    changed = head.model_copy(update={"runs": {other.fingerprint: known}})
    with pytest.raises(MlspecError) as caught:
        original(Bench(workspace, workspace.state), changed, other)
    assert [problem.code for problem in caught.value.problems] == ["reproduce/other-source"] * 2
    assert [problem.message for problem in caught.value.problems] == [
        f"{place} makes another run than v1: train.params.C is 1.0, recorded is 2.0"
        for place in ("its commit", "what was kept")
    ]
