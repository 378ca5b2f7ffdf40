"""The door to this machine: what it is, what this process takes of it, whether one that wrote down its name lives."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_START_TIME = 19
"""The place of a process's start time in /proc/PID/stat, counted behind the name in brackets."""


def described() -> str:
    """Return what times depend on, in words: the processor, its cores that are ours, the system, and Python."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(named, platform.processor() or platform.machine() or "unknown processor")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    counted = f"{cores} core{'s' if cores > 1 else ''}"
    system = f"{platform.system()} {platform.release()}"
    return f"{' '.join(processor.split())}, {counted}, {system}, Python {platform.python_version()}"


def die_with(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def peak_memory_bytes() -> int:
    """Return the most memory this program or one of its children held; 0 where it can't be told.

    The kernel's own figure for a child process starts at the size of the process it was started from.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) * 1024


def this_machine() -> str | None:
    """Return what tells this running system from others, and from the containers on it; None where nothing does."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115 -- the link leads nowhere
    except OSError:
        return None


def this_process() -> str | None:
    """Return what tells this process from all others of this machine; None where nothing does."""
    return _named(os.getpid())


def lives(process: str) -> bool:
    """Say whether a process of this machine that `this_process` named still lives."""
    return _named(int(process.partition(" ")[0])) == process


def _named(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else f"{pid} {fields[_START_TIME]}"
