"""The executor of this machine: runs a program in a process group of its own; what it runs is others' business.

A program ends by itself, at its timeout, or when asked to: then its whole group gets SIGTERM and, five seconds
later, SIGKILL. Whatever is left of the group when the program has ended is killed. A grandchild that left the group
for a session of its own is not looked for, and does not hold anything up. Should this process be killed, the group
would live on: a program that must not outlive it says so itself, as mlspec's own child does (`commands.child`).
"""

from __future__ import annotations

import fcntl
import math
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from resource import struct_rusage
from typing import IO, cast

from mlspec.core.ports import Cancel, Job, JobResult
from mlspec.core.problem import fail
from mlspec.executors.capped_log import CappedLog

_GRACE_S = 5.0
_LONGEST_WAIT_S = 0.5
_BATCH_S = 0.02
_AFTER_END_S = 0.3
_PIPE_BYTES = 1 << 20


class LocalExecutor:
    """Runs jobs as children of this process; may be called from several threads at once."""

    def __init__(self, grace_s: float = _GRACE_S) -> None:
        """Take the seconds between SIGTERM and SIGKILL."""
        self._grace_s = grace_s

    def run(self, job: Job, cancel: Cancel) -> JobResult:
        """Run a job to its end, its timeout, or a request to stop.

        Memory is what the kernel reports, which for a program started from a larger one is at least the
        starter's own size; a program that knows better reports it itself.

        Raises:
            MlspecError: the program can't be started (`executor/not-started`).
            OSError: the log can't be written.
        """
        started = time.monotonic()
        with CappedLog(job.log) as log:
            following = _Following(_start(job), log, cancel, started + job.timeout_s, self._grace_s)
            try:
                status, usage = following.to_the_end()
            finally:
                following.leave_nothing()
        return JobResult(
            code=os.waitstatus_to_exitcode(status),
            timed_out=following.timed_out,
            interrupted=following.interrupted,
            wall_s=time.monotonic() - started,
            cpu_s=usage.ru_utime + usage.ru_stime,
            peak_memory_bytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        )


def _start(job: Job) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(job.argv),
            cwd=job.cwd,
            env=dict(job.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise fail("executor/not-started", f"`{job.argv[0]}` can't be started: {error.strerror}") from error


@dataclass
class _Following:
    """One running child: its output, its limits, its end."""

    child: subprocess.Popen[bytes]
    log: CappedLog
    cancel: Cancel
    deadline: float
    grace_s: float
    timed_out: bool = False
    interrupted: bool = False
    _kill_at: float | None = None
    _reaped: bool = False
    _pipe: IO[bytes] = field(init=False)
    _poller: select.poll = field(default_factory=select.poll)

    def __post_init__(self) -> None:
        """Make reading the output never block."""
        self._pipe = cast("IO[bytes]", self.child.stdout)
        os.set_blocking(self._pipe.fileno(), False)
        wider = getattr(fcntl, "F_SETPIPE_SZ", None)
        if wider is not None:
            with suppress(OSError):  # the user's pipes are at their limit: the usual size is slower, and enough
                fcntl.fcntl(self._pipe.fileno(), wider, _PIPE_BYTES)
        self._poller.register(self._pipe, select.POLLIN)

    def to_the_end(self) -> tuple[int, struct_rusage]:
        """Drain the output until the child has ended; return its status and its costs."""
        wait = 0.001
        while (ended := self._reap()) is None:
            now = time.monotonic()
            self._enforce(now)
            next_event = self._kill_at if self._kill_at is not None else self.deadline
            heard = self._drain(max(0.0, min(wait, next_event - now)))
            wait = 0.001 if heard else min(wait * 1.5, _LONGEST_WAIT_S)
        self._signal(signal.SIGKILL)
        self._drain_rest()
        return ended

    def leave_nothing(self) -> None:
        """Kill and reap whatever still runs, when following was cut short; close the pipe."""
        if not self._reaped:
            self._signal(signal.SIGKILL)
            self._reap(block=True)
        self._pipe.close()

    def _enforce(self, now: float) -> None:
        if self._kill_at is not None:
            if now >= self._kill_at:
                self._signal(signal.SIGKILL)
                self._kill_at = math.inf
            return
        self.interrupted = self.cancel.is_set()
        self.timed_out = not self.interrupted and now >= self.deadline
        if self.interrupted or self.timed_out:
            self._signal(signal.SIGTERM)
            self._kill_at = now + self.grace_s

    def _drain(self, wait_s: float) -> bool:
        """Wait for output and take what is there; say whether there was any."""
        if self._pipe.closed:
            self._pause(wait_s)
            return False
        if not self._poller.poll(wait_s * 1000):
            return False
        taken = self._take()
        if 0 < taken < _PIPE_BYTES // 2:
            self._pause(_BATCH_S)  # a child that prints often must not wake us each time
        return taken > 0 or self._pipe.closed

    def _pause(self, seconds: float) -> None:
        if self.interrupted:
            time.sleep(seconds)  # the event is set already: waiting for it would not wait
        else:
            self.cancel.wait(seconds)

    def _take(self) -> int:
        try:
            chunk = os.read(self._pipe.fileno(), _PIPE_BYTES)
        except BlockingIOError:
            return 0
        if not chunk:
            self._poller.unregister(self._pipe)
            self._pipe.close()
        self.log.write(chunk)
        return len(chunk)

    def _drain_rest(self) -> None:
        until = time.monotonic() + _AFTER_END_S
        while not self._pipe.closed and (left := until - time.monotonic()) > 0:
            if self._poller.poll(left * 1000):
                self._take()

    def _reap(self, *, block: bool = False) -> tuple[int, struct_rusage] | None:
        pid, status, usage = os.wait4(self.child.pid, 0 if block else os.WNOHANG)
        if pid == 0:
            return None
        self._reaped = True
        self.child.returncode = os.waitstatus_to_exitcode(status)
        return status, usage

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # nobody is left, or (macOS) only a zombie is
            os.killpg(self.child.pid, number)
