"""Whether there is somebody to ask."""

from __future__ import annotations

import os
import sys

from mlspec.io.ci import in_ci


def can_ask() -> bool:
    """Say whether a question would be read and answered: on a terminal, and not in continuous integration."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not in_ci(os.environ)
