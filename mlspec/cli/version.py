"""`mlspec version`."""

from __future__ import annotations

import sys

import rich_click as click

from mlspec.version import __version__


@click.command("version")
def command() -> None:
    """Print the version."""
    sys.stdout.write(f"mlspec {__version__}\n")
