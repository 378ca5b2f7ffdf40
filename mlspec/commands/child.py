"""The program that a step starts as a child process: `python -P -m mlspec.commands.child ORDER.json ANSWER.json`.

It carries out one order (`steps.wire`) and leaves one answer. It is killed by the kernel when the process that
ordered it dies, so nothing is left running when an apply is killed.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from io import TextIOWrapper
from pathlib import Path

from mlspec.core.problem import MlspecError
from mlspec.formats.named import format_named
from mlspec.io.machine import die_with, peak_memory_bytes
from mlspec.steps import child_judge, child_predict, child_time, child_train, wire
from mlspec.steps.boundary import Boundary, ChildFailed, known


def main(order_path: Path, answer_path: Path) -> int:
    """Carry out the order in a file; return the exit code: 0 done, 1 the answer is a failure, 74 there is none."""
    order = wire.read_order(order_path)
    die_with(order.parent)
    try:
        answer = Boundary(order_path.parent, "mlspec's own child", "step/defect").call(lambda: _carry_out(order))
    except ChildFailed as failed:
        answer = failed.failure
    try:
        wire.write_answer(answer_path, answer, peak_memory_bytes())
    except OSError as error:
        sys.stderr.write(f"the answer can't be written: {error}\n")
        return wire.NO_ANSWER
    return int(isinstance(answer, wire.Failure))


def _carry_out(order: wire.Order) -> wire.Answer:
    try:
        if isinstance(order, wire.TrainOrder):
            return child_train.run(order, format_named)
        if isinstance(order, wire.JudgeOrder):
            return child_judge.run(order)
        if isinstance(order, wire.TimeOrder):
            return child_time.run(order, format_named)
        return child_predict.run(order, format_named)
    except ChildFailed as failed:
        return failed.failure
    except MlspecError as error:
        return known(error)


def _leave(code: int) -> None:
    """End at once: threads and exit handlers that the user's code left behind must not hold the step up."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue  # the user's code closed or replaced it
    os._exit(code)


if __name__ == "__main__":
    faulthandler.enable()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    _leave(main(Path(sys.argv[1]), Path(sys.argv[2])))
