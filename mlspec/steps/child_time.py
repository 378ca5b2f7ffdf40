"""Timing as the child process does it: each model in a process of its own, called in turn with the others.

A process of its own, so that two models that bring modules of one name do not meet, and so that each memory is that of
one model. It is forked before anything of a model, or a table, is loaded: each load finds what a new process does that
has numpy, pandas and scikit-learn, and imports all else.
What is timed of a call is the asking alone (`predict`, and of a classifier its probabilities); the rows lie ready.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import cycle
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mlspec.core.problem import MlspecError
from mlspec.io.machine import described, die_with, peak_memory_bytes
from mlspec.steps import frames
from mlspec.steps.boundary import RETURNING, Boundary, ChildFailed, known
from mlspec.steps.child_predict import in_words
from mlspec.steps.failures import killed
from mlspec.steps.kept import Formats, opened
from mlspec.steps.wire import Contestant, Failure, TimeAnswer, TimeOrder, Times

_WARM_UP, _LONGEST_WARM_UP_S = 20, 10.0
_BLOCK = 10
"""So many calls are made before it is the next model's turn."""
_LONGEST_S = 60.0
_MOST_BATCHES = 50
_SEED = 0
_DIGITS, _SHORTEST_MS = 4, 1e-4
"""Of a millisecond: the clock tells no more."""


def run(order: TimeOrder, formats: Formats) -> TimeAnswer:
    """Carry out an order; the first contestant must answer, for the others words will do.

    Raises:
        ChildFailed: the first contestant raised something.
        MlspecError: it can't be loaded.
    """
    loads: list[list[float]] = [[] for _ in order.contestants]
    for _ in range(order.loads - 1):
        for n, contestant in enumerate(order.contestants):
            with _Worker(contestant, order, formats) as worker:
                loads[n] += worker.loaded()
    times = _played(order, formats)
    both = [replace(one, load_ms=(*more, *one.load_ms)) for one, more in zip(times, loads, strict=True)]
    return TimeAnswer(tuple(both), f"{described()}, {order.threads} thread{'s' if order.threads > 1 else ''}")


def _played(order: TimeOrder, formats: Formats) -> list[Times]:
    """Load each model and call them in turn, a block of calls each; who goes first changes every round."""
    workers = [_Worker(contestant, order, formats) for contestant in order.contestants]
    try:
        loads = [worker.loaded() for worker in workers]
        calls: list[list[float]] = [[] for _ in workers]
        playing = [n for n, worker in enumerate(workers) if not worker.words]
        _rounds(order, [(workers[n], calls[n]) for n in playing])
        return [
            Times(tuple(load), () if worker.words else tuple(call), worker.peak(), worker.words)
            for worker, load, call in zip(workers, loads, calls, strict=True)
        ]
    finally:
        for worker in workers:
            worker.close()


def _rounds(order: TimeOrder, playing: Sequence[tuple[_Worker, list[float]]]) -> None:
    warm = time.monotonic() + _LONGEST_WARM_UP_S
    for _ in range(min(_WARM_UP, order.repeats)):
        for worker, _calls in playing:
            worker.called(1)
        if time.monotonic() > warm:
            break
    ends = time.monotonic() + _LONGEST_S
    for turn, done in enumerate(range(0, order.repeats, _BLOCK)):
        if time.monotonic() > ends:
            return
        for worker, calls in playing if turn % 2 == 0 else reversed(playing):
            calls += worker.called(min(_BLOCK, order.repeats - done))


class _Failed(NamedTuple):
    """What went wrong with a model, and the same in words that quote no row."""

    failure: Failure
    words: str


class _Worker:
    """One model in a process of its own. The first that fails raises; another keeps its failure as `words`."""

    def __init__(self, contestant: Contestant, order: TimeOrder, formats: Formats) -> None:
        """Start the process; it loads the model at once."""
        self.words = ""
        self._is_first = contestant is order.contestants[0]
        context = get_context("fork")
        self._pipe, other = context.Pipe()
        args = (other, os.getpid(), contestant, order, formats)
        self._process = context.Process(target=_serve, args=args, daemon=True)
        self._process.start()
        other.close()

    def __enter__(self) -> _Worker:
        """Return the worker."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self.close()

    def loaded(self) -> list[float]:
        """Wait for the model; return how long loading took, in milliseconds, in a list; empty when it failed."""
        return self._heard()

    def called(self, times: int) -> list[float]:
        """Have the model predict so many times; return how long each took, in milliseconds."""
        return self._ask(times)

    def peak(self) -> int:
        """Return the peak memory so far, in bytes; 0 where it can't be told."""
        return int(next(iter(self._ask(0)), 0))

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def _ask(self, times: int) -> list[float]:
        if self.words:
            return []
        with suppress(BrokenPipeError):  # that it is gone is what `_heard` says
            self._pipe.send(times)
        return self._heard()

    def _heard(self) -> list[float]:
        try:
            answer: list[float] | _Failed = self._pipe.recv()
        except EOFError:
            self._process.join()
            answer = _ended(self._process.exitcode or 0)
        if isinstance(answer, list):
            return answer
        if self._is_first:
            raise ChildFailed(answer.failure)
        self.words = answer.words
        return []


def _serve(pipe: Connection, parent: int, contestant: Contestant, order: TimeOrder, formats: Formats) -> None:
    """Load the model, then answer each number of calls with their times, and 0 with the peak memory."""
    die_with(parent)
    try:
        for answer in _answers(pipe, contestant, order, formats):
            pipe.send(answer)
    except ChildFailed as failed:
        pipe.send(_Failed(failed.failure, in_words(failed)))
    except MlspecError as error:
        pipe.send(_Failed(known(error), error.problems[0].message))


def _ended(code: int) -> _Failed:
    """Say that a model ended its process, by itself or by a signal that it was sent."""
    if code < 0:
        problem, _ = killed("predicting", "predict", -code)
        return _Failed(Failure(problem.code, problem.message, help=problem.help), problem.message)
    message = f"the model ended its process with exit code {code}"
    return _Failed(Failure("predict/exited", message, help=RETURNING), message)


def _answers(pipe: Connection, contestant: Contestant, order: TimeOrder, formats: Formats) -> Iterator[list[float]]:
    code, model = Path(contestant.code), Path(contestant.model)
    loading = Boundary(code, "loading the model", "predict/raised")
    started = time.perf_counter_ns()
    ask = loading.call(lambda: opened(contestant.kept, model, code, order.task, formats))
    yield [_ms(started)]
    predicting = Boundary(code, "the model", "predict/raised", RETURNING)
    turns = cycle(_batches(frames.read(Path(order.table)), order.batch))

    def timed() -> float:
        rows = next(turns)
        started = time.perf_counter_ns()
        ask(rows)
        return _ms(started)

    while True:
        times: int = pipe.recv()
        yield [predicting.call(timed) for _ in range(times)] if times else [float(peak_memory_bytes())]


def _batches(table: pd.DataFrame, size: int) -> list[pd.DataFrame]:
    """Return batches of drawn rows; of a table that is too small its rows come again."""
    count = min(_MOST_BATCHES, max(1, len(table) // size))
    drawn = np.resize(np.random.RandomState(_SEED).permutation(len(table)), count * size)
    return [table.iloc[part].reset_index(drop=True) for part in np.split(drawn, count)]


def _ms(started: int) -> float:
    return max(round((time.perf_counter_ns() - started) / 1e6, _DIGITS), _SHORTEST_MS)
