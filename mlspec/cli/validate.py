"""`mlspec validate`: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from mlspec.cli import complete


@click.command("validate")
@click.argument("paths", nargs=-1, shell_complete=complete.files)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to print problems.",
)
@click.pass_obj
def command(start: Path, paths: tuple[str, ...], form: str) -> int:
    """Check every spec, or those below PATHS; print every problem."""
    from mlspec.cli.console import write, write_problems, write_text
    from mlspec.commands.validate import run
    from mlspec.render.json_text import document
    from mlspec.render.problems import github_annotations, problem_json
    from mlspec.render.text import line

    problems = run(start, paths)
    errors = sum(problem.severity == "error" for problem in problems)
    if form == "json":
        listed = [problem_json(problem) for problem in problems]
        write_text(document({"format": "mlspec.problems/1", "valid": not errors, "problems": listed}))
    elif form == "github":
        for text in github_annotations(problems):
            write_text(text)
    else:
        write_problems(problems)
        write(
            [line(("Valid.", "ok")) if not errors else line((f"{errors} problem{'s' if errors > 1 else ''}.", "error"))]
        )
    return 1 if errors else 0
