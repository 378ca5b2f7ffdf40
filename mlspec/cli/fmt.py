"""`mlspec fmt`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("fmt")
@click.argument("paths", nargs=-1, shell_complete=complete.files)
@click.option(
    "--check", is_flag=True, help="Change nothing: print what would change, and exit with 1 if anything would."
)
@click.pass_obj
def command(start: Path, paths: tuple[str, ...], check: bool) -> int:
    """Write specs and mlspec.yaml, or those below PATHS, in canonical order and layout; comments are kept."""
    import sys

    from mlspec.cli.console import wants_colour, write, write_problems, write_text
    from mlspec.commands.fmt import run
    from mlspec.render.fmt_text import diff_lines, outcome_lines

    done = run(start, paths, check=check)
    changed = [(one.file, one.before, one.after) for one in done.files if one.changed]
    diff = [one for file, before, after in changed for one in diff_lines(file, before, after)] if check else []
    if diff and wants_colour(sys.stdout):
        write(diff)
    elif diff:
        write_text("\n".join(map(str, diff)))  # spaces at ends of lines are part of it
    write_problems(done.problems, sys.stderr)
    errors = {str(problem.place and problem.place.file) for problem in done.problems if problem.severity == "error"}
    write(outcome_lines([file for file, _, _ in changed], len(done.files), len(errors), check=check))
    return 1 if errors or (check and changed) else 0
