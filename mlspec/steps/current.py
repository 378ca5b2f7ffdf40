"""The environment that mlspec itself runs in, held against a lock file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.markers import Marker
from packaging.specifiers import SpecifierSet

from mlspec.core.problem import fail
from mlspec.planner.lock import read
from mlspec.planner.requirements import Pin
from mlspec.steps.locked import refuse_other_python
from mlspec.steps.packages import installed
from mlspec.steps.uv import LockFile, Means, uv_in

_SHOWN = 10


def refuse_other(of: LockFile, means: Means) -> None:
    """Refuse to go on in an environment whose packages are not those of a lock.

    Packages that are installed and not locked are no matter. A uv.lock is read by uv.

    Raises:
        MlspecError: one is missing, or of another version (`env/not-as-locked`); the Python is not one that the lock
            is for; it takes uv to read the lock, and there is none.
    """
    refuse_other_python(of)
    differ = list(differences(_pins(of, means), installed()))
    if not differ:
        return
    shown = "; ".join(differ[:_SHOWN]) + (f"; and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else "")
    message = f"the current environment is not that of `{of.name}`: {shown}"
    advice = "install what is locked, or leave out `use: current`, so that uv makes an environment"
    raise fail("env/not-as-locked", message, help=advice)


def differences(pins: tuple[Pin, ...], present: Mapping[str, str]) -> Iterator[str]:
    """Yield how installed packages, by name, differ from those of a lock that are meant for this machine."""
    for pin in sorted(pins, key=lambda one: one.name):
        if pin.version is None or not _is_meant(pin):
            continue
        found = present.get(pin.name)
        if found is None:
            yield f"{pin.name} {pin.version} is locked, none installed"
        elif not SpecifierSet(f"=={pin.version}").contains(found, prereleases=True):
            yield f"{pin.name} {pin.version} is locked, {found} installed"


def _pins(of: LockFile, means: Means) -> tuple[Pin, ...]:
    if of.lock.form != "uv":
        return of.lock.pins
    with tempfile.TemporaryDirectory(prefix="mlspec-lock-") as folder:
        exported = uv_in(Path(folder), means).exported(of)
    lock, _ = read("pylock.toml", exported)
    return lock.pins if lock else ()


def _is_meant(pin: Pin) -> bool:
    """Say whether a package is meant for this machine, by an install that asks for no extra and no group."""
    return pin.marker is None or Marker(pin.marker).evaluate({"extra": ""}, context="lock_file")
