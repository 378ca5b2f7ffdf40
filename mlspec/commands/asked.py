"""Asking a user's function to judge: with the very code that was planned, in a child, whatever the function does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mlspec.commands.session import Session
from mlspec.commands.tables import Table
from mlspec.core.problem import MlspecError, Problem, fail
from mlspec.planner.closure import Closure, closure
from mlspec.specs.gate import Program
from mlspec.stats.case import Question, Said
from mlspec.steps.failures import StepFailed
from mlspec.steps.frames import fields_of
from mlspec.steps.judge import JudgeRequest, judge
from mlspec.steps.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Asker:
    """Calls the functions that the checks of a gate name, on a version's test rows and predictions."""

    session: Session
    gate: str
    table: Table
    predictions: Predictions
    seed: int

    def call(self, question: Question) -> Said:
        """Return what a function says; one that gave no answer has a problem in words.

        Raises:
            MlspecError: its code changed after it was planned (`code/changed`).
            StepFailed: it was interrupted, or the disk is full: trying again may help.
        """
        code = self._code(question.program)
        with self.session.folder() as folder:
            request = JudgeRequest(
                function=question.program.function,
                params=question.params,
                timeout=question.timeout,
                timeout_s=question.timeout_s,
                code=code,
                rows=self.table.tested,
                fields=fields_of([column for column in self.table.dataset.columns if column.role != "ignore"]),
                predictions=self.predictions,
                seed=self.seed,
                folder=folder,
                environ=self.session.environ,
            )
            try:
                found = judge(request, self.session.executor, self.session.cancel)
            except StepFailed as failed:
                if failed.retryable:
                    raise
                return Said(problem=_told(failed.problems[0]))
            except MlspecError as error:
                return Said(problem=_told(error.problems[0]))
        return Said(found.value, found.low, found.high, found.confidence, found.passes, found.reason)

    def _code(self, program: Program) -> dict[str, bytes]:
        """Read the files of a function again, and refuse them if they are not what was planned.

        What is compared is what was read: the digest is of these bytes alone.
        """
        workspace = self.session.workspace
        programs = workspace.specs.gates[self.gate].programs
        planned = dict(zip(programs, workspace.loaded.judges[self.gate], strict=True))[program]
        read = {path: workspace.tree.read(path) for path in planned.files}
        held = {path: content for path, content in read.items() if content is not None}
        if _followed(program, held) != planned:
            message = f"the code of `{program.function}` in gate/{self.gate} changed after it was planned"
            raise fail("code/changed", message, help="plan again")
        return held


@dataclass(frozen=True, slots=True)
class _Held:
    """Files that were read, as a tree."""

    contents: dict[str, bytes]

    def read(self, path: str) -> bytes | None:
        """Return the content of a file."""
        return self.contents.get(path)

    def paths(self) -> Collection[str]:
        """Return all files."""
        return self.contents.keys()


def _followed(program: Program, held: dict[str, bytes]) -> Closure | None:
    found, _ = closure(program.function, program.code, _Held(held))
    return found


def _told(problem: Problem) -> str:
    """Write a problem on one line, with its place in the user's code."""
    place = f" ({problem.place.file}:{problem.place.line})" if problem.place and problem.place.line else ""
    return f"{problem.message}{place}" + (f"; {problem.help}" if problem.help else "")
