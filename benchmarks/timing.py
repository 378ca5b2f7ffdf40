"""Timing of whole commands side by side: CPU and wall seconds of a command and its children."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parent.parent
MLSPEC = str(Path(sys.executable).parent / "mlspec")
T = TypeVar("T")


@dataclass(frozen=True)
class Taken:
    """What one run took: CPU seconds (user and system, children included), wall seconds, peak MB; and its output."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    out: str = ""


def environment(home: Path) -> dict[str, str]:
    """Return an environment in which every tool may keep its compiled modules, and none phones home."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "GIT_", "MLSPEC"))}
    env.update(HOME=str(home), DVC_NO_ANALYTICS="1", DVC_SITE_CACHE_DIR=str(home / "dvc-site"), NO_COLOR="1")
    return env


def take(argv: list[str], cwd: Path, env: dict[str, str], expect: str = "") -> Taken:
    """Run a command once and say what it took.

    Raises:
        RuntimeError: it failed, or did not say what was expected.
    """
    since = time.perf_counter()
    with subprocess.Popen(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as child:
        assert child.stdout is not None
        out = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - since
    if child.returncode != 0 or expect not in out:
        raise RuntimeError(f"{argv}: exit {child.returncode}\n{out[-2000:]}")
    return Taken(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, out)


def apart(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a process of its own: a child of ours would begin with the memory that it takes."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def best(takes: list[Taken]) -> Taken:
    """Return the run that took the least CPU: the one others disturbed least."""
    return min(takes, key=lambda taken: taken.cpu_s)


def verdict(label: str, value: float, limit: float, *, at_least: bool = False) -> bool:
    """Print a figure beside its budget; return whether it holds."""
    holds = value >= limit if at_least else value <= limit
    sign = ">=" if at_least else "<="
    sys.stdout.write(f"{'ok  ' if holds else 'OVER'} {label}: {value:.3g} (budget {sign} {limit:g})\n")
    sys.stdout.flush()
    return holds


def tool(name: str, requirement: str) -> str:
    """Return a peer's command, installed into an environment of its own below .tools/."""
    folder = ROOT / ".tools" / name
    command = folder / "bin" / name
    if not command.exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
        install = [
            uv,
            "pip",
            "install",
            "-q",
            "--compile-bytecode",
            "--python",
            str(folder / "bin" / "python"),
            requirement,
        ]
        subprocess.run(install, check=True)
    return str(command)
