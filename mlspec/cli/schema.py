"""`mlspec schema`: parses, calls, prints."""

from __future__ import annotations

import rich_click as click


@click.command("schema")
@click.argument("kind", required=False)
def command(kind: str | None) -> None:
    """Print the JSON Schema of KIND, for an editor; without KIND, list the kinds."""
    from mlspec.cli.console import write_text
    from mlspec.commands.schema import names, schema
    from mlspec.render.json_text import document

    write_text("\n".join(names()) if kind is None else document(schema(kind)))
