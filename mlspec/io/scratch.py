"""Folders for work in progress: lent for the time of a step, and removed even when its process was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def lend_folder(base: Path) -> Iterator[Path]:
    """Lend an empty folder below `base`, removed at the end; what the dead were lent is removed now.

    Who holds a folder has locked it, and the kernel frees the locks of the dead.
    """
    base.mkdir(parents=True, exist_ok=True)
    with _locked(base):  # so that no folder is seen between being made and being locked
        for left in base.iterdir():
            _remove_unheld(left)
        path = Path(tempfile.mkdtemp(dir=base, prefix="step-"))
        held = _open(path)
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(held)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = _open(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_unheld(folder: Path) -> None:
    try:
        descriptor = _open(folder)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
