"""The packages that the running Python finds."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def installed() -> dict[str, str]:
    """Return the installed distributions and their versions, read from the names of their folders alone."""
    found: dict[str, str] = {}
    for folder in filter(Path.is_dir, map(Path, filter(None, sys.path))):
        for entry in sorted(folder.iterdir()):
            if entry.suffix == ".dist-info":
                name, _, version = entry.stem.rpartition("-")
                found.setdefault(re.sub(r"[-_.]+", "-", name).lower(), version)
    return dict(sorted(found.items()))
