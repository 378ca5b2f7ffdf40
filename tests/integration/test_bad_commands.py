"""Commands that misbehave, through the command line: one clear message each, recorded, nothing left running."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import mlspec
from mlspec.core.problem import MlspecError
from tests.integration.bad_world import Done, World, begin
from tests.samples import taken, thinned

MODEL = """\
kind: Model
name: NAME
owner: team
dataset: good
task: classification
positive: "yes"
train:
  command: COMMAND
  params: {outside: "OUTSIDE"}
  timeout: TIMEOUT
  env: [TOKEN]
metrics: [accuracy]
stages:
  production: {version: latest, gates: [good]}
"""
GATE = """\
kind: Gate
name: good
owner: team
checks:
  - {check: metric, metric: accuracy, min: 0.0}
"""
SCRIPT = """\
import json, os, sys, time
from pathlib import Path

import pandas as pd
import skops.io
from sklearn.dummy import DummyClassifier

output = Path(os.environ["MLSPEC_OUTPUT"])
outside = Path(json.loads(Path(os.environ["MLSPEC_PARAMS"]).read_text())["outside"])
rows = pd.read_parquet(os.environ["MLSPEC_TRAIN"])
model = DummyClassifier(strategy="prior").fit(rows[["x"]], rows["y"])
"""
LEAVE = 'skops.io.dump(model, output / "model.skops")\n'
PREDICT = """\
import pandas as pd


def short(frame, folder):
    return ["yes"] * (len(frame) - 1)


def unknown(frame, folder):
    return ["maybe"] * len(frame)


def raises(frame, folder):
    raise ValueError(frame["x"][0])


def nan(frame, folder):
    return pd.DataFrame({"no": [float("nan")] * len(frame), "yes": [float("nan")] * len(frame)})


def more_than_one(frame, folder):
    return pd.DataFrame({"no": [0.6] * len(frame), "yes": [0.6] * len(frame)})


def one(frame):
    return []


def good(frame, folder):
    return [(folder / "deep" / "answer.txt").read_text().strip()] * len(frame)


def shuffled(frame, folder):
    return pd.Series("yes", index=frame.index[::-1])


def drops(frame, folder):
    frame.drop(frame.index, inplace=True)
    return []
"""
AT = 12
"""The line of a case's own first statement."""
SOME = "mkdir $MLSPEC_OUTPUT/deep; echo yes > $MLSPEC_OUTPUT/deep/answer.txt"


@dataclass(frozen=True)
class Bad:
    """A command with what it runs, what is shown of it, and what is recorded where that is less."""

    body: str
    shown: str
    recorded: str = ""
    command: str = "python src/NAME.py"
    timeout: str = "60s"
    predict: str = ""


BAD = {
    "nothing": Bad(
        "",
        "the command left no model.skops or model.onnx in MLSPEC_OUTPUT "
        "(write the model into the folder that the variable MLSPEC_OUTPUT names)",
        command="true",
    ),
    "elsewhere": Bad(
        "",
        "the command left no model.skops or model.onnx in MLSPEC_OUTPUT (it left model.skops where it ran: write "
        "the model into the folder that the variable MLSPEC_OUTPUT names)",
        command="touch model.skops",
    ),
    "other-files": Bad(
        "",
        "the command left no model.skops or model.onnx in MLSPEC_OUTPUT (it left weights.bin: name a function that "
        "predicts with it under `predict:`)",
        command="sh -c 'echo 1 > $MLSPEC_OUTPUT/weights.bin'",
    ),
    "two-models": Bad(
        "",
        "the command left model.skops and model.onnx in MLSPEC_OUTPUT: which is the model? (leave one of them)",
        command="sh -c 'touch $MLSPEC_OUTPUT/model.skops $MLSPEC_OUTPUT/model.onnx'",
    ),
    "no-skops": Bad(
        "",
        "model.skops can't be loaded: BadZipFile: File is not a zip file "
        "(are scikit-learn and skops those it was saved with?)",
        command="sh -c 'echo PK > $MLSPEC_OUTPUT/model.skops'",
    ),
    "no-onnx": Bad(
        "",
        "model.onnx can't be loaded: [ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed to load model because protobuf "
        "parsing failed.",
        command="sh src/copy.sh specs/good.yaml",
    ),
    "onnx-signature": Bad(
        "",
        "the ONNX model asks for an input `speed`, which is no feature column "
        "(name its inputs by the columns (x), or give it one matrix)",
        command="sh src/copy.sh src/two.onnx",
    ),
    "link": Bad(
        "",
        "the command left `model.skops` in MLSPEC_OUTPUT, which is no plain file "
        "(leave files there: a link may lead anywhere)",
        command="sh -c 'ln -s /etc/passwd $MLSPEC_OUTPUT/model.skops'",
    ),
    "link-to-folder": Bad(
        "",
        "the command left `more` in MLSPEC_OUTPUT, which is no plain file "
        "(leave files there: a link may lead anywhere)",
        command="sh -c 'ln -s /etc $MLSPEC_OUTPUT/more'",
        predict="src.own:good",
    ),
    "output-is-a-link": Bad(
        "",
        "the folder MLSPEC_OUTPUT is gone: the command removed it, or put something else in its place "
        "(leave the model in the folder that is there)",
        command="sh -c 'rm -r $MLSPEC_OUTPUT; ln -s /etc $MLSPEC_OUTPUT'",
        predict="src.own:good",
    ),
    "output-is-gone": Bad(
        "",
        "the folder MLSPEC_OUTPUT is gone: the command removed it, or put something else in its place "
        "(leave the model in the folder that is there)",
        command="sh -c 'rm -r $MLSPEC_OUTPUT'",
    ),
    "not-utf-8": Bad(
        'open(os.fsencode(output) + b"/a\\xff", "w").close()',
        "the command left `a?` in MLSPEC_OUTPUT; a file's name must be UTF-8",
        predict="src.own:good",
    ),
    "output-is-gone-and-fails": Bad(
        "",
        "`sh -c 'rm -r $MLSPEC_OUTPUT; exit 3'` ended with exit code 3 (the log's last lines may say why)",
        command="sh -c 'rm -r $MLSPEC_OUTPUT; exit 3'",
    ),
    "pipe": Bad(
        "",
        "the command left `wait` in MLSPEC_OUTPUT, which is no plain file "
        "(leave files there: a link may lead anywhere)",
        command="sh -c 'mkfifo $MLSPEC_OUTPUT/wait'",
        predict="src.own:good",
    ),
    "raises": Bad(
        'raise ValueError("bad luck of " + rows["y"][0])',
        f"src/raises.py:{AT}: `python src/raises.py` ended with exit code 1 (the log's last lines may say why)",
    ),
    "exits": Bad(
        "",
        "`sh -c 'echo saw $TOKEN; exit 3'` ended with exit code 3 (the log's last lines may say why)",
        command="sh -c 'echo saw $TOKEN; exit 3'",
    ),
    "killed": Bad(
        "",
        "`sh -c 'kill -9 $$'` was killed by SIGKILL, likely out of memory (give it more memory, or less data)",
        command="sh -c 'kill -9 $$'",
    ),
    "hangs": Bad(
        "",
        "training did not end within 3s (raise `train.timeout`, or make it faster)",
        command="sh -c 'sleep 600'",
        timeout="3s",
    ),
    "not-found": Bad(
        "",
        "there is no program `no-such-program` on PATH (install it, or name another)",
        command="no-such-program src/not-found.sh",
    ),
    "not-a-program": Bad(
        "just words",
        "`./src/not-a-program.sh` is no program, and has no `#!` line "
        "(let it start with a line such as #!/bin/sh, or name the program that runs it)",
        command="./src/not-a-program.sh",
    ),
    "not-executable": Bad(
        "",
        "`/etc/passwd` is not executable (run: chmod +x /etc/passwd)",
        command="/etc/passwd",
    ),
    "no-interpreter": Bad(
        "#!/no/such/program\n",
        "`./src/no-interpreter.sh` can't be run: a file is missing (is the program there that its `#!` line names?)",
        command="./src/no-interpreter.sh",
    ),
    "short": Bad(
        "",
        "the model returned predictions of shape (304,) for 305 rows",
        "the model returned predictions of shape (304,) for 305 rows",
        command=f"sh -c '{SOME}'",
        predict="src.own:short",
    ),
    "shuffled": Bad(
        "",
        "the predictions are in another order than the rows: the index says so from row 1 on "
        "(bring them back, as with `predictions.loc[frame.index]`)",
        command=f"sh -c '{SOME}'",
        predict="src.own:shuffled",
    ),
    "drops": Bad(
        "",
        "the model returned predictions of shape (0,) for 305 rows",
        "the model returned predictions of shape (0,) for 305 rows",
        command=f"sh -c '{SOME}'",
        predict="src.own:drops",
    ),
    "unknown": Bad(
        "",
        "row 1: the model predicts a class that training never saw (give classes as they are in the target: where they "
        "were encoded for fitting, decode them again)",
        command=f"sh -c '{SOME}'",
        predict="src.own:unknown",
    ),
    "predict-raises": Bad(
        "",
        "src/own.py:13: predicting training rows with `raises` raised ValueError: 0.0",
        "src/own.py:13: predicting training rows with `raises` raised ValueError",
        command=f"sh -c '{SOME}'",
        predict="src.own:raises",
    ),
    "no-probabilities": Bad(
        "",
        "row 1: the probabilities sum to 1.2, not 1",
        command=f"sh -c '{SOME}'",
        predict="src.own:more_than_one",
    ),
    "other-arguments": Bad(
        "",
        "src/own.py:24: `one` can't be called as `one(frame, folder)`: too many positional arguments "
        "(take these arguments)",
        "src/own.py:24: `one` can't be called as `one(frame, folder)`: too many positional arguments",
        command=f"sh -c '{SOME}'",
        predict="src.own:one",
    ),
    "left-nothing": Bad(
        "",
        "the command left nothing in MLSPEC_OUTPUT (write the model into the folder that the variable MLSPEC_OUTPUT "
        "names)",
        command="true",
        predict="src.own:good",
    ),
}
ALWAYS = {"raises", "exits", "hangs"}
"""Of these, others ask as well."""
ONNX = importlib.util.find_spec("onnxruntime") is not None and importlib.util.find_spec("onnx") is not None
if not ONNX:
    for gone in ("no-onnx", "onnx-signature"):
        del BAD[gone]  # the extra `onnx` is not installed
FINE = {
    "leaves": LEAVE,
    "forks": LEAVE + "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
    '        (outside / "pid").write_text(str(os.getpid())); time.sleep(600)\n    os._exit(0)\n'
    'while not (outside / "pid").exists(): time.sleep(0.01)\n',
    "writes": LEAVE + 'Path("src/writes.py").write_text("gone"); Path("junk").write_text("junk")',
}


def two_inputs() -> bytes:
    """Return an ONNX model of two inputs."""
    onnx: Any = importlib.import_module("onnx")
    make, kind = onnx.helper, onnx.TensorProto.FLOAT
    given = [make.make_tensor_value_info(name, kind, [None, 1]) for name in ("speed", "x")]
    result = [make.make_tensor_value_info("sum", kind, [None, 1])]
    graph = make.make_graph([make.make_node("Add", ["speed", "x"], ["sum"])], "two", given, result)
    made = make.make_model(graph, ir_version=8, opset_imports=[make.make_opsetid("", 18)])
    return bytes(made.SerializeToString())


def declared(world: World, name: str, bad: Bad) -> None:
    command = bad.command.replace("NAME", name)
    quoted = "'" + command.replace("'", "''") + "'"
    spec = MODEL.replace("NAME", name).replace("COMMAND", quoted).replace("TIMEOUT", bad.timeout)
    spec = spec.replace("OUTSIDE", str(world.root.parent))
    if bad.predict:
        spec = spec.replace("  params:", f"  predict: {bad.predict}\n  params:")
    world.write(f"specs/{name}.yaml", spec)
    if bad.body:
        if bad.command.startswith("python"):
            world.write(f"src/{name}.py", SCRIPT + bad.body + "\n")
        else:
            world.write(f"src/{name}.sh", bad.body)


@dataclass(frozen=True)
class Applied:
    """The one apply over all of them, and the plan after it."""

    world: World
    done: Done
    after: Done


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Applied:
    """A repository with a model for each case, applied once."""
    world = begin(tmp_path_factory.mktemp("bad") / "repository")
    world.write("specs/good-gate.yaml", GATE)
    world.write("src/own.py", PREDICT)
    world.write("src/copy.sh", "cp $1 $MLSPEC_OUTPUT/model.onnx\n")
    if ONNX:
        world.write("src/two.onnx", two_inputs())
    world.write("data/good.csv", "id,x,y\n" + "".join(f"{n},{n % 7},{'yes' if n % 2 else 'no'}\n" for n in range(400)))
    for name, bad in taken(BAD, request.config, ALWAYS).items():
        declared(world, name, bad)
    for name, body in FINE.items():
        declared(world, name, Bad(body, ""))
    declared(world, "files", Bad("", "", command=f"sh -c '{SOME}'", predict="src.own:good"))
    declared(world, "nan", Bad("", "", command=f"sh -c '{SOME}'", predict="src.own:nan"))
    world.commit()
    done = world.mlspec("apply", "--yes", "--jobs", "2", TOKEN="sesame-street")
    return Applied(world, done, world.mlspec("plan"))


def test_the_apply_as_a_whole(applied: Applied, request: pytest.FixtureRequest) -> None:
    failed = len(taken(BAD, request.config, ALWAYS))
    assert applied.done.code == 1
    assert f", {failed} failed" in applied.done.out
    assert not list((applied.world.root / ".mlspec" / "tmp").iterdir())
    assert "sesame" not in applied.done.out
    assert applied.world.run("git", "status", "--porcelain", "--ignored").out == "!! .mlspec/\n"
    applied.world.lineage()


@pytest.mark.parametrize("name", thinned(BAD, ALWAYS))
def test_failed(applied: Applied, name: str) -> None:
    bad = BAD[name]
    recorded = bad.recorded or bad.shown.partition(" (")[0]
    ended = next(line for line in applied.done.about(f"model/{name}") if line.startswith("failed"))
    assert re.sub(r"  [\d.]+ s$", "", ended) == f"failed    model/{name}: train v1  {bad.shown}"
    head = applied.world.head("model", name)
    assert head is not None
    assert not head.get("runs")
    (failed,) = head["failed"].values()
    assert failed["failure"]["message"] == recorded


def test_the_end_of_the_log_is_shown(applied: Applied) -> None:
    said = applied.done.about("model/raises")
    assert '|   File "src/raises.py", line 12, in <module>' in said
    assert any(line.startswith("| ValueError: bad luck of ") for line in said)
    assert "| saw ***" in applied.done.about("model/exits")


@pytest.mark.parametrize("name", [*FINE, "files"])
def test_fine_all_the_same(applied: Applied, name: str) -> None:
    told = applied.done.about(f"model/{name}")
    assert [line.partition(":")[0] for line in told if line.startswith("done")] == [f"done      model/{name}"] * 4, told
    assert applied.after.planned(f"model/{name}") == ""


def test_what_a_command_left_is_exported_and_loaded(applied: Applied, tmp_path: Path) -> None:
    root = applied.world.root
    done = applied.world.mlspec("export", "files@production", str(tmp_path / "out"))
    assert done.code == 0, done
    assert (tmp_path / "out" / "model" / "deep" / "answer.txt").read_text() == "yes\n"
    (tmp_path / "rows.csv").write_text("x\n1\n2\n")
    ran = applied.world.run(sys.executable, str(tmp_path / "out" / "predict.py"), str(tmp_path / "rows.csv"))
    assert ran.out.split() == ["prediction", "yes", "yes"], ran
    model = mlspec.load("files@production", root)
    assert model.predict(pd.DataFrame({"x": [1.0, 2.0, 3.0]})).tolist() == ["yes"] * 3
    with pytest.raises(MlspecError, match="gives no probabilities"):
        model.predict_proba(pd.DataFrame({"x": [1.0]}))
    assert "src" not in sys.modules


def test_predictions_with_nan_are_no_pass(applied: Applied) -> None:
    told = applied.done.about("model/nan")
    assert any("accuracy has no value on 95 rows" in line for line in told), told
    head = applied.world.head("model", "nan")
    assert head is not None
    assert not head.get("stages")
    assert "blocked: v1 failed gate/good: accuracy has no value" in applied.after.planned("model/nan")


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux")
def test_what_a_command_forked_off_is_ended(applied: Applied) -> None:
    pid = int((applied.world.root.parent / "pid").read_text())
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


FULL = """\
import sys, threading
from pathlib import Path

import tests.integration.test_training as here
from mlspec.steps.failures import StepFailed

asked = here.model(command="sh -c 'cat /dev/zero > $MLSPEC_OUTPUT/model.skops'")
request = here.TrainRequest(asked, here.dataset(here.LABEL), here.table(), {}, Path(sys.argv[1]), {"PATH": sys.argv[2]})
try:
    here.train(request, here.LocalExecutor(), threading.Event())
except StepFailed as failed:
    print(failed.problems[0].code, failed.retryable, failed.tail)
"""


def test_a_command_that_fills_the_disk(tmp_path: Path) -> None:
    """A real disk, of 8 MiB; the step may be tried again, for nothing of the user's need change."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("may not mount a tmpfs here")
    try:
        argv = [sys.executable, "-c", FULL, str(disk), os.environ["PATH"]]
        done = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
    assert done.stdout.startswith("env/disk-full True"), done
