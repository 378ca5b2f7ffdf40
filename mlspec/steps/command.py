"""Running a command as the child process does it: what it is given, its end, and an end to whatever it left running."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from posixpath import normpath
from types import FrameType

from mlspec.core.problem import fail
from mlspec.specs.command import PYTHONS
from mlspec.steps import frames
from mlspec.steps.boundary import ChildFailed
from mlspec.steps.entrypoint import roots
from mlspec.steps.failures import killed
from mlspec.steps.wire import Failure, TrainOrder

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_GRACE_S = 4.0
_SWEEP_S = 5.0
_NO_ROOM = 1 << 20
_SHOWN = 60


def run(order: TrainOrder) -> None:
    """Run the command of an order to its end; whatever it started ends with it.

    Raises:
        ChildFailed: there is no such program, it can't be run, or it did not end well.
        OSError: what it is given can't be written.
    """
    program = _program(order)
    environment = {**os.environ, **_given(order)}
    _adopt_orphans()
    with _stopping() as followed:
        followed.append(_start(program, order, environment))
        code = followed[0].wait()
    if code != 0:
        raise ChildFailed(_failure(order, code))


def shown(argv: tuple[str, ...]) -> str:
    """Return a command as it is named in a message."""
    text = shlex.join(argv)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _given(order: TrainOrder) -> dict[str, str]:
    """Write what the command may read, and return the variables that say where it is."""
    folder = Path(order.output).with_name("given")
    folder.mkdir()
    frames.to_parquet(Path(order.table), folder / "train.parquet")
    columns = [asdict(field) for field in order.fields]
    schema = {"task": order.task, "positive": order.positive, "columns": columns}
    for name, value in (("params", order.params), ("schema", schema)):
        (folder / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    return {
        "MLSPEC_TRAIN": str(folder / "train.parquet"),
        "MLSPEC_PARAMS": str(folder / "params.json"),
        "MLSPEC_SCHEMA": str(folder / "schema.json"),
        "MLSPEC_SEED": str(order.seed),
        "MLSPEC_OUTPUT": order.output,
        "PYTHONPATH": os.pathsep.join(roots(Path(order.code), order.home)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _program(order: TrainOrder) -> str:
    """Return the file to run: a file of the repository, mlspec's own Python, or what is found on PATH."""
    name = order.command[0]
    if name in PYTHONS:
        return sys.executable
    if "/" in name and not name.startswith("/"):
        staged = Path(order.code) / normpath(name)
        if staged.is_file():
            staged.chmod(0o700)  # it is run because the spec says so, whatever git keeps of its mode
        return str(staged)
    found = name if "/" in name else shutil.which(name, mode=os.F_OK)
    if found is None or not Path(found).is_file():
        where = "" if "/" in name else " on PATH"
        raise fail(
            "train/no-program", f"there is no program `{shown((name,))}`{where}", help="install it, or name another"
        )
    return found


def _start(program: str, order: TrainOrder, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [program, *order.command[1:]],
            cwd=order.code,
            env=environment,
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent(),  # noqa: PLW1509 -- this process runs nothing beside it
        )
    except OSError as error:
        raise ChildFailed(_not_started(order, error)) from error


def _not_started(order: TrainOrder, error: OSError) -> Failure:
    name = shown(order.command[:1])
    if error.errno == errno.ENOEXEC:
        hint = "let it start with a line such as #!/bin/sh, or name the program that runs it"
        return Failure("train/not-executable", f"`{name}` is no program, and has no `#!` line", help=hint)
    if error.errno in (errno.EACCES, errno.EPERM):
        return Failure("train/not-executable", f"`{name}` is not executable", help=f"run: chmod +x {name}")
    if error.errno == errno.ENOENT:
        hint = "is the program there that its `#!` line names?"
        return Failure("train/no-program", f"`{name}` can't be run: a file is missing", help=hint)
    return Failure("train/not-executable", f"`{name}` can't be run: {os.strerror(error.errno or 0)}")


def _failure(order: TrainOrder, code: int) -> Failure:
    name = shown(order.command)
    if shutil.disk_usage(order.code).free < _NO_ROOM:
        return Failure("env/disk-full", f"`{name}` ended when the disk was full", retryable=True)
    if code < 0:
        problem, retryable = killed(f"`{name}`", "train", -code)
        return Failure(problem.code, problem.message, help=problem.help, retryable=retryable)
    hint = "the log's last lines may say why"
    return Failure("train/command-failed", f"`{name}` ended with exit code {code}", help=hint)


@contextmanager
def _stopping() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Follow a program: when this process is asked to end, it waits a little for the program, then ends with it."""
    followed: list[subprocess.Popen[bytes]] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        until = time.monotonic() + _GRACE_S
        while followed and time.monotonic() < until and not _reaped(followed[0].pid):
            time.sleep(0.01)
        _end_all()
        os._exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield followed
    finally:
        signal.signal(signal.SIGTERM, before)
        _end_all()


def _adopt_orphans() -> None:
    """Have the kernel give this process whatever the command leaves running; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _die_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_all() -> None:
    """Kill what is left of the command, generation by generation: the children of the killed come here."""
    until = time.monotonic() + _SWEEP_S
    while (pids := _children()) and time.monotonic() < until:
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)
        for pid in pids:
            _reaped(pid)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _children() -> list[int]:
    own, found = os.getpid(), []
    for folder in Path("/proc").glob("[0-9]*") if sys.platform == "linux" else ():
        with suppress(OSError, ValueError, IndexError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) == own:
                found.append(int(folder.name))
    return found
