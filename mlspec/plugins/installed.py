"""Where packages are installed: what a plug-in is, and what it does, may change with them."""

from __future__ import annotations

import sys
from pathlib import Path

from mlspec.core.digest import of


def installed() -> list[Path]:
    """Return the folders that packages are installed in."""
    folders = [Path(name) for name in sys.path if name.endswith(("site-packages", "dist-packages"))]
    return [folder for folder in folders if folder.is_dir()]


def installation() -> str:
    """Return what changes when a package is installed or removed, and with it perhaps the catalog."""
    return of([[str(folder), folder.stat().st_mtime_ns] for folder in installed()])
