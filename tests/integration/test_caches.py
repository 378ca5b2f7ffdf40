"""Caches: a plan made with them is the plan made without any, whatever changed and whatever became of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from mlspec.commands.plan import PlanRequest, run
from mlspec.core.problem import MlspecError
from mlspec.render.json_text import document
from tests.integration.test_quiet import Later
from tests.samples import thinned
from tests.worlds import LINEAGE, MODEL, World, declare

CODED = """\
kind: Model
name: coded
owner: team
dataset: questions
task: classification
positive: "yes"
train: {entrypoint: "src/train.py:train", environment: {lock: requirements.lock, use: current}}
metrics: [accuracy]
stages:
  staging: {version: latest, gates: [better-than-chance]}
"""
SKLEARN = version("scikit-learn")
TRAIN = """\
from sklearn.linear_model import LogisticRegression
from rate import RATE

def train(data, params, seed):
    return LogisticRegression(C=RATE).fit(data.X, data.y)
"""
OTHER_GATE = """\
kind: Gate
name: other
owner: team
checks:
  - {check: metric, metric: accuracy, min: 0.1}
"""


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A project with two models, one of them with code, applied and planned: every cache has something."""
    world = declare(tmp_path_factory.mktemp("planned") / "repository")
    world.write(
        {
            "specs/coded.yaml": CODED,
            "src/train.py": TRAIN,
            "src/rate.py": "RATE = 1.0\n",
            "requirements.lock": f"scikit-learn=={SKLEARN}\n",
        }
    )
    world.commit()
    world.apply()
    assert plan_of(world)[0].startswith("{")
    return world


@pytest.fixture
def here(planned: World, tmp_path: Path) -> World:
    return planned.copy(tmp_path / "here")


def plan_of(world: World) -> list[str]:
    """Return the plan as JSON but for its time, or every problem that there is instead."""
    try:
        return [document(run(world.root, PlanRequest(), Later()).model_copy(update={"at": ""}))]
    except MlspecError as error:
        return [f"{problem.place} {problem.code} {problem.message} {problem.help}" for problem in error.problems]


def edit(name: str, old: str, new: str) -> Callable[[World], None]:
    return lambda world: world.edit(name, old, new)


def write(**files: str) -> Callable[[World], None]:
    return lambda world: world.write({name.replace("__", "/") + ".yaml": text for name, text in files.items()})


def remove(name: str) -> Callable[[World], None]:
    return lambda world: (world.root / name).unlink()


def applied_elsewhere(world: World) -> None:
    """Another clone applied a change and shared it; its commit came here too."""
    other = world.copy(world.root.parent / "other")
    shutil.rmtree(other.root / ".mlspec" / "cache")
    other.edit("specs/answer.yaml", "C: 1.0", "C: 0.25")
    other.commit()
    other.apply()
    world.git("pull", "-q", str(other.root), "main")
    world.git("fetch", "-q", str(other.root), f"{LINEAGE}:{LINEAGE}")


def damaged_head(world: World) -> None:
    path = next(path for path in world.recorded() if path.endswith("/answer.json"))
    world.tamper({path: world.content(path).replace(b'"accuracy"', b'"precision"')})


CHANGES: dict[str, Callable[[World], object]] = {
    "nothing": lambda _: None,
    "a commit of nothing": lambda world: world.git("commit", "-q", "--allow-empty", "-m", "Nothing"),
    "a parameter": edit("specs/answer.yaml", "C: 1.0", "C: 0.5"),
    "a comment": edit("specs/answer.yaml", "seed: 7", "seed: 7  # lucky"),
    "a description": edit("specs/answer.yaml", "owner: team", "owner: team\ndescription: Answers."),
    "a metric": edit("specs/coded.yaml", "[accuracy]", "[accuracy, roc_auc]"),
    "a metric that does not exist": edit("specs/coded.yaml", "[accuracy]", "[acuracy]"),
    "an unknown field": edit("specs/coded.yaml", "positive", "pozitive"),
    "a team that does not exist": edit("specs/coded.yaml", "owner: team", "owner: nobody"),
    "the teams": edit("mlspec.yaml", "team:", "crew:"),
    "the stages": edit("mlspec.yaml", "stages: [staging]", "stages: [production]"),
    "one more stage": edit("mlspec.yaml", "stages: [staging]", "stages: [canary, staging]"),
    "the bar of a gate": edit("specs/gate.yaml", "min: 0.5", "min: 0.99"),
    "a gate that no longer fits": edit("specs/gate.yaml", "metric: accuracy", "metric: r2"),
    "a gate removed": remove("specs/gate.yaml"),
    "a gate renamed": edit("specs/gate.yaml", "name: better", "name: no-better"),
    "one more gate": write(specs__other=OTHER_GATE),
    "another gate": lambda world: (
        world.write({"specs/other.yaml": OTHER_GATE}),
        world.edit("specs/answer.yaml", "[better-than-chance]", "[other]"),
    ),
    "a column": edit("specs/questions.yaml", "{name: hint, type: number}", "{name: hint, type: number, role: ignore}"),
    "a range": edit("specs/questions.yaml", "type: number}", "type: number, min: -9, max: 9}"),
    "a target that no longer fits": edit("specs/questions.yaml", 'values: ["no", "yes"]', 'values: ["no", "nope"]'),
    "a dataset removed": remove("specs/questions.yaml"),
    "rows": lambda world: (world.root / "data/questions.csv").write_text("id,hint,label\n1,0.5,yes\n2,0.1,no\n"),
    "no rows": remove("data/questions.csv"),
    "code two files away": edit("src/rate.py", "1.0", "2.0"),
    "a docstring": edit("src/rate.py", "RATE", '"""Rates."""\nRATE'),
    "an entrypoint that is gone": edit("src/train.py", "def train", "def fit"),
    "an environment": edit("requirements.lock", SKLEARN, "1.5.1"),
    "no environment": remove("requirements.lock"),
    "a model removed": remove("specs/coded.yaml"),
    "a model renamed": lambda world: (
        world.edit("specs/answer.yaml", "name: answer", "name: reply"),
        world.edit("mlspec.yaml", "deploy:", "moved: [{from: model/answer, to: model/reply}]\ndeploy:"),
    ),
    "a model of the same name": write(specs__twin=MODEL),
    "a model moved to another file": lambda world: (world.root / "specs/coded.yaml").rename(
        world.root / "specs/zz.yaml"
    ),
    "two models in one file": lambda world: (
        (world.root / "specs/zz.yaml").write_text(CODED + "---\n" + MODEL),
        *((world.root / f"specs/{name}.yaml").unlink() for name in ("coded", "answer")),
    ),
    "one more model": write(specs__more=MODEL.replace("name: answer", "name: more")),
    "another's apply": applied_elsewhere,
    "a head changed by other hands": damaged_head,
    "the lineage gone": lambda world: world.git("update-ref", "-d", LINEAGE),
    "a branch": lambda world: world.git("switch", "-q", "-c", "topic"),
    "objects lost from the store, and a gate": lambda world: (
        shutil.rmtree(world.root / ".mlspec" / "store"),
        world.edit("specs/gate.yaml", "min: 0.5", "min: 0.4"),
    ),
}


@pytest.mark.parametrize("name", thinned(CHANGES))
def test_a_change_is_seen_with_caches_as_without(here: World, name: str) -> None:
    before, change = plan_of(here), CHANGES[name]
    change(here)
    planned = plan_of(here)
    again = plan_of(here)
    shutil.rmtree(here.root / ".mlspec" / "cache")
    assert planned == again == plan_of(here)
    assert (planned == before) == (change is CHANGES["nothing"])


def flipped(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])


def of_another_version(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"0.1.0", b"0.0.9", 1))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "removed": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "flipped": flipped,
    "of another version": of_another_version,
    "not ours": lambda path: path.write_bytes(bytes(range(256))),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
CACHES = ("documents", "hashes", "modules", "quiet", "settled", "sound")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("cache", CACHES)
def test_a_damaged_cache_is_none(here: World, cache: str, damage: Callable[[Path], object]) -> None:
    assert {path.name for path in (here.root / ".mlspec" / "cache").iterdir()} == set(CACHES)
    before = plan_of(here)
    damage(here.root / ".mlspec" / "cache" / cache)
    assert plan_of(here) == before
    here.edit("specs/answer.yaml", "C: 1.0", "C: 0.5")
    assert "train" in plan_of(here)[0]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[World]:
    """Another project with resources of the same names, another model among them, applied and planned."""
    world = declare(tmp_path / "elsewhere")
    world.edit("specs/answer.yaml", "C: 1.0", "C: 3.0")
    world.commit()
    world.apply()
    plan_of(world)
    yield world


def test_caches_of_another_repository_say_nothing(here: World, elsewhere: World) -> None:
    before = plan_of(here)
    shutil.copytree(elsewhere.root / ".mlspec" / "cache", here.root / ".mlspec" / "cache", dirs_exist_ok=True)
    assert plan_of(here) == before
    here.edit("specs/answer.yaml", "C: 1.0", "C: 3.0")
    assert "train" in plan_of(here)[0]


def test_caches_may_go_between_any_two_commands(here: World) -> None:
    for argv in (["validate"], ["plan"], ["apply", "--yes"], ["show"], ["log"], ["verify"]):
        kept = here.mlspec(*argv)
        shutil.rmtree(here.root / ".mlspec" / "cache", ignore_errors=True)
        assert here.mlspec(*argv) == kept
