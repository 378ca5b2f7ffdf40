"""A promotion asked for in a spec: what was edited, what is known of the version, and what comes next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from mlspec.core import digest
from mlspec.core.moment import moment
from mlspec.core.promotion import Promotion
from mlspec.core.verdict import Outcome
from mlspec.render.rollback_text import held, waived_text
from mlspec.render.text import Line, line, neutralise, value

_WIDTH = 10


def promotion_lines(found: Promotion) -> Iterator[Line]:
    """Yield the edit with its place, the version's gates, and the next steps."""
    place = f"{neutralise(found.file)}:{found.line}"
    if found.changed:
        before = value(found.before) if found.before is not None else "latest (not written)"
        yield line(
            (f"{'edited':<{_WIDTH}}", "change"), f"{place}  stages.{found.stage}.version: {before} -> {found.version}"
        )
    else:
        yield line((f"{'already':<{_WIDTH}}", "dim"), f"{place}  stages.{found.stage}.version: {found.version}")
    now = f"v{found.held} is in {found.stage} now" if found.held else f"{found.stage} is empty now"
    if found.held == found.version:
        now = "it is there already"
    trained = f"v{found.version}, run {digest.short(found.run, 8)}, trained {moment(found.at)}"
    yield line(" " * _WIDTH, (found.address, "bold"), f" {trained}; {now}")
    for name, seen in found.gates.items():
        outcome = seen.outcome.value if seen.outcome else "not judged yet"
        why = f": {neutralise(seen.reason)}" if seen.outcome not in (None, Outcome.PASS) else ""
        why += waived_text(seen.waived)
        yield line(" " * _WIDTH, f"gate/{name} ", (f"{outcome}{why}", "ok" if seen.passes else "warn"))
    yield from _known(found)
    yield from _next(found)


def _known(found: Promotion) -> Iterator[Line]:
    """Say what is known already of what a plan will say."""
    if found.stopped_by:
        gates = ", ".join(f"gate/{name}" for name in found.stopped_by)
        yield line(
            ("Blocked: ", "blocked"), f"v{found.version} does not pass {gates}, so an apply will not promote it."
        )
    if found.goes_back and found.held != found.version:
        yield line(("Rollback: ", "bold"), f"v{found.version} held {found.stage} before; no gate stops that.")
    if found.override is not None and found.changed:
        yield line(("Override: ", "bold"), f"{found.stage} is {held(found.override)}; this edit ends it.")


def _next(found: Promotion) -> Iterator[Line]:
    if not found.changed and found.held == found.version:
        return
    message = shlex.quote(f"Promote {found.address} v{found.version} to {found.stage}")
    commit = f"git commit -m {message} -- {shlex.quote(neutralise(found.file))}"
    yield line(("Next: ", "bold"), (commit, "command") if found.changed else "commit it, if it is not")
    yield line(f"then: merge it into {neutralise(found.deploy)}, and run: ", ("mlspec apply", "command"))
