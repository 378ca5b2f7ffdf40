"""`python -m mlspec`: the command line, for where its script is not on PATH."""

from __future__ import annotations

from mlspec.cli.main import run

run()
