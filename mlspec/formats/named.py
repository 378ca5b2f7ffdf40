"""Formats by their names; what one needs is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

_FORMATS = {"skops": "mlspec.formats.skops_format"}


def format_named(name: str) -> Any:
    """Return the module of a format, with its `save`, `load` and `untrusted`."""
    return importlib.import_module(_FORMATS[name])
