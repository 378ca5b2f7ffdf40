"""`mlspec schema`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("schema")
@click.argument("kind", required=False)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write what an editor needs into a folder: the schemas of mlspec.yaml and of specs.",
)
@click.pass_obj
def command(start: Path, kind: str | None, out: Path | None) -> int:
    """Print the JSON Schema of KIND, for an editor; without KIND, list the kinds."""
    from mlspec.cli.console import write, write_text
    from mlspec.commands.schema import for_editors, names, schema
    from mlspec.io.files import write_file
    from mlspec.render.json_text import document
    from mlspec.render.text import line

    if out is None:
        write_text("\n".join(names()) if kind is None else document(schema(kind)))
        return 0
    if kind is not None:
        raise click.UsageError("--out writes the schemas of all kinds: leave KIND out")
    for name, content in for_editors().items():
        write_file(start / out / name, content)
        write([line(("written  ", "add"), (out / name).as_posix())])
    return 0
