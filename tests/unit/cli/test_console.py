"""What is written to a terminal fits it, at any width; what moves on it leaves nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mlspec.cli import console, progress
from mlspec.core.digest import of
from mlspec.core.events import Closed, Ended, Event, Moved, Started
from mlspec.core.plan import Action
from mlspec.core.problem import Place, Problem
from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome
from mlspec.render.text import cells
from tests.terminals import Terminal, overflowing

WIDTHS = (20, 80, 200)
NAMES = ("a-name-of-" + "sixty-three-characters-" * 2 + "or-so", "\u6570\u636e" * 20, "\U0001f3b2-dice", "short")
PROBLEM = Problem(
    "spec/value",
    "`checks[3].where` must be a mapping, not a text of many words which say what would be wanted of the rows",
    place=Place("specs/deep/\u6570\u636e/quality.yaml", 8, 100),
    excerpt="  - {check: metric, " + "\u6570\u636e: 1, " * 12 + "min: 0.5, where: here, " + "and: more, " * 20 + "}",
    help="write what the columns must be",
)


@contextmanager
def on_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Let stdout and stderr be a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    with (
        Terminal(columns) as terminal,
        open(terminal.fd, "w", encoding="utf-8", closefd=False) as stream,
        monkeypatch.context() as patch,
    ):
        patch.setattr("sys.stdout", stream)
        patch.setattr("sys.stderr", stream)
        yield terminal


def steps() -> list[tuple[Started, Ended]]:
    """Return the steps of an apply, with all that may be said of them."""
    estimate = Estimate(value=0.93, low=0.91, high=0.95, n=8140, method="bootstrap")
    checks = (
        CheckVerdict(
            check="metric", outcome=Outcome.INCONCLUSIVE, reason="recall 0.83 [0.69, 0.91] straddles 0.84 " * 3
        ),
        CheckVerdict(check="metric", outcome=Outcome.FAIL, reason="too low"),
    )
    verdict = GateVerdict(gate="gate/quality", digest=of("gate"), outcome=Outcome.FAIL, checks=checks)
    found = []
    for name in NAMES:
        action = Action(verb="evaluate", address=f"model/{name}", version=2, effect=of(name), estimate_s=41.0)
        ended = Ended(action, "done", "", 3.2, metrics=(("accuracy", estimate),), verdicts=(verdict,))
        found.append((Started(action), ended))
    return found


@pytest.mark.parametrize("columns", WIDTHS)
def test_a_problem_fits_and_its_caret_is_below_what_is_wrong(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_terminal(columns, monkeypatch) as terminal:
        console.write_problems([PROBLEM])
    rows = terminal.rows()
    assert not overflowing(rows, columns)
    caret = next(row for row in rows if row.strip().endswith("^"))
    above = rows[rows.index(caret) - 1]
    assert cells(above) <= columns
    assert PROBLEM.excerpt is not None and PROBLEM.place is not None
    at = cells(caret) - 1
    (sign,) = (sign for number, sign in enumerate(above) if cells(above[:number]) == at)
    assert sign == PROBLEM.excerpt[PROBLEM.place.column - 1]


@pytest.mark.parametrize("columns", WIDTHS)
def test_an_apply_side_by_side_leaves_its_results_alone(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_terminal(columns, monkeypatch) as terminal, progress.Progress() as shown:
        for started, _ in steps():
            shown.show(started)
        shown.show(Moved(of("model"), 12_340_000, 41_000_000, sent=True))
        for _, ended in steps():
            shown.show(ended)
        shown.show(Closed({"done": len(NAMES)}, 0, "f" * 40))
    assert "running" in terminal.text
    rows = terminal.rows()
    assert not overflowing(rows, columns)
    assert not any(row.startswith(("running", "sending")) for row in rows)
    assert sum(row.startswith("done") for row in rows) == len(NAMES)
    assert rows[-1] == "", "the prompt of the shell begins a row"


def test_an_interrupted_apply_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cancel = threading.Event()
    with on_terminal(80, monkeypatch) as terminal, progress.Progress(cancel) as shown:
        (started, ended), *_ = steps()
        shown.show(started)
        cancel.set()
        shown.show(ended)
    rows = terminal.rows()
    assert not any(row.startswith("running") for row in rows)
    assert sum(row.startswith("stopping:") for row in rows) == 1


def test_results_go_to_a_file_while_a_terminal_shows_what_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    events: list[Event] = list(steps()[3])
    with Terminal(80) as terminal, open(terminal.fd, "w", encoding="utf-8", closefd=False) as stream:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("CI", raising=False)
        monkeypatch.setattr("sys.stderr", stream)
        with progress.Progress() as shown:
            for event in events:
                shown.show(event)
    assert capsys.readouterr().out.startswith("done      model/short: evaluate v2  3.2 s\n")
    assert "done" not in terminal.text
