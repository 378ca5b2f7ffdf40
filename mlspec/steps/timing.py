"""Timing models, from the side of apply: has a child load and call them, and keeps what its clock said as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlspec.core.ports import Cancel, Executor, JobResult
from mlspec.core.problem import fail
from mlspec.specs.model import seconds
from mlspec.stats.asked import Timed, Timing
from mlspec.steps import environment, frames, launch, wire
from mlspec.steps.failures import of_disk
from mlspec.steps.predict import Limits, lay_out

_FORMAT = "mlspec.times/1"


@dataclass(frozen=True, slots=True)
class TimeRequest:
    """Which models to time, on which rows, where; `asks` is of a probe `time`: `batch`, `repeats`, `loads`."""

    task: str
    fields: tuple[frames.Field, ...]
    features: pd.DataFrame
    models: tuple[tuple[Path, wire.Kept], ...]
    """The artifact of the version and how it is kept; then those of what it is held against."""
    asks: Mapping[str, Any]
    folder: Path
    """An empty folder, all of the step's."""
    environ: Mapping[str, str]
    limits: Limits = Limits()
    python: Path | None = None
    """The Python to run the models with, where it is another one than mlspec's."""


def clocked(request: TimeRequest, executor: Executor, cancel: Cancel) -> tuple[bytes, JobResult]:
    """Time models in a child process; return what `timed_of` reads.

    Raises:
        StepFailed: the first model failed, or the child did; of another it is kept in words.
        MlspecError: the table is not what the dataset declares.
    """
    folder, limits = request.folder.resolve(), request.limits
    table = frames.table_of(request.features, request.fields)
    try:
        frames.write(table, folder / "table.arrow")
        for n, (artifact, kept) in enumerate(request.models):
            (folder / str(n)).mkdir()
            lay_out(artifact, kept, folder / str(n))
    except OSError as error:
        raise of_disk(error, "the run folder of `time`") from error
    homes = [folder / str(n) for n in range(len(request.models))]
    order = wire.TimeOrder(
        parent=os.getpid(),
        table=str(folder / "table.arrow"),
        task=request.task,
        contestants=tuple(
            wire.Contestant(str(home / "model"), str(home / "code"), kept)
            for home, (_, kept) in zip(homes, request.models, strict=True)
        ),
        threads=limits.threads,
        **request.asks,
    )
    child = launch.Launch(
        folder=folder,
        cwd=homes[0] / "code",
        env=environment.scrubbed(request.environ, folder, limits.seed, limits.threads),
        timeout=limits.timeout,
        timeout_s=seconds(limits.timeout),
        python=request.python,
    )
    answer, result = launch.run(order, wire.TimeAnswer, child, executor, cancel)
    told = {"format": _FORMAT, "machine": answer.machine, "times": [asdict(one) for one in answer.times]}
    return json.dumps(told, sort_keys=True, allow_nan=False).encode() + b"\n", result


def timed_of(content: bytes, calls: int) -> Timed:
    """Read what `clocked` returned, of so many calls asked for.

    Raises:
        MlspecError: it is something else (`predict/damaged`), or not one call was timed.
    """
    try:
        told = json.loads(content)
        if told["format"] != _FORMAT or not isinstance(told["machine"], str):
            raise ValueError("another format")
        ours, *others = [wire.times_of(one) for one in told["times"]]
    except (ValueError, KeyError, TypeError) as error:
        raise fail("predict/damaged", "what the store holds are no times of a model") from error
    rival = others[0] if others else wire.Times()
    if ours.words or not ours.load_ms or (calls and not ours.call_ms):
        raise fail("predict/damaged", "the times of the model are not there")
    there = others and not rival.words and (rival.call_ms or not calls)
    return Timed(_timing(ours), told["machine"], _timing(rival) if there else None, rival.words)


def _timing(times: wire.Times) -> Timing:
    load, call = (np.array(values, dtype=np.float64) for values in (times.load_ms, times.call_ms))
    return Timing(load, call, times.peak_memory_bytes)
