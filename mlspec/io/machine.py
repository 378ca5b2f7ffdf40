"""The door to other processes of this machine: whether one that wrote down its name still lives."""

from __future__ import annotations

import os
from pathlib import Path

_START_TIME = 19
"""The place of a process's start time in /proc/PID/stat, counted behind the name in brackets."""


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
