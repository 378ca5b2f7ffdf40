"""The `data` check as a user declares it; computing it is `data_check`'s."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mlspec.specs.base import Change, MisplacedError, repeats
from mlspec.specs.dataset import Fraction
from mlspec.specs.gate import CheckSpec


class DataCheck(CheckSpec):
    """What a version was trained on must be like what the champion was trained on; judged on intervals."""

    implementation: ClassVar[str] = "mlspec.gates.data_check:check"

    check: Annotated[Literal["data"], Change.EVALUATE]
    """Which check: `data`."""
    columns: Annotated[Annotated[tuple[str, ...], Field(min_length=1)] | None, Change.EVALUATE] = None
    """Look at these columns only; by default the contract is of all, and what they hold of features and target."""
    max_shift: Annotated[Fraction, Change.EVALUATE] = 0.1
    """How far the values of a column may have moved: the largest change in the share of any range or set of them."""
    max_missing: Annotated[Fraction, Change.EVALUATE] = 0.05
    """By how much the share of missing values may have grown."""
    max_unseen: Annotated[Fraction, Change.EVALUATE] = 0.01
    """The share of values that the champion never saw: a new category, a number outside its range."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence with which the intervals of all columns hold together."""
    min_rows: Annotated[Annotated[int, Field(ge=10)], Change.EVALUATE] = 500
    """With fewer training rows on either side the verdict is `insufficient`, of a column with fewer values as well."""

    @model_validator(mode="after")
    def _consistent(self) -> DataCheck:
        for n in repeats(self.columns or ()):
            raise MisplacedError(f"`{(self.columns or ())[n]}` is listed twice", "columns", n)
        return self

    def compares(self) -> bool:
        """Say that it compares with the champion."""
        return True

    def column_names(self) -> tuple[str, ...]:
        """Return the columns that it names."""
        return self.columns or ()
