"""`mlspec reproduce`: parses, calls, prints, and handles interruption."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import rich_click as click

from mlspec.cli import complete
from mlspec.cli.stop import stoppable

HEARTBEAT_S = 10.0


@click.command("reproduce")
@click.argument("model", metavar="MODEL[@vN|@STAGE]", required=False, shell_complete=complete.models)
@click.option(
    "--stage",
    metavar="STAGE",
    help="What is in this stage; without MODEL, of all models.",
    shell_complete=complete.stages,
)
@click.option("--restore", is_flag=True, help="Put what the store lost back, where its digest comes out again.")
@click.option(
    "--tolerance",
    metavar="X",
    type=click.FloatRange(0, 1),
    default=1e-9,
    show_default="1e-9",
    help="Numbers that differ by no more are equal.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print it."
)
@click.option("--no-push", is_flag=True, help="Record here only; `mlspec push` shares it later.")
@click.pass_obj
def command(
    start: Path, model: str | None, stage: str | None, restore: bool, tolerance: float, form: str, no_push: bool
) -> int:
    """Train recorded versions again from their commit and data, compare what comes out, and record the verdict."""
    if model is None and stage is None:
        raise click.UsageError("name a MODEL, or give --stage")
    from mlspec.cli.console import write, write_problems, write_text
    from mlspec.commands.reproduce import ReproduceRequest, run
    from mlspec.render.json_text import document
    from mlspec.render.reproduce_text import reproduction_lines
    from mlspec.render.text import line

    request = ReproduceRequest(model, stage, restore, tolerance, push=not no_push)
    cancel = threading.Event()
    with stoppable(cancel), _Running() as running:
        done = run(start, request, cancel, running.begin)
    write_text(document(done.report)) if form == "json" else write(reproduction_lines(done.report))
    write((line(("  " + text, "dim")) for text in done.log_tail), sys.stderr)
    write_problems([*done.failed, *done.unshared], sys.stderr)
    return done.exit_code


class _Running:
    """Tells on stderr what is trained, and every ten seconds that it still is."""

    def __init__(self) -> None:
        self._what, self._since = "", time.monotonic()
        self._over = threading.Event()

    def __enter__(self) -> _Running:
        threading.Thread(target=self._beat, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def begin(self, what: str) -> None:
        """Say what begins."""
        self._what, self._since = what, time.monotonic()
        self._say("")

    def _beat(self) -> None:
        from mlspec.render.text import duration

        while not self._over.wait(HEARTBEAT_S):
            if self._what:
                self._say(f"  {duration(time.monotonic() - self._since)}")

    def _say(self, how_long: str) -> None:
        from mlspec.cli.console import write
        from mlspec.render.text import line

        write([line(("running   ", "train"), (self._what, "bold"), (how_long, "dim"))], sys.stderr)
