"""Starting a step's child process from the parent's side: its folder, its environment, its answer or its failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mlspec.core.paths import check_path
from mlspec.core.ports import Cancel, Executor, Job, JobResult
from mlspec.core.problem import Problem
from mlspec.steps import wire
from mlspec.steps.failures import (
    StepFailed,
    crash_place,
    crashed_asked,
    killed,
    of_disk,
    raised_place,
    redact,
    redact_file,
    tail_of,
)

_PACKAGE = Path(__file__).resolve().parents[1]
Wanted = TypeVar("Wanted", wire.TrainAnswer, wire.PredictAnswer, wire.JudgeAnswer, wire.TimeAnswer)
_DOING = {"train": "training", "predict": "predicting", "judge": "judging"}
_LIMITS = {"judge": "`timeout` of the check"}


@dataclass(frozen=True, slots=True)
class Launch:
    """One child process to be: its folder (empty, or holding only what the step put there), and its limits."""

    folder: Path
    cwd: Path
    env: Mapping[str, str]
    timeout: str
    timeout_s: float
    secrets: Collection[str] = ()
    """Values that must not get into the log or a message."""
    python: Path | None = None
    """The Python of another environment than this process's own; it needs nothing of mlspec's."""

    @property
    def log(self) -> Path:
        """Return the file that keeps the output."""
        return self.folder / "log.txt"


def stage(code: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of the fingerprinted code, by their paths in the repository, into a new folder.

    Raises:
        ValueError: a path leads out of the repository.
        OSError: the disk is full, for one.
    """
    folder.mkdir()
    for path, content in sorted(code.items()):
        target = folder / check_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def left(path: Path, launch: Launch) -> Path:
    """Return a file that the child says it left.

    Raises:
        StepFailed: it is not there, or is a link to somewhere else.
    """
    if path.is_symlink() or not path.is_file():
        problem = Problem("step/no-file", f"the child process left no file `{path.name}`, or a link in its place")
        raise _failed(problem, launch)
    return path


def run(
    order: wire.Order, wanted: type[Wanted], launch: Launch, executor: Executor, cancel: Cancel
) -> tuple[Wanted, JobResult]:
    """Run an order in a child process; return its answer, of the wanted kind, and what it cost.

    Raises:
        StepFailed: it did not get there; with the end of the log.
    """
    order_path, answer_path = launch.folder / "order.json", launch.folder / "answer.json"
    try:
        for name in ("home", "tmp"):
            (launch.folder / name).mkdir()
        wire.write_order(order_path, order)
        python, env = (sys.executable, launch.env) if launch.python is None else _elsewhere(launch.python, launch)
        argv = (python, "-P", "-m", "mlspec.commands.child", str(order_path), str(answer_path))
        job = Job(argv, launch.cwd, env, launch.log, launch.timeout_s)
        result = executor.run(job, cancel)
        if launch.secrets:
            redact_file(launch.log, launch.secrets)
    except OSError as error:
        raise of_disk(error, f"the run folder of `{order.verb}`") from error
    try:
        answer, peak = wire.read_answer(answer_path)
    except ValueError:
        problem = Problem(f"{_step(order)}/no-answer", "the child process left an answer that is none")
        raise _failed(problem, launch) from None
    if not isinstance(answer, wanted) or result.code != 0:
        raise _failure(answer, result, order, launch)
    return answer, replace(result, peak_memory_bytes=peak or result.peak_memory_bytes)


def _elsewhere(python: Path, launch: Launch) -> tuple[str, dict[str, str]]:
    """Return what starts a child in another environment, where it finds mlspec and nothing else of this one."""
    own = launch.folder / "own"
    own.mkdir()
    (own / _PACKAGE.name).symlink_to(_PACKAGE)
    path = f"{python.parent}{os.pathsep}{launch.env.get('PATH', os.defpath)}"
    there = {"PATH": path, "VIRTUAL_ENV": str(python.parents[1]), "PYTHONPATH": str(own)}
    return str(python), {**launch.env, **there}


def _failure(answer: wire.Answer | None, result: JobResult, order: wire.Order, launch: Launch) -> StepFailed:
    step = _step(order)
    what = _DOING[step]
    if result.interrupted:
        return _failed(Problem(f"{step}/interrupted", f"{what} was interrupted"), launch, retryable=True)
    if result.timed_out:
        message = f"{what} did not end within {launch.timeout}"
        problem = Problem(
            f"{step}/timeout", message, help=f"raise {_LIMITS.get(step, '`train.timeout`')}, or make it faster"
        )
        return _failed(problem, launch)
    if isinstance(answer, wire.Failure):
        problem = answer.problem()
        if problem.code == "train/command-failed":
            problem = replace(problem, place=raised_place(launch.log, launch.cwd))
        return _failed(problem, launch, retryable=answer.retryable)
    if result.code < 0:
        doing = "predicting training rows" if step == "train" and crashed_asked(launch.log) else what
        problem, retryable = killed(doing, step, -result.code)
        placed = replace(problem, place=crash_place(launch.log, launch.cwd))
        return _failed(placed, launch, retryable=retryable)
    if result.code == wire.NO_ANSWER:
        return _failed(Problem("env/disk", f"{what} could not write its result"), launch, retryable=True)
    message = f"{what} ended its process with exit code {result.code} before it was done"
    return _failed(Problem(f"{step}/exited", message, help="the log's last lines may say why"), launch)


def _step(order: wire.Order) -> str:
    """Return the step that a child's failure is one of: a model is timed by having it predict."""
    return "predict" if order.verb == "time" else order.verb


def _failed(problem: Problem, launch: Launch, *, retryable: bool = False) -> StepFailed:
    clean = replace(
        problem,
        message=redact(problem.message, launch.secrets),
        help=redact(problem.help, launch.secrets) if problem.help else None,
    )
    # Where the code was staged is of no interest.
    tail = tail_of(launch.log, launch.secrets).replace(f"{launch.cwd}/", "")
    return StepFailed(clean, retryable=retryable, tail=tail)
