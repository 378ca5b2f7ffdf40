"""Formats by their names; what one needs is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Any

from mlspec.core.problem import fail

_FORMATS = {
    "skops": "mlspec.formats.skops_format",
    "onnx": "mlspec.formats.onnx_format",
    "pickle": "mlspec.formats.pickle_format",
}


def format_named(name: str) -> Any:
    """Return the module of a format, with its `check`, `save`, `load` and `untrusted`.

    Raises:
        MlspecError: what it needs is not installed (`env/no-extra`).
    """
    try:
        return importlib.import_module(_FORMATS[name])
    except ModuleNotFoundError as error:
        extra = "onnx" if name == "onnx" else "run"
        message = f"a model in the format {name} needs `{error.name}`"
        raise fail("env/no-extra", message, help=f"run: pip install 'mlspec[{extra}]'") from error
