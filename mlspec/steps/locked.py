"""The environment that a lock file describes: made by uv once for each machine, then found in the cache.

It is made beside its place and renamed into it, so what is there is whole. It holds nothing of mlspec's: a step's child
finds mlspec, and only that, by a path of its own (`steps.launch`).
"""

from __future__ import annotations

import fcntl
import platform
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packaging.specifiers import SpecifierSet

from mlspec.core import digest
from mlspec.core.ports import Cancel
from mlspec.core.problem import Problem, fail
from mlspec.io.scratch import lend_folder
from mlspec.steps.failures import TAIL_LINES, StepFailed, of_disk
from mlspec.steps.unmet import unmet
from mlspec.steps.uv import LockFile, Means, Uv, interrupted, uv_in

_RECIPE = 1
_LISTEN_S = 0.2


def python_of(of: LockFile, means: Means) -> Path:
    """Return the Python of a lock's environment, made if the cache has none.

    It is of the version that mlspec runs on. One apply makes it, others that want it wait.

    Raises:
        StepFailed: it can't be made; `environment/…` where the lock is at fault, else `env/…`; with uv's last lines.
        MlspecError: there is no uv (`env/no-uv`), or the lock is for other versions of Python (`env/python`).
    """
    refuse_other_python(of)
    target = means.cache / _key(of)
    try:
        if not _is_whole(target):
            alone = _alone(target.with_suffix(".lock"), means.cancel)
            with alone, lend_folder(means.cache / "making") as folder:
                if not _is_whole(target):
                    made = _made(of, uv_in(folder, means))
                    shutil.rmtree(target, ignore_errors=True)  # one whose Python is gone
                    made.rename(target)
    except OSError as error:
        raise of_disk(error, f"the environment of `{of.name}`") from error
    return _python(target)


def refuse_other_python(of: LockFile) -> None:
    """Refuse a lock that is for other versions of Python.

    Raises:
        MlspecError: it is (`env/python`).
    """
    running = platform.python_version()
    if not SpecifierSet(of.lock.python).contains(running, prereleases=True):
        message = f"`{of.name}` is for Python {of.lock.python}, and mlspec runs on {running}"
        raise fail("env/python", message, help="run mlspec on such a Python, or lock for this one")


def _key(of: LockFile) -> str:
    """Return a name for what is installed where: equal locks share an environment, whatever they are called."""
    python = (sys.base_prefix, platform.python_implementation(), platform.python_version(), sysconfig.get_platform())
    key = {"recipe": _RECIPE, "form": of.lock.form, "lock": digest.of_bytes(of.content), "python": list(python)}
    return digest.of(key).removeprefix(digest.PREFIX)


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"


def _is_whole(environment: Path) -> bool:
    return _python(environment).exists()


def _made(of: LockFile, uv: Uv) -> Path:
    """Make the environment in uv's folder, and return where."""
    environment = uv.folder / "environment"
    uv.run(of, "venv", "--quiet", "--no-project", "--relocatable", "--python", sys.executable, str(environment))
    wanted = uv.folder / ("requirements.txt" if of.lock.form == "requirements" else "pylock.toml")
    wanted.write_bytes(uv.exported(of) if of.lock.form == "uv" else of.content)
    checked = ("--require-hashes",) if of.lock.hashed and of.lock.form == "requirements" else ()
    into = ("--python", str(_python(environment)))
    uv.run(of, "pip", "sync", "--quiet", "--no-build", *into, *checked, str(wanted))
    if of.lock.form == "requirements":  # the others were written by a resolver, which knew what it did
        _refuse_unsatisfied(of, environment)
    return environment


def _refuse_unsatisfied(of: LockFile, environment: Path) -> None:
    """Refuse requirements that do not bring what their own packages ask for."""
    major, minor = sys.version_info[:2]
    lines = list(unmet(environment / "lib" / f"python{major}.{minor}" / "site-packages"))
    if lines:
        more = f"; and {len(lines) - 1} more" if len(lines) > 1 else ""
        message = f"`{of.name}` does not fit together: {lines[0]}{more}"
        advice = "lock all that its packages need, as `uv pip compile` does"
        raise StepFailed(Problem("environment/unsatisfied", message, help=advice), tail="\n".join(lines[:TAIL_LINES]))


@contextmanager
def _alone(path: Path, cancel: Cancel) -> Iterator[None]:
    """Hold a file lock, which the kernel frees when this process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if cancel.wait(_LISTEN_S):
                    raise interrupted() from None
        yield
