"""`mlspec completion`: prints click's own script for a shell."""

from __future__ import annotations

import rich_click as click


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands, options, addresses, models and stages in a shell."""
    from click.shell_completion import get_completion_class

    from mlspec.cli.console import write_text
    from mlspec.cli.main import COMPLETE, NAME, cli

    found = get_completion_class(shell)
    assert found is not None, "click knows these shells"
    write_text(found(cli, {}, NAME, COMPLETE).source())
