"""Models that name a lock file: uv makes the environment that their steps run in, from wheels that the test writes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import requires, version
from pathlib import Path

import pandas as pd
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mlspec
from mlspec.core.problem import MlspecError
from mlspec.executors.local import LocalExecutor
from mlspec.planner.lock import read
from mlspec.steps import launch
from mlspec.steps.current import refuse_other
from mlspec.steps.failures import StepFailed
from mlspec.steps.locked import python_of
from mlspec.steps.uv import LockFile, Means
from tests.wheels import NEEDED, environ, hash_of, lock, shelf, variables, wheel
from tests.worlds import World, declare

TRAIN = """\
import json
import pathlib
import sys

import numpy as np
import tiny


class Steady:
    def predict(self, frame):
        assert tiny.VERSION == "2.0", tiny.VERSION
        return np.full(len(frame), "yes", dtype=object)


def train(data, params, seed):
    print("prefix", sys.prefix, "tiny", tiny.VERSION)
    return Steady()
"""
CACHE = ".mlspec/cache/environments"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of what a step needs, and of `tiny`."""
    return shelf(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of uv, of these tests alone."""
    return tmp_path_factory.mktemp("uv")


@pytest.fixture
def means(tmp_path: Path, wheels: Path, uv_cache: Path) -> Means:
    """What it takes to make environments below a test's own folder."""
    return Means(tmp_path / "environments", environ(wheels, uv_cache), LocalExecutor(), threading.Event())


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, wheels: Path, uv_cache: Path) -> World:
    """A project whose model needs `tiny` 2.0 to be trained and to predict; this environment has none."""
    world = declare(tmp_path_factory.mktemp("locked") / "repository")
    world = World(world.root, {**world.env, **variables(wheels, uv_cache)})
    world.edit(
        "specs/answer.yaml",
        "  estimator: sklearn.linear_model.LogisticRegression\n  params: {C: 1.0}\n",
        '  entrypoint: "src/train.py:train"\n  code: [mlspec/*.py]\n  format: pickle\n  environment: train.lock\n',
    )
    shadow = "raise RuntimeError('the mlspec of a hostile repository')\n"
    world.write({"src/train.py": TRAIN, "mlspec/__init__.py": shadow, "train.lock": lock("tiny==2.0")})
    world.edit("specs/gate.yaml", "min: 0.5", "min: 0.3")
    world.commit()
    world.apply()
    return world


def lock_file(text: str | bytes, name: str = "requirements.lock") -> LockFile:
    content = text.encode() if isinstance(text, str) else text
    found, problems = read(name, content)
    assert found is not None, problems
    return LockFile(name, content, found)


def output(python: Path, program: str) -> str:
    return subprocess.run([python, "-P", "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_it_trains_and_predicts_there(locked: World) -> None:
    shown = json.loads(locked.mlspec("show", "model/answer", "--format", "json").out)
    assert "accuracy" in json.dumps(shown)
    assert_nothing_left(locked.root / CACHE, 1)
    assert locked.mlspec("plan", "--detailed-exitcode").code == 0
    assert not locked.git("status", "--porcelain")


def test_its_packages_are_recorded(locked: World, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert locked.mlspec("export", "answer", str(out)).code == 0
    pinned = (out / "requirements.txt").read_text().splitlines()
    assert "tiny==2.0" in pinned
    assert "pandas==99.0" in pinned
    assert (out / "environment" / "train.lock").read_text() == lock("tiny==2.0")


def test_a_model_is_asked_where_it_was_trained(locked: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = locked.copy(tmp_path / "world")
    world.write({"train.lock": lock("tiny==1.0")})
    for path in (world.root / CACHE).iterdir():
        path.rename(tmp_path / path.name)  # it is made again, from the lock in the store
    for name in ("UV_FIND_LINKS", "UV_NO_INDEX", "UV_OFFLINE", "UV_CACHE_DIR"):
        monkeypatch.setenv(name, world.env[name])
    model = mlspec.load("answer@v1", world.root)
    assert list(model.predict(pd.DataFrame({"hint": [0.1, 0.9]}))) == ["yes", "yes"]


@pytest.mark.parametrize(
    ("pin", "why"),
    [
        ("tiny==9.0", "Because there is no version of tiny==9.0"),
        ("nowhere==1.0", "Because nowhere was not found in the package registry"),
        ("foreign==1.0", "Because foreign==1.0 has no wheels with a matching Python implementation tag"),
    ],
)
def test_a_lock_that_no_index_satisfies(means: Means, tmp_path: Path, wheels: Path, pin: str, why: str) -> None:
    found = shutil.copytree(wheels, tmp_path / "wheels")
    (found / "foreign-1.0-cp27-cp27m-win32.whl").touch()
    (tmp_path / "index").mkdir()
    places = {"UV_FIND_LINKS": str(found), "UV_DEFAULT_INDEX": (tmp_path / "index").as_uri()}
    kept = {name: value for name, value in means.environ.items() if name not in ("UV_NO_INDEX", "UV_OFFLINE")}
    with pytest.raises(StepFailed) as caught:
        python_of(lock_file(f"{pin}\n"), replace(means, environ={**kept, **places}))
    problem = caught.value.problems[0]
    assert problem.code == "environment/unsatisfied"
    assert f"the environment of `requirements.lock` can't be made: {why}" in problem.message
    assert problem.help is not None and problem.help.startswith("lock again: this version is not in the index")
    assert caught.value.tail.startswith("error: No solution found")
    assert_nothing_left(means.cache, 0)


def test_a_locked_archive_without_a_wheel(means: Means) -> None:
    archive = f'sdist = {{url = "https://127.0.0.1:9/t-2.0.tar.gz", hashes = {{sha256 = "{"0" * 64}"}}}}'
    text = f'lock-version = "1.0"\ncreated-by = "t"\n[[packages]]\nname = "t"\nversion = "2.0"\n{archive}\n'
    with pytest.raises(StepFailed) as caught:
        python_of(lock_file(text, "pylock.toml"), means)
    assert caught.value.problems[0].code == "environment/unsatisfied"


@pytest.mark.parametrize(
    "index", [{"UV_OFFLINE": "1"}, {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}]
)
def test_an_index_out_of_reach(means: Means, index: dict[str, str]) -> None:
    kept = {name: value for name, value in means.environ.items() if name not in ("UV_NO_INDEX", "UV_OFFLINE")}
    with pytest.raises(StepFailed) as caught:
        python_of(lock_file("nowhere==9.0\n"), replace(means, environ={**kept, **index}))
    assert caught.value.problems[0].code == "env/uv-failed"
    assert_nothing_left(means.cache, 0)


def test_a_lock_at_fault_is_recorded(locked: World, tmp_path: Path) -> None:
    world = locked.copy(tmp_path / "world")
    world.write({"train.lock": lock("tiny==1.0").replace("\n", f" --hash=sha256:{'0' * 64}\n")})
    world.commit()
    done = world.mlspec("apply", "--yes")
    assert done.code == 1
    assert "the environment of `train.lock` can't be made: Hash mismatch for `" in done.out
    assert "blocked: failed before: the environment of `train.lock` can't be made" in world.mlspec("plan").out
    assert_nothing_left(world.root / CACHE, 1)


def test_requirements_that_do_not_fit_together(means: Means, wheels: Path) -> None:
    wheel(wheels, "picky", "1.0", {}, ["tiny>=2", "absent"])
    with pytest.raises(StepFailed) as caught:
        python_of(lock_file("picky==1.0\ntiny==1.0\n"), means)
    problem = caught.value.problems[0]
    assert problem.code == "environment/unsatisfied"
    said = "picky needs tiny>=2, and 1.0 is locked; and 1 more"
    assert problem.message == f"`requirements.lock` does not fit together: {said}"
    assert caught.value.tail.splitlines()[1] == "picky needs absent, which is not locked"
    assert_nothing_left(means.cache, 0)


def assert_nothing_left(cache: Path, whole: int) -> None:
    assert len([path for path in cache.iterdir() if path.is_dir() and path.name != "making"]) == whole
    assert list((cache / "making").iterdir()) == []


def test_use_current(locked: World, tmp_path: Path) -> None:
    world = locked.copy(tmp_path / "world")
    world.edit("specs/answer.yaml", "environment: train.lock", "environment: {lock: train.lock, use: current}")
    world.commit()
    world.write({"train.lock": lock("tiny==1.0")})
    world.commit()
    done = world.mlspec("apply", "--yes")
    assert done.code == 1, done
    assert "the current environment is not that of `train.lock`: pandas 99.0 is locked, " in done.out
    assert "tiny 1.0 is locked, none installed (install what is locked" in done.out
    assert "-/+ train v2" in world.mlspec("plan").out


def test_nothing_of_the_current_environment_gets_there(means: Means, tmp_path: Path) -> None:
    python = python_of(lock_file("tiny==2.0\n"), means)
    folder = tmp_path / "run"
    folder.mkdir()
    one = launch.Launch(folder, folder, {"PATH": "/usr/bin"}, "1h", 3600, python=python)
    program, env = launch._elsewhere(python, one)
    seen = subprocess.run(
        [program, "-P", "-c", "import sys, mlspec.version, tiny; print(tiny.VERSION, *sys.path, sep='\\n')"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert seen[0] == "2.0"
    assert not [path for path in seen[1:] if Path(path).is_relative_to(sys.prefix)]
    assert [entry.name for entry in Path(seen[1]).iterdir()] == ["mlspec"]
    assert subprocess.run([program, "-c", "import pydantic"], env=env, capture_output=True, check=False).returncode == 1


def test_the_child_needs_nothing_of_the_light_core() -> None:
    program = (
        "import sys, mlspec.commands.child; from mlspec.formats.named import format_named; format_named('skops')\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = set(output(Path(sys.executable), program).split())
    assert loaded >= {"mlspec", "pandas", "pyarrow", "sklearn", "skops"}
    assert loaded.isdisjoint({"click", "git", "pydantic", "rich_click", "ruamel"})


def test_two_at_once_make_one(means: Means) -> None:
    of = lock_file("tiny==1.0\n")
    with ThreadPoolExecutor(3) as pool:
        pythons = list(pool.map(lambda _: python_of(of, means), range(3)))
    assert len(set(pythons)) == 1
    assert output(pythons[0], "import tiny; print(tiny.VERSION)") == "1.0"
    assert list((means.cache / "making").iterdir()) == []
    inode = pythons[0].parent.stat().st_ino
    assert python_of(lock_file("tiny==1.0\n", "other.txt"), means).parent.stat().st_ino == inode


def test_what_a_killed_one_left_is_not_taken(means: Means) -> None:
    left = means.cache / "making" / "step-killed" / "environment" / "bin"
    left.mkdir(parents=True)
    (left / "python").symlink_to(sys.executable)
    python = python_of(lock_file("tiny==1.0\n"), means)
    assert output(python, "import tiny; print(tiny.VERSION)") == "1.0"
    assert list((means.cache / "making").iterdir()) == []


def test_an_environment_whose_python_is_gone_is_made_again(means: Means) -> None:
    python = python_of(lock_file("tiny==1.0\n"), means)
    python.unlink()
    python.symlink_to("/nowhere/python")
    again = python_of(lock_file("tiny==1.0\n"), means)
    assert output(again, "import tiny; print(tiny.VERSION)") == "1.0"


def test_interrupted(means: Means) -> None:
    means.cancel.set()  # type: ignore[attr-defined]  # the fixture's is an event
    with pytest.raises(StepFailed) as caught:
        python_of(lock_file("tiny==1.0\n"), means)
    assert caught.value.retryable
    assert caught.value.problems[0].code == "step/interrupted"
    assert [path.name for path in means.cache.iterdir() if path.is_dir()] == ["making"]


def test_uv_is_named_where_there_is_none(means: Means, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    bare = Means(means.cache, {"PATH": str(tmp_path)}, means.executor, means.cancel)
    with pytest.raises(MlspecError) as caught:
        python_of(lock_file("tiny==1.0\n"), bare)
    problem = caught.value.problems[0]
    assert problem.code == "env/no-uv"
    assert problem.help == "run: pip install uv; or train with {lock: ..., use: current}"


def test_variables_of_an_index_reach_uv_and_no_others(means: Means, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "uv"
    fake.parent.mkdir()
    fake.write_text(f"#!{sys.executable}\nimport os, sys\nprint('error:', *sorted(os.environ))\nsys.exit(1)\n")
    fake.chmod(0o755)
    seen = {
        "PATH": f"{fake.parent}{os.pathsep}{os.defpath}",
        "UV_INDEX_MINE_PASSWORD": "hush",
        "TOKEN": "x",
        "UV_PYTHON": "4",
    }
    with pytest.raises(StepFailed) as caught:
        python_of(lock_file("tiny==1.0\n"), Means(means.cache, seen, means.executor, means.cancel))
    names = caught.value.problems[0].message.partition("made: ")[2].split()
    assert {"PATH", "UV_INDEX_MINE_PASSWORD"} <= set(names)
    assert {"TOKEN", "UV_PYTHON"}.isdisjoint(names)


def test_other_forms(means: Means, wheels: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "mine"\nversion = "0.1"\nrequires-python = ">=3.11"\ndependencies = ["tiny<2"]\n'
    )
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "lock", "--quiet"], cwd=project, env={**means.environ}, check=True, capture_output=True)
    of = lock_file((project / "uv.lock").read_bytes(), "uv.lock")
    assert output(python_of(of, means), "import tiny; print(tiny.VERSION)") == "1.0"
    with pytest.raises(MlspecError, match=r"`uv.lock`: tiny 1.0 is locked, none installed$"):
        refuse_other(of, means)
    path = wheels / "tiny-2.0-py3-none-any.whl"
    digest = hash_of(path).rpartition(":")[2]
    archive = f'{{ name = "{path.name}", path = "{path}", hashes = {{ sha256 = "{digest}" }} }}'
    pylock = 'lock-version = "1.0"\ncreated-by = "test"\n[[packages]]\nname = "tiny"\nversion = "2.0"\n'
    pylock += f"wheels = [{archive}]\n"
    assert output(python_of(lock_file(pylock, "pylock.toml"), means), "import tiny; print(tiny.VERSION)") == "2.0"
    bad = pylock.replace(digest, "0" * 64)
    with pytest.raises(StepFailed) as caught:
        python_of(lock_file(bad, "pylock.toml"), means)
    assert caught.value.problems[0].code == "environment/hash-mismatch"


@pytest.mark.torture
def test_the_packages_themselves(tmp_path: Path) -> None:
    """An environment of what mlspec's own lock says of its extra `run`, from uv's cache where that has it."""
    wanted, waiting = set(), list(NEEDED)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            asked = [Requirement(one) for one in requires(name) or ()]
            waiting += [
                canonicalize_name(one.name) for one in asked if not one.marker or one.marker.evaluate({"extra": ""})
            ]
    blocks = re.split(r"\n(?=\S)", (Path(__file__).parents[2] / "requirements.lock").read_text())
    text = "\n".join(block for block in blocks if block.partition("==")[0] in wanted)
    world = declare(tmp_path / "repository")
    world.edit("specs/answer.yaml", "  seed: 7\n", "  seed: 7\n  environment: requirements.lock\n")
    world.write({"requirements.lock": text})
    world.commit()
    world.apply()
    out = tmp_path / "out"
    assert world.mlspec("export", "answer", str(out)).code == 0
    assert f"scikit-learn=={version('scikit-learn')}" in (out / "requirements.txt").read_text().splitlines()
    python = next((world.root / CACHE).glob("*/bin/python"))
    assert output(python, "import importlib.util as u; print(u.find_spec('pydantic'))") == "None"
