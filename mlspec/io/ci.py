"""Whether this machine is a runner of continuous integration: nobody watches it, and its disk is thrown away."""

from __future__ import annotations

from collections.abc import Mapping


def in_ci(environ: Mapping[str, str]) -> bool:
    """Say whether `CI` is set, as forges do; empty, `0` and `false` mean that it is not."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false", "no")
