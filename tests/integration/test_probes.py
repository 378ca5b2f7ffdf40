"""Gates that ask a model again, through the command line: asked once, judged as often as a bound changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mlspec.commands.probing import rival_of
from mlspec.core.head import Run
from mlspec.stats.asked import Rival
from mlspec.stores.folder import FolderStore
from tests.worlds import World

SPEC = "specs/gate.yaml"
GATE = """\
kind: Gate
name: better-than-chance
owner: team
checks:
  - {check: metric, metric: accuracy, min: 0.5}
  - {check: robustness, metric: accuracy, max_loss: 0.3, noise: 0.05, drop: true, unit_error: 1000, level: warn}
  - {check: latency, max_ms: 5000, max_ratio: 1000, repeats: 72}
  - {check: footprint, max_size: 50MB}
"""
TRAIN = """\
from sklearn.linear_model import LogisticRegression


def train(data, params, seed):
    return LogisticRegression(**params).fit(data.X, data.y)
"""


def judged(world: World) -> dict[str, Any]:
    """Return the newest evaluation."""
    paths = [path for path in world.recorded() if path.startswith("log/") and "evaluate-model.answer" in path]
    newest: dict[str, Any] = max((json.loads(world.content(path)) for path in paths), key=lambda one: one["generation"])
    return newest


def checks(world: World) -> list[dict[str, Any]]:
    """Return the checks of the newest verdict of the gate."""
    ((verdict),) = judged(world)["verdicts"]
    found: list[dict[str, Any]] = verdict["checks"]
    return found


def test_a_model_is_asked_once_and_judged_without_it_from_then_on(fresh: World, tmp_path: Path) -> None:
    world = fresh
    world.edit("specs/answer.yaml", "estimator: sklearn.linear_model.LogisticRegression", "entrypoint: train.py:train")
    world.write({"train.py": TRAIN, SPEC: GATE})
    world.commit("A gate that asks the model")
    done = world.mlspec("apply", "--yes")
    assert done.code == 0 and "accuracy lost with `hint` 10 % times 1000" in done.out, done
    assert "all missing: the model raised ValueError; interval adjusted for 3 changes" in done.out
    assert "p95 of one row over that of the champion: there is no champion" in done.out
    first, answers = checks(world), judged(world)["probes"]
    assert [one["check"] for one in first] == ["metric", *["robustness"] * 3, *["latency"] * 2, "footprint"]
    assert [one["name"] for one in judged(world)["outputs"]] == ["predictions", "probe", "probe"] and len(answers) == 2

    # Without the model: editing bounds asks nothing, and finds what was found before to the last byte.
    aside, artifact = tmp_path / "aside", world.stored("train-model.answer", "model")
    artifact.rename(aside)
    world.edit(SPEC, "  - {check: footprint, max_size: 50MB}\n", "")
    world.edit(SPEC, "max_loss: 0.3", "max_loss: 0.25")
    world.edit(SPEC, "max_ms: 5000", "max_ms: 4999")
    world.commit("Stricter")
    done = world.mlspec("apply", "--yes")
    assert done.code == 0 and "<= 0.25" in done.out, done
    assert "probes" not in judged(world) and "outputs" not in judged(world)
    again = checks(world)
    for name in ("estimate", "groups", "machine"):
        assert [one.get(name) for one in again] == [one.get(name) for one in first[:-1]]

    # Asking something new does need it, and the plan says so.
    world.edit(SPEC, "noise: 0.05", "noise: 0.06")
    planned = world.mlspec("plan")
    assert "gate/better-than-chance asks the model again, and the store does not hold sha256:" in planned.out, planned
    aside.rename(artifact)

    # A new version is timed beside the champion.
    world.write({SPEC: GATE[: GATE.index("  - {")] + "  - {check: latency, max_ratio: 1000, repeats: 72}\n"})
    world.edit("specs/answer.yaml", "C: 1.0", "C: 0.5")
    world.commit("C = 0.5")
    done = world.mlspec("apply", "--yes")
    assert done.code == 0 and "latency_ratio against v1" in done.out, done
    assert "v2 is in staging" in done.out and len(judged(world)["probes"]) == 1


def test_a_champion_that_cannot_be_asked_is_told(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    kept = [store.put_bytes(content).digest for content in (b"model", b"{}")]
    run = Run(record="r", artifact=kept[0], manifest=kept[1], dataset="d", ref="main", at="now", fields={})
    said = {
        "": run,
        "the store does not hold its model": run.model_copy(update={"artifact": "sha256:" + "0" * 64}),
        "its model is no longer kept": run.model_copy(update={"expired": "2026-11-23T06:00:00Z"}),
    }
    assert {words: rival_of(store, run, ("v1", one)) for words, one in said.items()} == {
        words: Rival("v1", words) for words in said
    }
    assert rival_of(store, run, None) is None
