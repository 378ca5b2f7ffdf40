"""The progress of an apply where there is no terminal: a line on stderr now and then, results on stdout."""

from __future__ import annotations

import threading

import pytest

from mlspec.cli import progress
from mlspec.core.digest import of
from mlspec.core.events import Closed, Ended, Moved, Remarked, Started
from mlspec.core.plan import Action

TRAIN = Action(
    verb="train", address="model/income", version=2, effect=of("train"), estimate_s=41.0, needs=("check dataset/adult",)
)
PROMOTE = Action(verb="promote", address="model/income", stage="staging", version=2, effect=of("promote"))


class Heard:
    """A stream that says when something was written to it."""

    def __init__(self) -> None:
        self.text, self.wrote = "", threading.Event()

    def write(self, text: str) -> None:
        self.text += text
        self.wrote.set()

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


def test_a_long_step_is_heard_of_until_it_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heard = Heard()
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr("sys.stderr", heard)
    with progress.Progress() as shown:
        shown.show(Started(TRAIN))
        assert heard.wrote.wait(10)
        shown.show(Ended(TRAIN, "done", "11,945 rows, 12 features", 3.2))
        shown.show(Started(PROMOTE))
        shown.show(Ended(PROMOTE, "done", "v2 is in staging (was v1)", 0.2))
        shown.show(Closed({"done": 2}, 0, "f" * 40))
    assert heard.text.splitlines()[0] == "running   model/income: train v2 (expected)  0.0 s of about 41 s"
    assert "promote" not in heard.text, "what takes no time is not announced"
    assert capsys.readouterr().out.splitlines() == [
        "done      model/income: train v2  11,945 rows, 12 features  3.2 s",
        "done      model/income: promote v2 to staging  v2 is in staging (was v1)",
        "Apply: 2 done. Recorded at lineage ffffffff.",
    ]


def test_what_moves_is_heard_of_and_remarks_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.01)
    monkeypatch.setattr("sys.stderr", heard)
    with progress.Progress() as shown:
        shown.show(Moved(of("model"), 12_340_000, 41_000_000, sent=True))
        assert heard.wrote.wait(10)
        shown.show(Moved(of("model"), 41_000_000, 41_000_000, sent=True))
        shown.show(Moved(of("data"), 1, 2_000_000, sent=False))
        shown.show(Ended(TRAIN, "failed", "the store cannot be reached", 3.2))
        shown.show(Remarked("s3://models ignores conditions"))
        heard.text, told = "", heard.text
        heard.wrote.clear()
        assert not heard.wrote.wait(0.1), "nothing moves any more"
    assert told.splitlines()[0] == f"sending   12.3 MB of 41.0 MB  object {of('model')[7:19]}"
    assert told.splitlines()[-1] == "note      s3://models ignores conditions"
