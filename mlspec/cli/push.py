"""`mlspec push`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("push")
@click.pass_obj
def command(start: Path) -> int:
    """Share what is recorded here only: push it to the remote, made again where others were faster."""
    from mlspec.cli.report import told
    from mlspec.commands.push import push
    from mlspec.render.exchange_text import push_line

    done = push(start)
    return told(push_line(done), done.refused)
