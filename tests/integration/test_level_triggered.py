"""Apply works on the commit it is given: jobs that are cancelled, repeated or late come to what that commit asks for.

A saved plan is what somebody agreed to: whatever moved since, it is carried out as it was read, or not at all.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.samples import every_second, sampled
from tests.worlds import LINEAGE, MLSPEC, Done, World

SPEC, GATE, DATASET, PROJECT = "specs/answer.yaml", "specs/gate.yaml", "specs/questions.yaml", "mlspec.yaml"
PLAN = ".mlspec/plan.json"
SKLEARN = version("scikit-learn")
CODE = {
    "src/train.py": "from sklearn.linear_model import LogisticRegression\nfrom src.shape import widen\n\n\n"
    "def train(data, params, seed):\n    return LogisticRegression(**params).fit(widen(data.X), data.y)\n",
    "src/shape.py": "from src.scale import scale\n\n\ndef widen(columns):\n    return scale(columns)\n",
    "src/scale.py": "def scale(columns):\n    return columns * 1.0\n",
    "requirements.lock": f"scikit-learn=={SKLEARN}\n",
}


def entrypoint(world: World) -> None:
    """Train by code of the repository, in an environment that a file locks."""
    world.write(CODE)
    world.edit(SPEC, "estimator: sklearn.linear_model.LogisticRegression", 'entrypoint: "src/train.py:train"')
    world.edit(SPEC, "  seed: 7", "  seed: 7\n  environment: {lock: requirements.lock, use: current}")
    world.commit("Own code")


def describe(world: World, *names: str) -> None:
    for name in names:
        with (world.root / name).open("a") as file:
            file.write("description: In other words\n")


def agreed(world: World) -> World:
    """Ask for another version of the model and for two facts to be recorded, and save the plan of that."""
    world.edit(SPEC, "C: 1.0", "C: 0.5")
    describe(world, GATE, DATASET)
    world.commit("C = 0.5")
    assert world.mlspec("plan", "-o", PLAN).code == 0
    return world


@pytest.fixture(scope="module")
def declarative(applied: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project with a plan that was agreed to; its model is declared without code."""
    return agreed(applied.copy(tmp_path_factory.mktemp("declarative") / "repository"))


@pytest.fixture(scope="module")
def coded(declared: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project with a plan that was agreed to; its model is trained by code of its own."""
    world = declared.copy(tmp_path_factory.mktemp("coded") / "repository")
    entrypoint(world)
    world.apply()
    return agreed(world)


def more_rows(world: World) -> None:
    with (world.root / "data/questions.csv").open("a") as data:
        data.write("9000,0.5,yes\n")


def another_gate(world: World) -> None:
    world.write({"specs/strict.yaml": (world.root / GATE).read_text().replace("better-than-chance", "strict")})
    world.edit(SPEC, "gates: [better-than-chance]", "gates: [better-than-chance, strict]")


Edit = Callable[[World], object]


def edit(path: str, old: str, new: str) -> Edit:
    return lambda world: world.edit(path, old, new)


RECORDED_GATE = {"record gate/better-than-chance"}
RECORDED = {"record dataset/questions", *RECORDED_GATE}
TRAINED = {*RECORDED, "train model/answer"}

MOVED: dict[str, tuple[Edit, str, set[str]]] = {
    "a parameter": (edit(SPEC, "C: 0.5", "C: 0.25"), "train.params.C=0.25", RECORDED),
    "the seed": (edit(SPEC, "seed: 7", "seed: 8"), "train.seed=8", RECORDED),
    "the estimator": (edit(SPEC, "linear_model.LogisticRegression", "naive_bayes.GaussianNB"), "GaussianNB", RECORDED),
    "the threads": (edit(SPEC, "seed: 7", "seed: 7\n  threads: 2"), "train.threads=2", RECORDED),
    "the positive class": (edit(SPEC, 'positive: "yes"', 'positive: "no"'), "positive='no'", RECORDED),
    "the data": (more_rows, "train model/answer: planned from", RECORDED_GATE),
    "the type of a column": (
        edit(DATASET, "hint, type: number", "hint, type: string"),
        "schema.hint.type='string'",
        RECORDED_GATE,
    ),
    "the role of a column": (
        edit(DATASET, "{name: id, type: integer, role: id}", "{name: id, type: integer}"),
        "schema.id.role",
        RECORDED_GATE,
    ),
    "the split": (edit(DATASET, "schema:", "split: {test: 0.3, by: hash}\nschema:"), "split.test=0.3", RECORDED_GATE),
    "the bar of a gate": (
        edit(GATE, "min: 0.5", "min: 0.55"),
        "checks.0.min=0.55",
        {"record dataset/questions", "train model/answer"},
    ),
    "a gate more": (another_gate, "promote model/answer to staging: planned from", TRAINED),
    "a pin": (
        edit(SPEC, "version: latest", "version: 1"),
        "promote model/answer to staging: it is no longer called for",
        TRAINED,
    ),
    "a metric": (edit(SPEC, "metrics: [accuracy]", "metrics: [accuracy, roc_auc]"), "evaluate model/answer", TRAINED),
    "the entry of a stage": (
        edit(SPEC, "  staging: {version: latest, gates: [better-than-chance]}\n", "  {}\n"),
        "promote model/answer to staging: it is no longer called for",
        TRAINED,
    ),
}
CODED: dict[str, tuple[Edit, str, set[str]]] = {
    "code two imports away": (edit("src/scale.py", "1.0", "2.0"), "code.src/scale.py", RECORDED),
    "the environment": (edit("requirements.lock", SKLEARN, "1.7.1"), "train.environment", RECORDED),
    "the function": (edit(SPEC, "train.py:train", "shape.py:widen"), "train.entrypoint='src/shape.py:widen'", RECORDED),
}
INPUTS = [
    *(pytest.param("declarative", *case, id=name) for name, case in MOVED.items()),
    *(pytest.param("coded", *case, id=name) for name, case in CODED.items()),
]


def moved(request: pytest.FixtureRequest, base: str, change: Edit, root: Path) -> World:
    """Return a project in which something moved after its plan was agreed to."""
    agreed_to: World = request.getfixturevalue(base)
    world = agreed_to.copy(root)
    change(world)
    world.commit("Something else")
    return world


def ran(done: Done) -> set[str]:
    """Return what an apply did, as its lines say: `train model/answer`, `record gate/quality`."""
    return {f"{verb} {address}" for address, verb in re.findall(r"^done +(\S+): (\w+)", done.out, re.MULTILINE)}


@pytest.mark.parametrize(("base", "change", "said", "still"), every_second(INPUTS))
def test_a_plan_is_refused_whatever_moved(
    request: pytest.FixtureRequest, tmp_path: Path, base: str, change: Edit, said: str, still: set[str]
) -> None:
    world = moved(request, base, change, tmp_path / "world")
    tip = world.tip
    done = world.mlspec("apply", PLAN)
    assert done.code == 4, done
    assert "error[plan/stale]" in done.err
    assert said in done.err
    assert ran(done) == set()
    assert world.tip == tip


@pytest.mark.parametrize(
    ("base", "change", "said", "still"),
    [*INPUTS[:3], *(pytest.param(*case.values, marks=pytest.mark.torture, id=case.id) for case in INPUTS[3:])],
)
def test_of_an_approved_plan_the_rest_is_done(
    request: pytest.FixtureRequest, tmp_path: Path, base: str, change: Edit, said: str, still: set[str]
) -> None:
    world = moved(request, base, change, tmp_path / "world")
    done = world.mlspec("apply", "--yes", "--approved", PLAN)
    assert done.code == 4, done
    assert "blocked: not approved: " in done.out
    assert ran(done) == still
    again = world.mlspec("apply", "--yes", "--approved", PLAN)
    assert (again.code, ran(again)) == (4, set()), "once done it is done"


@pytest.mark.torture
def test_what_others_applied_meanwhile_makes_no_plan_stale(declarative: World, tmp_path: Path) -> None:
    """Another model came, was trained and promoted between the plan and its apply."""
    for number, argv in enumerate(([PLAN], ["--yes", "--approved", PLAN])):
        world = declarative.copy(tmp_path / str(number))
        other = (world.root / SPEC).read_text().replace("name: answer", "name: other").replace("C: 0.5", "C: 2.0")
        world.write({"specs/other.yaml": other})
        world.commit("Another model")
        assert "train model/other" in ran(world.apply("model/other"))
        done = world.mlspec("apply", *argv)
        assert done.code == 0, done
        assert ran(done) == {*TRAINED, "evaluate model/answer", "promote model/answer"}


@pytest.mark.parametrize("argv", [[PLAN], ["--yes", "--approved", PLAN]], ids=["exactly", "approved"])
def test_a_plan_agreed_to_moves_nothing_from_elsewhere(declarative: World, tmp_path: Path, argv: list[str]) -> None:
    """It is applied on a branch that was never merged: what only adds evidence is no less agreed to, moving is."""
    world = declarative.copy(tmp_path / "world")
    world.git("switch", "-q", "-c", "idea")
    world.git("commit", "-q", "--allow-empty", "-m", "Not merged")
    done = world.mlspec("apply", *argv)
    assert "branch idea is not merged into main" in done.out + done.err
    assert not {"promote model/answer", *RECORDED} & ran(done)
    assert (done.code, ran(done)) == (
        (4, set()) if argv == [PLAN] else (0, {"train model/answer", "evaluate model/answer"})
    )


SLOW = """\
import pathlib, time
from sklearn.linear_model import LogisticRegression

def train(data, params, seed):
    flag = pathlib.Path(params["flag"])
    while flag.exists():
        flag.with_suffix(".begun").touch()
        time.sleep(0.05)
    return LogisticRegression().fit(data.X, data.y)
"""


class Forge:
    """A bare repository and its jobs: each clones a commit, applies it, and is thrown away; all share one store."""

    def __init__(self, folder: Path, source: World) -> None:
        self.folder, self.env = folder, source.env
        self.hub, self.store = folder / "hub.git", folder / "store"
        self.store.mkdir(parents=True)
        source.git("init", "-q", "--bare", "-b", "main", str(self.hub))
        source.git("remote", "add", "origin", str(self.hub))
        self.source = source
        self.push()
        self._jobs = 0

    def push(self) -> None:
        """Merge: put what the source has committed on main."""
        self.source.git("push", "-q", "origin", "HEAD:main")

    def job(self, *options: str) -> World:
        """Check out the newest commit of main, as a runner does."""
        self._jobs += 1
        root = self.folder / f"job{self._jobs}"
        self.source.git("clone", "-q", *options, f"file://{self.hub}", str(root))
        (root / ".mlspec").mkdir()
        (root / ".mlspec" / "store").symlink_to(self.store)
        return World(root, self.env)

    @property
    def tip(self) -> str:
        """Return where the lineage is, "" where there is none."""
        return World(self.hub, self.env).git("for-each-ref", "--format=%(objectname)", LINEAGE)

    def state(self) -> dict[str, Any]:
        """Return what is recorded, without whose commit it came by, when and where."""
        shown = json.loads(self.job().mlspec("show", "--format", "json").out)
        return {resource["address"]: _timeless(resource) for resource in shown["resources"]}


def _timeless(resource: dict[str, Any]) -> dict[str, Any]:
    stages = [{name: entry[name] for name in ("stage", "version", "conforming")} for entry in resource["stages"]]
    versions = [{key: value for key, value in entry.items() if key != "at"} for entry in resource["versions"]]
    return {**resource, "stages": stages, "versions": versions}


@pytest.mark.torture
@pytest.mark.parametrize("cancelled", sampled([signal.SIGTERM, signal.SIGINT], 1))
def test_a_job_that_was_cancelled_and_run_again_comes_to_the_same(
    declared: World, tmp_path: Path, cancelled: signal.Signals
) -> None:
    flag = tmp_path / "waits"
    source = declared.copy(tmp_path / "source")
    source.write({"src/slow.py": SLOW})
    source.edit(SPEC, "estimator: sklearn.linear_model.LogisticRegression", 'entrypoint: "src/slow.py:train"')
    source.edit(SPEC, "{C: 1.0}", f"{{flag: {flag}}}")
    source.commit("Slowly")
    whole, broken = Forge(tmp_path / "whole", source.copy(tmp_path / "a")), Forge(tmp_path / "broken", source)
    assert whole.job("--depth=1").apply().code == 0
    flag.touch()
    job = broken.job("--depth=1")
    argv = [str(MLSPEC), "apply", "--yes"]
    with subprocess.Popen(argv, cwd=job.root, env=job.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        try:
            while not flag.with_suffix(".begun").exists():
                assert running.poll() is None, running.communicate()
                time.sleep(0.05)
            running.send_signal(cancelled)
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 130, (out, err)
    flag.unlink()
    assert broken.state() != whole.state()
    again = broken.job("--depth=1").apply()
    assert ran(again) == {"train model/answer", "evaluate model/answer", "promote model/answer"}
    assert broken.state() == whole.state()
    tip = broken.tip
    assert ran(broken.job("--depth=1").apply()) == set()
    assert broken.tip == tip
    assert broken.job().mlspec("verify").code == 0


SHAPES = {"whole": (), "depth-1": ("--depth=1",), "blobless": ("--filter=blob:none", "--single-branch")}


@pytest.mark.parametrize("shape", SHAPES)
def test_of_two_jobs_in_the_wrong_order_the_older_runs_nothing(applied: World, tmp_path: Path, shape: str) -> None:
    source = applied.copy(tmp_path / "source")
    forge = Forge(tmp_path / "forge", source)
    assert source.mlspec("push").code == 0
    source.edit(SPEC, "C: 1.0", "C: 0.5")
    source.commit("The older")
    forge.push()
    older = forge.job(*SHAPES[shape])
    describe(source, GATE)
    source.edit(SPEC, "C: 0.5", "C: 1.0")
    source.commit("The newer")
    forge.push()
    assert forge.job("--depth=1").apply().code == 0
    tip = forge.tip
    for _ in range(2):
        done = older.mlspec("apply", "--yes")
        assert done.code == 4, done
        assert "error[plan/superseded]" in done.err
        assert ran(done) == set()
    assert forge.tip == tip
    assert "superseded" in older.mlspec("plan").out
    assert forge.state()["model/answer"]["stages"][0]["version"] == 1
