"""The parent's side of training: what a child is given, and what each of its endings means. No child is started."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlspec.core.ports import Cancel, Job, JobResult
from mlspec.core.problem import MlspecError
from mlspec.specs.dataset import Dataset
from mlspec.specs.model import Model
from mlspec.steps import wire
from mlspec.steps.failures import StepFailed, escape, redact
from mlspec.steps.train import Trained, TrainRequest, train

ANSWER = wire.TrainAnswer(
    wire.Kept(trusted=("numpy.dtype",)), 2, 1, {"numpy": "2"}, "3.11.7", "Linux", ("careful with sesame",)
)


DONE = JobResult(code=0, timed_out=False, interrupted=False, wall_s=1.0, cpu_s=1.0, peak_memory_bytes=1000)


@dataclass
class FakeExecutor:
    """Remembers the job, and does what a child might."""

    act: Callable[[Job], None]
    result: JobResult = DONE
    jobs: list[Job] = field(default_factory=list)

    def run(self, job: Job, cancel: Cancel) -> JobResult:
        """Pretend to run a job."""
        self.jobs.append(job)
        job.log.write_text("first\nlast \x1b[0m sesame\n")
        self.act(job)
        return self.result


def answering(answer: wire.Answer, peak: int = 5000) -> Callable[[Job], None]:
    def act(job: Job) -> None:
        wire.write_answer(Path(job.argv[-1]), answer, peak)
        (job.log.parent / "output" / "model.skops").write_bytes(b"model")

    return act


def writing(content: str) -> Callable[[Job], None]:
    def act(job: Job) -> None:
        Path(job.argv[-1]).write_text(content)

    return act


def nothing(_: Job) -> None:
    """Leave no answer."""


def ended(code: int, *, timed_out: bool = False, interrupted: bool = False) -> JobResult:
    return JobResult(code, timed_out, interrupted, 1.0, 1.0, 1000)


def request(folder: Path, environ: Mapping[str, str] | None = None, **how: Any) -> TrainRequest:
    schema = [{"name": "x", "type": "integer"}, {"name": "y", "type": "number", "role": "target"}]
    dataset = {"name": "d", "owner": "t", "source": "d.csv", "schema": schema}
    trained = {"estimator": "sklearn.linear_model.Ridge", "env": ["TOKEN"], "seed": 5, "threads": 3, **how}
    model = {"name": "m", "owner": "t", "dataset": "d", "task": "regression", "train": trained}
    return TrainRequest(
        model=Model.model_validate_json(json.dumps(model)),
        dataset=Dataset.model_validate_json(json.dumps(dataset)),
        frame=pd.DataFrame({"y": [1.0, 2.0], "x": [1, 2]}),
        code={"src/a.py": b"A = 1\n"},
        folder=folder,
        environ={"TOKEN": "sesame", **(environ or {})},
    )


def run(folder: Path, executor: FakeExecutor, **how: Any) -> Trained:
    return train(request(folder, **how), executor, threading.Event())


def failure(folder: Path, executor: FakeExecutor) -> StepFailed:
    with pytest.raises(StepFailed) as failed:
        run(folder, executor)
    return failed.value


def test_what_a_child_is_given(tmp_path: Path) -> None:
    executor = FakeExecutor(answering(ANSWER))
    environ = {"PATH": "/bin", "LD_LIBRARY_PATH": "/lib", "SECRET": "tweet", "GITHUB_ENV": "/x", "PYTHONPATH": "/y"}
    run(tmp_path, executor, environ=environ, timeout="90s")
    (job,) = executor.jobs
    assert job.argv[1:4] == ("-P", "-m", "mlspec.commands.child")
    assert (job.cwd, job.timeout_s) == (tmp_path / "code", 90)
    assert (tmp_path / "code" / "src" / "a.py").read_bytes() == b"A = 1\n"
    expected = {
        "PATH": "/bin",
        "LD_LIBRARY_PATH": "/lib",
        "TOKEN": "sesame",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "JOBLIB_TEMP_FOLDER": str(tmp_path / "tmp"),
        "PYTHONHASHSEED": "5",
        "PYTHONUTF8": "1",
    }
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "BLIS")
    expected |= {f"{name}_NUM_THREADS": "3" for name in threads}
    expected |= {"VECLIB_MAXIMUM_THREADS": "3", "LOKY_MAX_CPU_COUNT": "3"}
    assert {name: value for name, value in job.env.items() if name != "PYTHONUSERBASE"} == expected
    assert Path(job.env["HOME"]).is_dir()
    assert Path(job.env["TMPDIR"]).is_dir()
    order = wire.read_order(Path(job.argv[4]))
    assert isinstance(order, wire.TrainOrder)
    assert (order.parent, order.seed, [column.name for column in order.fields]) == (os.getpid(), 5, ["x", "y"])
    assert "sesame" not in Path(job.argv[4]).read_text()


def test_what_comes_back(tmp_path: Path) -> None:
    trained = run(tmp_path, FakeExecutor(answering(ANSWER)))
    assert (trained.kept.trusted, trained.rows, trained.features) == (("numpy.dtype",), 2, 1)
    assert trained.result.peak_memory_bytes == 5000
    assert trained.warnings == ("careful with ***",)
    assert "sesame" not in trained.log.read_text()


@pytest.mark.parametrize(
    ("result", "code", "retryable"),
    [
        (ended(-15, interrupted=True), "train/interrupted", True),
        (ended(-9, timed_out=True), "train/timeout", False),
        (ended(-9), "train/killed", False),
        (ended(-11), "train/crashed", False),
        (ended(-15), "train/interrupted", True),
        (ended(-64), "train/crashed", False),
        (ended(wire.NO_ANSWER), "env/disk", True),
        (ended(1), "train/exited", False),
        (ended(0), "train/exited", False),
    ],
)
def test_endings_without_an_answer(tmp_path: Path, result: JobResult, code: str, retryable: bool) -> None:
    failed = failure(tmp_path, FakeExecutor(nothing, result))
    assert (failed.problems[0].code, failed.retryable) == (code, retryable)
    assert failed.tail == "first\nlast \\x1b[0m ***"


def test_the_childs_own_failure_is_told(tmp_path: Path) -> None:
    answer = wire.Failure("train/raised", "no sesame", "src/a.py", 3, "try sesame", retryable=True)
    failed = failure(tmp_path, FakeExecutor(answering(answer), ended(1)))
    (problem,) = failed.problems
    assert (problem.message, problem.help, str(problem.place)) == ("no ***", "try ***", "src/a.py:3")
    assert failed.retryable


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"is": "train", "answer": {}, "peak_memory_bytes": 1}',
        '{"is": "evil", "answer": {}, "peak_memory_bytes": 1}',
        '{"is": "failure", "answer": {"code": 3}, "peak_memory_bytes": 1}',
        "[" * 100_000,
    ],
    ids=range(7),
)
def test_an_answer_that_is_none(tmp_path: Path, content: str) -> None:
    failed = failure(tmp_path, FakeExecutor(writing(content)))
    assert failed.problems[0].code == "train/no-answer"


def test_an_answer_to_something_else(tmp_path: Path) -> None:
    failed = failure(tmp_path, FakeExecutor(answering(wire.PredictAnswer(3))))
    assert failed.problems[0].code == "train/exited"


def test_an_answer_does_not_hide_a_crash(tmp_path: Path) -> None:
    assert failure(tmp_path, FakeExecutor(answering(ANSWER), ended(-11))).problems[0].code == "train/crashed"


@pytest.mark.parametrize("linked", [False, True], ids=["no file", "a link"])
def test_no_model_left(tmp_path: Path, *, linked: bool) -> None:
    def act(job: Job) -> None:
        wire.write_answer(Path(job.argv[-1]), ANSWER, 1)
        if linked:
            (job.log.parent / "output" / "model.skops").symlink_to(job.log)

    assert failure(tmp_path, FakeExecutor(act)).problems[0].code == "step/no-file"


def test_a_full_disk_may_be_tried_again(tmp_path: Path) -> None:
    def full(_: Job) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    failed = failure(tmp_path, FakeExecutor(full))
    assert (failed.problems[0].code, failed.retryable) == ("env/disk-full", True)
    assert failed.problems[0].message.endswith(": no space is left")


@pytest.mark.parametrize("path", ["../out.py", "/abs.py", "a/../../b.py", ".git/hooks/x"])
def test_code_stays_in_its_folder(tmp_path: Path, path: str) -> None:
    asked = request(tmp_path)
    with pytest.raises(ValueError, match="must"):
        train(
            TrainRequest(asked.model, asked.dataset, asked.frame, {path: b""}, tmp_path, asked.environ),
            FakeExecutor(nothing),
            threading.Event(),
        )


def test_a_table_that_is_not_as_declared_names_the_column_only(tmp_path: Path) -> None:
    asked = request(tmp_path)
    bad = pd.DataFrame({"x": ["private"], "y": [1.0]})
    with pytest.raises(MlspecError) as failed:
        train(
            TrainRequest(asked.model, asked.dataset, bad, {}, tmp_path, asked.environ),
            FakeExecutor(nothing),
            threading.Event(),
        )
    (problem,) = failed.value.problems
    assert (problem.code, problem.message) == ("table/type", "column `x` is declared integer, and holds something else")


def test_control_characters_are_spelled_out() -> None:
    assert escape("a\tb\x1b[31m\x07\u202e\x85é") == "a\tb\\x1b[31m\\x07\\u202e\\x85é"


def test_the_longest_secret_goes_first() -> None:
    assert redact("token-long token abc", ["token", "token-long", "abc"]) == "*** *** abc"
