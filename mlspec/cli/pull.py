"""`mlspec pull`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("pull")
@click.pass_obj
def command(start: Path) -> int:
    """Fetch the newest lineage from the remote; plan and apply do so by themselves."""
    from mlspec.cli.report import told
    from mlspec.commands.push import pull
    from mlspec.render.exchange_text import pull_line

    done = pull(start)
    return told(pull_line(done), done.refused)
