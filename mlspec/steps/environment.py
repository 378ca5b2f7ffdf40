"""The environment of a child process: a short allow-list, and the variables that the spec names."""

from __future__ import annotations

import site
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlspec.core.problem import MlspecError, Problem

_PASSED = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"),
)


def scrubbed(environ: Mapping[str, str], folder: Path, seed: int, threads: int) -> dict[str, str]:
    """Return what a child may see of an environment, with its own home and temporary folder below `folder`."""
    passed = {name: environ[name] for name in _PASSED if name in environ}
    if site.ENABLE_USER_SITE:
        passed["PYTHONUSERBASE"] = site.getuserbase()  # mlspec itself may be installed there, and HOME moves
    return {
        **passed,
        **dict.fromkeys(_THREADS, str(threads)),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "JOBLIB_TEMP_FOLDER": str(folder / "tmp"),
        "PYTHONHASHSEED": str(seed),
        "PYTHONUTF8": "1",
    }


def named(environ: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return the variables that `train.env` names.

    Raises:
        MlspecError: one is not set, empty, or one line with a line break after it (`env/not-set`, `env/empty`,
            `env/line-break`); with its name, never its value.
    """
    problems = [problem for name in names if (problem := _problem(name, environ.get(name))) is not None]
    if problems:
        raise MlspecError(*problems)
    return {name: environ[name] for name in names}


def _problem(name: str, value: str | None) -> Problem | None:
    said = f"the environment variable `{name}`, which `train.env` names,"
    if value is None:
        return Problem("env/not-set", f"{said} is not set", help=f"set {name}, or take it out of `train.env`")
    if not value.strip():
        return Problem("env/empty", f"{said} is empty", help=f"set {name}, or take it out of `train.env`")
    if "\n" not in value.strip() and value != value.strip("\r\n"):
        return Problem("env/line-break", f"{said} ends with a line break", help="set it again, without one")
    return None
