"""The `python` check as a user declares it: a function of the repository that judges stored predictions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, model_validator

from mlspec.gates.metric import Finite
from mlspec.specs.base import Change
from mlspec.specs.gate import CheckSpec, Program
from mlspec.specs.model import Duration, Entrypoint
from mlspec.specs.paths import RepositoryGlob


class PythonCheck(CheckSpec):
    """Your own function judges what the version said of the test rows, in a child process."""

    implementation: ClassVar[str] = "mlspec.gates.python_check:check"

    check: Annotated[Literal["python"], Change.EVALUATE]
    """Which check: `python`."""
    function: Annotated[Entrypoint, Change.EVALUATE]
    """Your function `judge(data, params)`, as file:function."""
    params: Annotated[dict[str, JsonValue], Change.EVALUATE] = {}
    """What it is called with beside the data, handed over as it is."""
    min: Annotated[Finite | None, Change.EVALUATE] = None
    """The interval that it returns must not reach below this."""
    max: Annotated[Finite | None, Change.EVALUATE] = None
    """The interval that it returns must not reach above this."""
    min_rows: Annotated[Annotated[int, Field(ge=1)], Change.EVALUATE] = 50
    """With fewer rows the verdict is `insufficient`, and the function is not called."""
    code: Annotated[tuple[RepositoryGlob, ...], Change.EVALUATE] = ()
    """More files that the function reads, beyond those it imports."""
    timeout: Annotated[Duration, Change.EVALUATE] = "5m"
    """When to give up."""

    @model_validator(mode="after")
    def _consistent(self) -> PythonCheck:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self

    def programs(self) -> Iterable[Program]:
        """Return the function and the files it reads."""
        return (Program(self.function, self.code),)
