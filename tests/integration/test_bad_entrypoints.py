"""Training functions that misbehave, through the command line: one clear message each, recorded, not tried again."""

from __future__ import annotations

import os
import re
import select
import sys
import textwrap
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from mlspec.steps.split import split
from tests.integration.bad_world import MLSPEC, ROWS, Done, World, begin
from tests.samples import taken, thinned
from tests.tables import declare

MODEL = """\
kind: Model
name: NAME
owner: team
dataset: good
task: classification
train:
  entrypoint: src/NAME.py:train
  params: {outside: "OUTSIDE"}
  timeout: TIMEOUT
  env: [TOKEN]
"""
SOURCE = """\
import ctypes, fractions, os, sys, time
from pathlib import Path
from sklearn.dummy import DummyClassifier


class Mine(DummyClassifier):
    pass


def train(data, params, seed):
    model = DummyClassifier(strategy="prior").fit(data.X, data.y)
"""
AT = 12
"""The line of the case's own first statement."""


FRAME = pd.DataFrame(ROWS, columns=["id", "x", "y"])
TRAINING = FRAME["id"][~split(FRAME, declare("id:integer:id", "x:number", "y:string:target"))].tolist()


@dataclass(frozen=True)
class Bad:
    """The end of a training function, what is shown of it, and what is recorded where that is less."""

    body: str
    shown: str
    recorded: str = ""
    timeout: str = "60s"


BAD = {
    "raises": Bad(
        "raise ValueError('bad luck of ' + data.y[0])",
        f"src/raises.py:{AT}: `train` raised ValueError: bad luck of no",
        f"src/raises.py:{AT}: `train` raised ValueError",
    ),
    "huge-message": Bad(
        "raise ValueError('word ' * 10_000_000)",
        f"src/huge-message.py:{AT}: `train` raised ValueError: " + "word " * 119 + "word…",
        f"src/huge-message.py:{AT}: `train` raised ValueError",
    ),
    "nothing": Bad("pass", "src/nothing.py: `train` returned nothing (end it with `return model`)"),
    "unfitted": Bad(
        "return DummyClassifier()",
        "predicting training rows with `DummyClassifier` raised NotFittedError: This DummyClassifier instance is not "
        "fitted yet. Call 'fit' with appropriate arguments before using this estimator."
        " (fit the model before returning it)",
        "predicting training rows with `DummyClassifier` raised NotFittedError",
    ),
    "foreign-class": Bad(
        "model.half = fractions.Fraction(1, 2); return model",
        "the model holds `fractions.Fraction`, which is neither scikit-learn's nor of this repository (build the model "
        "from scikit-learn's parts and classes of this repository: loading anything else could run code)",
    ),
    "open-file": Bad(
        "model.log = open('log', 'w'); return model",
        "saving `DummyClassifier` raised TypeError: cannot pickle 'TextIOWrapper' object "
        "(a model can't hold open files, locks or connections: drop them before returning it)",
        "saving `DummyClassifier` raised TypeError",
    ),
    "hangs": Bad(
        "time.sleep(600)", "training did not end within 2s (raise `train.timeout`, or make it faster)", timeout="2s"
    ),
    "exit-0": Bad("sys.exit(0)", f"src/exit-0.py:{AT}: `train` called sys.exit(0) (return the fitted model instead)"),
    "exit-word": Bad(
        "sys.exit('bad luck of ' + data.y[0])",
        f"src/exit-word.py:{AT}: `train` called sys.exit('bad luck of no') (return the fitted model instead)",
        f"src/exit-word.py:{AT}: `train` called sys.exit",
    ),
    "os-exit": Bad(
        "os._exit(0)",
        "training ended its process with exit code 0 before it was done (the log's last lines may say why)",
    ),
    "segfault": Bad(
        "ctypes.string_at(0)",
        f"src/segfault.py:{AT}: training crashed: SIGSEGV (the log's last lines say where)",
    ),
    "secrets": Bad(
        "raise ValueError([n for n in ('CANARY', 'TOKEN', 'GITHUB_TOKEN') if n in os.environ] + [os.environ['TOKEN']])",
        f"src/secrets.py:{AT}: `train` raised ValueError: ['TOKEN', '***']",
        f"src/secrets.py:{AT}: `train` raised ValueError",
    ),
    "test-rows": Bad(
        "raise ValueError(sorted(data.frame['id']))",
        f"src/test-rows.py:{AT}: `train` raised ValueError: {TRAINING}",
        f"src/test-rows.py:{AT}: `train` raised ValueError",
    ),
}
ALWAYS = {"raises", "nothing", "secrets"}
"""Of these, others ask as well."""
FINE = {
    "own-class": "return Mine().fit(data.X, data.y)",
    "forks": "if os.fork() == 0:\n    Path(params['outside'], 'pid').write_text(str(os.getpid())); time.sleep(600)\n"
    "while not Path(params['outside'], 'pid').exists(): time.sleep(0.01)\nreturn model",
    "closes-output": "sys.stdout.close(); os.close(1); os.close(2); return model",
    "writes": "Path('src/writes.py').write_text('gone'); Path('junk').write_text('junk'); return model",
}


def declared(world: World, name: str, body: str, timeout: str = "60s") -> None:
    fields = {"NAME": name, "OUTSIDE": str(world.root.parent), "TIMEOUT": timeout}
    spec = MODEL
    for key, value in fields.items():
        spec = spec.replace(key, value)
    world.write(f"specs/{name}.yaml", spec)
    world.write(f"src/{name}.py", SOURCE + textwrap.indent(body, "    ") + "\n")


@dataclass(frozen=True)
class Applied:
    """The one apply over all of them, and the plan after it."""

    world: World
    done: Done
    after: Done


ENV = {"TOKEN": "sesame-street", "CANARY": "tweet", "GITHUB_TOKEN": "hush"}


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Applied:
    """A repository with a model for each case, applied once."""
    world = begin(tmp_path_factory.mktemp("bad") / "repository")
    for name, bad in taken(BAD, request.config, ALWAYS).items():
        declared(world, name, bad.body, bad.timeout)
    for name, body in FINE.items():
        declared(world, name, body)
    world.commit()
    done = world.mlspec("apply", "--yes", "--jobs", "2", **ENV)
    return Applied(world, done, world.mlspec("plan"))


def test_the_apply_as_a_whole(applied: Applied, request: pytest.FixtureRequest) -> None:
    failed = len(taken(BAD, request.config, ALWAYS))
    assert applied.done.code == 1
    assert f", {failed} failed" in applied.done.out
    assert f"nothing to do, {failed} blocked" in applied.after.out
    assert not list((applied.world.root / ".mlspec" / "tmp").iterdir())
    applied.world.lineage()
    again = applied.world.mlspec("apply", "--yes", **ENV)
    assert (again.code, again.out.splitlines()[-1]) == (0, f"Nothing to do. {failed} blocked.")


@pytest.mark.parametrize("name", thinned(BAD, ALWAYS))
def test_failed(applied: Applied, name: str) -> None:
    bad = BAD[name]
    recorded = bad.recorded or bad.shown.partition(" (")[0]
    ended = next(line for line in applied.done.about(f"model/{name}") if line.startswith("failed"))
    shown = re.sub(r"  [\d.]+ s$", "", ended)
    assert shown == f"failed    model/{name}: train v1  {bad.shown}"
    log = [line for line in applied.done.about(f"model/{name}") if line.startswith("|")]
    assert len(log) <= 20
    assert max(map(len, log), default=0) <= 502
    blocked = f"blocked: failed before: {recorded} (change an input, or apply --retry-failed)"
    assert blocked in applied.after.planned(f"model/{name}")
    head = applied.world.head("model", name)
    assert head is not None
    assert not head.get("runs")
    (failed,) = head["failed"].values()
    assert failed["failure"]["message"] == recorded


@pytest.mark.parametrize("name", FINE)
def test_fine_all_the_same(applied: Applied, name: str) -> None:
    assert any(line.startswith("done      ") and ": train" in line for line in applied.done.about(f"model/{name}"))
    assert applied.after.planned(f"model/{name}") == ""


def test_nothing_of_it_gets_into_the_work_tree(applied: Applied) -> None:
    assert applied.world.run("git", "status", "--porcelain", "--ignored").out == "!! .mlspec/\n"


def test_no_secret_gets_out(applied: Applied) -> None:
    recorded = applied.world.run("git", "log", "-p", "mlspec/lineage").out
    kept = b"".join(path.read_bytes() for path in (applied.world.root / ".mlspec").rglob("*") if path.is_file())
    for secret in ENV.values():
        assert secret not in applied.done.out + applied.done.err + applied.after.out + recorded
        assert secret.encode() not in kept


def test_no_value_of_the_data_is_recorded(applied: Applied) -> None:
    recorded = applied.world.run("git", "log", "-p", "mlspec/lineage").out
    assert "bad luck" not in recorded
    assert str(TRAINING)[1:-1] not in recorded


@pytest.mark.skipif(sys.platform != "linux", reason="a process is watched by a descriptor of Linux")
def test_a_fork_does_not_outlive_its_training(applied: Applied) -> None:
    pid = int((applied.world.root.parent / "pid").read_text())
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([watched], [], [], 10)
    os.close(watched)
    assert ended


@pytest.fixture
def copy(applied: Applied, tmp_path: Path) -> World:
    """The repository after its apply, the test's own."""
    applied.world.run("cp", "-a", str(applied.world.root), str(tmp_path / "copy"))
    return replace(applied.world, root=tmp_path / "copy")


def test_a_failure_is_tried_again_when_asked_to(copy: World) -> None:
    planned = copy.mlspec("apply", "--yes", "--retry-failed", "model/nothing", **ENV)
    assert planned.code == 1
    assert any(line.startswith("failed    model/nothing: train") for line in planned.about("model/nothing"))
    (failed,) = (copy.head("model", "nothing") or {})["failed"].values()
    assert failed["failure"]["code"] == "train/no-model"
    assert "! train" in copy.mlspec("plan").planned("model/nothing")
    copy.lineage()


def test_changed_code_is_tried_without_asking(copy: World) -> None:
    source = copy.root / "src/nothing.py"
    source.write_text(source.read_text().replace("    pass\n\n\ndef", "    # still nothing\n    pass\n\n\ndef"))
    assert "! train" in copy.mlspec("plan").planned("model/nothing"), "a comment is no change"
    declared(copy, "nothing", "return model")
    copy.commit()
    assert "+ train v1  new" in copy.mlspec("plan").planned("model/nothing")
    assert copy.mlspec("apply", "--yes", "model/nothing", **ENV).code == 0
    assert copy.mlspec("plan").planned("model/nothing") == ""
    assert len((copy.head("model", "nothing") or {})["runs"]) == 1
    copy.lineage()


def test_a_variable_that_is_not_set_is_asked_for_and_not_recorded(copy: World) -> None:
    declared(copy, "raises", "return model")
    copy.commit()
    done = copy.mlspec("apply", "--yes", "model/raises")
    assert done.code == 1
    assert "the environment variable `TOKEN`, which `train.env` names, is not set (set TOKEN, or" in done.out
    assert "+ train" in copy.mlspec("plan").planned("model/raises"), "the world's fault is planned again"
    assert copy.mlspec("apply", "--yes", "model/raises", **ENV).code == 0


MEASURE = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(most * (1 if sys.platform == "darwin" else 1024), file=sys.stderr)
sys.exit(code)
"""


def test_printing_without_end_is_cut_and_takes_no_memory(tmp_path: Path) -> None:
    """Half a gigabyte of output: kept are its first and its last mebibyte."""
    world = begin(tmp_path / "repository")
    block = "b'\\xff\\x1b' * (1 << 19)"
    declared(world, "prints", f"for _ in range(512): os.write(1, {block})\nraise ValueError('\\x1b[31mred')")
    world.commit()
    done = world.run(sys.executable, "-c", MEASURE, str(MLSPEC), "apply", "--yes", **ENV)
    assert done.code == 1
    assert int(done.err.split()[-1]) < 450 << 20
    assert "`train` raised ValueError: ␛[31mred" in done.out
    assert "\x1b" not in done.out
    assert len(done.out) < 50_000
    assert sum(path.stat().st_size for path in (world.root / ".mlspec").rglob("*") if path.is_file()) < 3 << 20
    world.lineage()


@pytest.mark.parametrize(
    ("entrypoint", "said"),
    [
        ("src/none.py:train", ["error[code/missing]: there is no file `src/none.py`", "did you mean `src/absent.py`?"]),
        (
            "src/absent.py:trian",
            [
                "error[code/no-function]: `src/absent.py` has no function `trian` at its top level",
                "did you mean `train`?",
            ],
        ),
    ],
    ids=["no file", "no function"],
)
def test_an_entrypoint_that_is_not_there(tmp_path: Path, entrypoint: str, said: list[str]) -> None:
    """It is seen before anything runs, and nothing is written."""
    world = begin(tmp_path / "repository")
    declared(world, "absent", "return model")
    spec = (world.root / "specs/absent.yaml").read_text()
    world.write("specs/absent.yaml", spec.replace("src/absent.py:train", entrypoint))
    world.commit()
    done = world.mlspec("apply", "--yes", **ENV)
    assert (done.code, done.out) == (1, "")
    first, *_, last = done.err.strip().splitlines()
    assert (first, last) == (f"specs/absent.yaml:7:15: {said[0]}", f"  help: {said[1]}")
    assert world.run("git", "rev-parse", "-q", "--verify", "mlspec/lineage").code == 1


def test_a_plan_says_where_code_is_loaded_that_cannot_be_followed(tmp_path: Path) -> None:
    world = begin(tmp_path / "repository")
    declared(world, "computed", "__import__(params['outside'])")
    world.commit()
    said = world.mlspec("plan").out
    line = len(SOURCE.splitlines()) + 1
    assert f"warning: src/computed.py:{line}:5: `__import__` loads code that cannot be found by reading" in said
