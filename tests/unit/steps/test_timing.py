"""Timing in a real child process: models beside one another, each by itself; one that fails, and one that dies."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlspec.core.problem import MlspecError
from mlspec.executors.local import LocalExecutor
from mlspec.steps import bundle
from mlspec.steps.failures import StepFailed
from mlspec.steps.frames import Field
from mlspec.steps.predict import Limits
from mlspec.steps.timing import TimeRequest, clocked, timed_of
from mlspec.steps.wire import Kept

KEPT = Kept("files", home="", entry="predict.py:predict")
PREDICT = """\
import time

import helper


def predict(frame, folder):
    {before}
    time.sleep(helper.PAUSE)
    return frame["x"]
"""


def model(folder: Path, name: str, pause: float, before: str = "pass") -> tuple[Path, Kept]:
    """Keep a model that takes so many seconds, of modules of the same names as any other's."""
    code = {"predict.py": PREDICT.format(before=before).encode(), "helper.py": f"PAUSE = {pause}\n".encode()}
    archive = folder / f"{name}.zip"
    bundle.pack(archive, {}, code)
    return archive, KEPT


def request(folder: Path, *models: tuple[Path, Kept], repeats: int = 30, loads: int = 2) -> TimeRequest:
    run = folder / "run"
    run.mkdir()
    return TimeRequest(
        task="regression",
        fields=(Field("x", "number", "feature"),),
        features=pd.DataFrame({"x": np.arange(7.0)}),
        models=models,
        asks={"batch": 10, "repeats": repeats, "loads": loads},
        folder=run,
        environ={},
        limits=Limits(timeout="60s"),
    )


def test_two_models_with_modules_of_one_name_are_timed_in_turn(tmp_path: Path) -> None:
    quick, slow = model(tmp_path, "quick", 0.0005), model(tmp_path, "slow", 0.004)
    content, result = clocked(request(tmp_path, quick, slow), LocalExecutor(), threading.Event())
    timed = timed_of(content, 30)
    assert timed.rival is not None and not timed.words
    for timing, least in ((timed.ours, 0.5), (timed.rival, 4.0)):
        assert (timing.load_ms.shape, timing.call_ms.shape) == ((2,), (30,))
        assert timing.call_ms.min() >= least and timing.load_ms.min() > 0
        assert 20e6 < timing.peak_memory_bytes <= 2 * result.peak_memory_bytes
    assert np.median(timed.ours.call_ms) < np.median(timed.rival.call_ms)
    assert "core" in timed.machine and "Python 3." in timed.machine and timed.machine.endswith(", 1 thread")


def test_a_rival_that_raises_or_dies_is_told_and_the_version_is_timed(tmp_path: Path) -> None:
    ours = model(tmp_path, "ours", 0)
    raises = model(tmp_path, "raises", 0, 'raise KeyError(frame["x"].iloc[0])')
    crashes = model(tmp_path, "crashes", 0, "__import__('os').abort()")
    ends = model(tmp_path, "ends", 0, "__import__('os')._exit(3)")
    wanted = request(tmp_path, ours, raises, crashes, ends, loads=1)
    content, _ = clocked(wanted, LocalExecutor(), threading.Event())
    timed = timed_of(content, 30)
    assert (timed.rival, timed.words) == (None, "the model raised KeyError at predict.py:7")
    assert len(timed.ours.call_ms) == 30
    said = content.decode()
    assert "predicting crashed: SIGABRT" in said and "the model ended its process with exit code 3" in said


def test_a_version_that_fails_is_a_step_that_failed(tmp_path: Path) -> None:
    bad = model(tmp_path, "bad", 0, "raise KeyError(3)")
    with pytest.raises(StepFailed) as failed:
        clocked(request(tmp_path, bad), LocalExecutor(), threading.Event())
    problem = failed.value.problems[0]
    assert (problem.code, problem.message) == ("predict/raised", "the model raised KeyError: 3")


@pytest.mark.parametrize(
    "content",
    [
        b"nothing",
        b"{}",
        b'{"format": "mlspec.times/2", "machine": "m", "times": []}',
        b'{"format": "mlspec.times/1", "machine": "m", "times": []}',
        b'{"format": "mlspec.times/1", "machine": "m", "times": [{"load_ms": [-1], "call_ms": [1], "words": ""}]}',
        b'{"format": "mlspec.times/1", "machine": "m", "times": '
        b'[{"load_ms": [1], "call_ms": [], "peak_memory_bytes": 1, "words": ""}]}',
    ],
)
def test_what_are_no_times_is_told(content: bytes) -> None:
    with pytest.raises(MlspecError) as failed:
        timed_of(content, 30)
    assert failed.value.problems[0].code == "predict/damaged"
