"""`mlspec init`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--template", default="classifier", show_default=True, metavar="NAME", help="Which example to start from."
)
@click.pass_obj
def command(start: Path, folder: Path | None, template: str) -> None:
    """Write a project that plans and applies as it is; nothing is ever overwritten."""
    from mlspec.cli.console import write
    from mlspec.commands.init import run
    from mlspec.render.text import line

    target = start / folder if folder else start
    names = run(target, template)
    write(line(("created  ", "add"), name) for name in names)
    there = f"cd {folder} && " if folder else ""
    write(
        [
            line(""),
            line("Next: ", (f"{there}git init -b main && git add -A && git commit -m 'Declare a model'", "bold")),
        ]
    )
    write([line("then: ", ("mlspec plan", "bold"), ", ", ("mlspec apply", "bold"), ", ", ("mlspec show", "bold"))])
