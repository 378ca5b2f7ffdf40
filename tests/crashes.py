"""An apply that is broken off at a chosen place, and what must hold of what it leaves and of the apply after it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlspec.commands import plan, verify
from mlspec.commands.plan import PlanRequest
from mlspec.commands.verify import VerifyRequest
from mlspec.io.scratch import lend_folder
from tests.tracer import Call, is_at
from tests.worlds import LINEAGE, MLSPEC, World, declare

TRACER = Path(__file__).with_name("tracer.py")
WITHOUT_TRACER = "needs Linux on x86-64"
TRAIN = """\
import os
from sklearn.linear_model import LogisticRegression

def train(data, params, seed):
    model = LogisticRegression().fit(data.X, data.y)
    with open(os.environ["TRAINED"], "a") as file:
        file.write("x")
    return model
"""
SAID = re.compile(r"done +(\w+)/([\w-]+): (record|snapshot|check|train|evaluate|promote)\b")
TO_SWEEP = re.compile(
    r"/objects/[0-9a-f]{2}/tmp_obj_\w+$|/objects/(pack/)?tmp_\w+$|/store/partial/|/\.mlspec/(tmp|cache)/"
)
"""What may stay until it is swept: by `git gc`, by the store after a day, by the next step or the next plan."""


@dataclass(frozen=True)
class Scene:
    """The small project, never applied, with a training that counts how often it ended; all it uses is below `base`."""

    base: Path
    datasets: int = 1

    @property
    def records(self) -> Counter[str]:
        """Return what a whole apply records."""
        names = dataset_names(self.datasets)
        of_datasets = [f"{verb}-dataset.{name}" for name in names for verb in ("update", "snapshot", "check")]
        verbs = ("update", "train", "register", "evaluate", "promote")
        return Counter([*of_datasets, "update-gate.better-than-chance", *(f"{verb}-model.answer" for verb in verbs)])

    @property
    def steps(self) -> int:
        """Return how many actions a whole apply runs: the model is registered by its training."""
        return 5 + 3 * self.datasets

    @property
    def world(self) -> World:
        """Return the work tree."""
        scratch = self.base / "scratch"
        scratch.mkdir(exist_ok=True)
        planted = {"PYTHONPATH": str(self.base / "planted")} if (self.base / "planted").exists() else {}
        own = {**planted, "TRAINED": str(self.trained), "TMPDIR": str(scratch), "PYTHONDONTWRITEBYTECODE": "1"}
        return World(self.base / "repository", {**World(self.base).env, **own})

    @property
    def trained(self) -> Path:
        """Return the file that grows by a byte when a training ends."""
        return self.base / "trained"

    @property
    def trainings(self) -> int:
        """Return how many trainings came to their end."""
        return self.trained.stat().st_size if self.trained.exists() else 0

    def plant(self, defect: str) -> None:
        """Have every mlspec of this scene run some code first, which puts a defect into it."""
        (self.base / "planted").mkdir()
        (self.base / "planted" / "sitecustomize.py").write_text(defect)

    def copy(self, base: Path) -> Scene:
        """Return the same in another folder."""
        base.mkdir(parents=True)
        self.world.copy(base / "repository")
        scene = Scene(base, self.datasets)
        if (self.base / "store").exists():
            scene._share(str(self.base))
        return scene

    def clone(self, name: str) -> Scene:
        """Return a fresh clone of what is shared, with the same store and the same count of trainings."""
        base = self.base / name
        base.mkdir()
        (base / "trained").symlink_to(self.trained)
        (base / "store").symlink_to(self.base / "store")
        self.world.git("clone", "-q", str(self.base / "remote.git"), str(base / "repository"))
        return Scene(base, self.datasets)

    def _share(self, before: str) -> None:
        """Share the repository through a bare one beside it, and the store through a folder."""
        world = self.world
        (self.base / "store").mkdir()
        world.edit("mlspec.yaml", before, str(self.base))
        world.commit("Share the store")
        world.git("init", "-q", "--bare", "-b", "main", str(self.base / "remote.git"))
        world.git("config", "remote.origin.url", str(self.base / "remote.git"))
        world.git("config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        world.git("push", "-q", "origin", "main")


def dataset_names(datasets: int) -> list[str]:
    """Return the names of the datasets of a scene; the model learns from the first."""
    return ["questions", *(f"questions-{n}" for n in range(2, datasets + 1))]


def stage(base: Path, *, datasets: int = 1, shared: bool = False) -> Scene:
    """Make the scene; `shared` through a bare remote and a folder for the store beside the clone."""
    base.mkdir(parents=True, exist_ok=True)
    world = declare(base / "repository")
    train = "train:\n  entrypoint: train.py:train\n  env: [TRAINED]\n"
    world.edit("specs/answer.yaml", "train:\n  estimator: sklearn.linear_model.LogisticRegression\n", train)
    world.edit("specs/answer.yaml", "  params: {C: 1.0}\n", "")
    world.write({"train.py": TRAIN})
    spec = (world.root / "specs/questions.yaml").read_text()
    for name in dataset_names(datasets)[1:]:
        world.write({f"specs/{name}.yaml": spec.replace("name: questions\n", f"name: {name}\n")})
    if shared:
        world.edit("mlspec.yaml", "deploy: main\n", "deploy: main\nstore: {path: BASE/store, shared: true}\n")
    world.commit("Count trainings")
    scene = Scene(base, datasets)
    if shared:
        scene._share("BASE")
    return scene


@dataclass(frozen=True)
class Broken:
    """How an apply ended that was broken off: `call` is where, None if it was never reached."""

    code: int
    out: str
    err: str
    calls: tuple[Call, ...]
    call: Call | None = None


def traced(scene: Scene, at: int | str = 0, deed: str = "kill") -> Broken:
    """Apply under the tracer, and at a call kill all, or let it fail with an error."""
    return _traced(scene, str(at), "--do", deed)


def images(scene: Scene, chosen: Iterable[int], to: Path) -> dict[Call, tuple[Scene, Broken]]:
    """Apply once; return what kills at some calls would have left, each in a folder of its own below `to`."""
    at = ",".join(str(n) for n in chosen)
    whole = _traced(scene, at, "--copy", str(scene.base), "--to", str(to))
    made = {}
    for call in (call for call in whole.calls if is_at(call, at)):
        image = Scene(to / str(call.n), scene.datasets)
        made[call] = image, Broken(137, (image.base / "stdout").read_text(), "", whole.calls[: call.n], call)
    return made


def _traced(scene: Scene, at: str, *deed: str) -> Broken:
    world, out = scene.world, scene.base / "calls"
    command = [sys.executable, str(TRACER), str(out), "--at", at, *deed, "--"]
    command += [str(MLSPEC), "apply", "--yes", "--jobs", "1"]
    with (scene.base / "stdout").open("wb") as stdout:
        done = subprocess.run(
            command, cwd=world.root, env=world.env, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )
    rows = (json.loads(row) for row in out.read_text().splitlines())
    calls = tuple(Call(**{**row, "paths": tuple(row["paths"])}) for row in rows)
    said = (scene.base / "stdout").read_text()
    return Broken(done.returncode, said, done.stderr, calls, next((call for call in calls if is_at(call, at)), None))


def points(calls: Iterable[Call]) -> list[int]:
    """Return the calls to break at: all of them, but of a row of writes to one file the first."""
    before, chosen = None, []
    for call in calls:
        row = (call.pid, call.name, call.paths)
        if row != before and not call.paths[0].endswith("/stdout"):
            chosen.append(call.n)
        before = row
    return chosen


def spread(chosen: list[int], count: int) -> list[int]:
    """Return so many of the points, evenly spread, the first and the last among them."""
    if count >= len(chosen):
        return chosen
    return [chosen[round(i * (len(chosen) - 1) / (count - 1))] for i in range(count)]


def recorded(world: World) -> Counter[str]:
    """Return how often each fact is on the branch."""
    if not world.tip:
        return Counter()
    names = (path.rpartition("/")[2] for path in world.recorded() if path.startswith("log/"))
    return Counter(name.partition("-")[2].removesuffix(".json") for name in names)


def acknowledged(out: str) -> set[str]:
    """Return the records that an apply said it made."""
    verbs = {"record": "update"}
    return {f"{verbs.get(verb, verb)}-{kind}.{name}" for kind, name, verb in SAID.findall(out)}


def finished(scene: Scene) -> int:
    """Return how many trainings are known to have finished: their notes are in the store."""
    return len({path.name for path in scene.base.glob("**/store/notes/runs/*") if path.is_file()})


_OUR_LOCKS = ("/mlspec/lineage", "/mlspec/lineage.lock", ".git/packed-refs.lock")
"""The branch, its reflog, and what git locks while it moves a ref: a git that was killed leaves its locks behind."""


def users_own(world: World) -> dict[str, bytes]:
    """Return every file that is the user's: the work tree, the index, HEAD, refs and locks that are not ours."""
    found = {}
    for path in world.root.rglob("*"):
        name = path.relative_to(world.root).as_posix()
        ours = name.startswith(
            (".mlspec/", ".git/objects/", ".git/mlspec", ".git/refs/mlspec/", ".git/logs/refs/mlspec")
        )
        if path.is_file() and not ours and not name.endswith(_OUR_LOCKS):
            found[name] = path.read_bytes()
    return found


def problems_of_wreck(scene: Scene, before: dict[str, bytes], broken: Broken) -> list[str]:
    """Say what is wrong with what an apply left that was broken off."""
    world, wrong = scene.world, []
    if users_own(world) != before:
        wrong.append("the user's files were touched")
    if world.tip and (found := verify.run(world.root, VerifyRequest(store=True)).damage):
        wrong += [f"verify: {problem.message}" for problem in found]
    if lost := acknowledged(broken.out) - recorded(world).keys():
        wrong.append(f"acknowledged and not recorded: {sorted(lost)}")
    if left := [path.name for path in (scene.base / "scratch").iterdir() if path.stat().st_size > 4]:
        wrong.append(f"left in the temp folder: {left}")
    return wrong


def problems_after(scene: Scene, before: dict[str, bytes], finished_before: int, trainings: int) -> list[str]:
    """Apply again, with no hand, and say what is wrong then."""
    world, wrong = scene.world, []
    done = world.mlspec("apply", "--yes", "--jobs", "1")
    if done.code != 0:
        return [f"the next apply exits {done.code}: {done.out[-300:]} {done.err[-600:]}"]
    if recorded(world) != scene.records:
        wrong.append(f"lost: {scene.records - recorded(world)}, doubled: {recorded(world) - scene.records}")
    if scene.trainings > trainings + 1 - finished_before:
        wrong.append(f"trained {scene.trainings} times, {trainings} before; finished before: {finished_before}")
    if found := verify.run(world.root, VerifyRequest(store=True)).damage:
        wrong += [f"verify: {problem.message}" for problem in found]
    if runnable := plan.run(world.root, PlanRequest()).runnable:
        wrong.append(f"still to do: {[action.id for action in runnable]}")
    if users_own(world) != before:
        wrong.append("the user's files were touched")
    return wrong + leftovers(scene)


def leftovers(scene: Scene) -> list[str]:
    """Say what is left that nobody would sweep."""
    world = scene.world
    with lend_folder(world.root / ".mlspec" / "tmp"):
        pass
    wrong = [f"left: {path}" for path in (world.root / ".mlspec" / "tmp").iterdir()]
    names = [path.as_posix() for path in scene.base.rglob("*") if path.is_file()]
    odd = [name for name in names if name.endswith((".lock", ".partial")) or "/tmp_" in name]
    wrong += [f"left: {name}" for name in odd if not name.endswith("/mlspec.lock") and not TO_SWEEP.search(name)]
    return wrong


def refs_lock(world: World) -> Path:
    """Return the lock that git takes on the lineage branch."""
    return world.root / ".git" / f"{LINEAGE}.lock"


def marked(mark: str) -> list[int]:
    """Return the processes that carry a mark in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if mark.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
