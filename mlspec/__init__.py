"""mlspec: config-as-code for the machine-learning lifecycle. `mlspec.load` gives a recorded model back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlspec.version import __version__

if TYPE_CHECKING:
    from mlspec.commands.loaded import load

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Load `load` on first use, so that importing the package stays free of pandas and git."""
    if name == "load":
        from mlspec.commands.loaded import load

        return load
    raise AttributeError(f"module 'mlspec' has no attribute {name!r}")
