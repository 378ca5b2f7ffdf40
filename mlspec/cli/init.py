"""`mlspec init`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("init")
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.argument("file", metavar="[FILE]", required=False)
@click.option(
    "--template",
    default="classifier",
    show_default=True,
    metavar="NAME",
    help="Which example to start from: classifier, regression or command.",
)
@click.option("--yes", is_flag=True, help="Do not ask before writing beside files that are there.")
@click.pass_obj
def command(start: Path, folder: Path | None, file: str | None, template: str, yes: bool) -> int:
    """Write a project that plans and applies as it is; nothing is ever overwritten.

    `mlspec init dataset FILE` guesses a Dataset spec from a file, or from a glob in quotes, for you to review.
    """
    if file is not None:
        if folder is None or str(folder) != "dataset":
            raise click.UsageError(f"`init {folder} {file}`: a file is named after the kind: init dataset FILE")
        return _dataset(start, file)
    if str(folder) == "dataset":
        raise click.UsageError("`init dataset` needs a FILE; for a project in a folder of that name: init ./dataset")
    from mlspec.cli.ask import can_ask
    from mlspec.cli.console import write
    from mlspec.commands.init import propose
    from mlspec.commands.init import write as write_files
    from mlspec.core.problem import fail
    from mlspec.render.text import line

    target = start / folder if folder else start
    scaffold = propose(target, template)
    if scaffold.beside and not yes:
        there = f"{target} holds {scaffold.beside} file{'s' if scaffold.beside > 1 else ''} already"
        if not can_ask():
            raise fail("init/not-empty", there, help="write the project beside them: --yes; or name a new folder")
        if not click.confirm(f"{there}, which stay as they are. Write the project beside them?"):
            write([line("Nothing was written.")])
            return 1
    write_files(scaffold)
    write(line(("created  ", "add"), path.relative_to(target).as_posix()) for path in scaffold.files)
    steps = [f"cd {folder}"] * (folder is not None) + ["git init -b main"] * (not scaffold.in_git)
    steps += ["git add -A", "git commit -m 'Declare a model'"]
    first = [piece for step in steps[:-1] for piece in ((f"{step} &&", "command"), " ")]
    write([line(""), line("Next: ", *first, (steps[-1], "command"))])
    then = (("mlspec plan", "command"), ", ", ("mlspec apply", "command"), ", ", ("mlspec show", "command"))
    write([line("then: ", *then)])
    return 0


def _dataset(start: Path, file: str) -> int:
    from mlspec.cli.console import write
    from mlspec.commands.infer import infer
    from mlspec.render.infer_text import infer_lines

    write(infer_lines(infer(start, file), start))
    return 0
