"""The `leakage` check as a user declares it; computing it is `leakage_check`'s."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from mlspec.specs.base import Change, MisplacedError, repeats
from mlspec.specs.dataset import Fraction
from mlspec.specs.gate import CheckSpec


def _time(value: Any) -> Any:
    if value is False or (isinstance(value, str) and value):
        return value
    raise ValueError("must be the name of a column, or false")


Time = Annotated[
    Any,
    AfterValidator(_time),
    Field(json_schema_extra={"anyOf": [{"type": "string", "minLength": 1}, {"const": False}]}),
]


class LeakageCheck(CheckSpec):
    """Nothing may cross from the training rows to the test rows, and no feature may give the target away."""

    implementation: ClassVar[str] = "mlspec.gates.leakage_check:check"

    check: Annotated[Literal["leakage"], Change.EVALUATE]
    """Which check: `leakage`."""
    rows: Annotated[bool, Change.EVALUATE] = True
    """Look for test rows that equal a training row in all features and the target."""
    entities: Annotated[tuple[str, ...] | None, Change.EVALUATE] = None
    """Columns of which no value may be on both sides, such as a person; by default those with role `id` or `group`."""
    time: Annotated[Time | None, Change.EVALUATE] = None
    """A column by which test rows must be later than training rows; by default that of a split `by: time`; or false."""
    max_overlap: Annotated[Fraction, Change.EVALUATE] = 0.0
    """The share of test rows that may be on both sides: by an equal row, by an entity, or by time."""
    max_duplicates: Annotated[Fraction | None, Change.EVALUATE] = None
    """The share of rows that may repeat an earlier one of their own side; by default this is not judged."""
    max_predictive: Annotated[Annotated[float, Field(ge=0.5, le=1)], Change.EVALUATE] = 0.99
    """How well a feature alone may predict: area under the ROC curve, in regression rank correlation; 1: not judged."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence with which the intervals of all features hold together."""
    min_rows: Annotated[Annotated[int, Field(ge=10)], Change.EVALUATE] = 50
    """With fewer test rows no feature is judged: `insufficient`."""

    @model_validator(mode="after")
    def _consistent(self) -> LeakageCheck:
        for n in repeats(self.entities or ()):
            raise MisplacedError(f"`{(self.entities or ())[n]}` is listed twice", "entities", n)
        looks = self.rows or self.entities != () or bool(self.time)
        if not looks and self.max_duplicates is None and self.max_predictive == 1:
            raise ValueError("all is switched off, and there is nothing to judge")
        return self

    def column_names(self) -> tuple[str, ...]:
        """Return the columns that it names."""
        return (*(self.entities or ()), *self.time_columns())

    def time_columns(self) -> tuple[str, ...]:
        """Return the column of time that it names."""
        return (self.time,) if self.time else ()
