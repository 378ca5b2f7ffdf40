"""The `fairness` check as a user declares it; computing it is `fairness_check`'s."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from mlspec.gates.grouping import Grouping, Key, keys_of
from mlspec.gates.scale import check_distance
from mlspec.specs.base import Change, MisplacedError, Scalar, Text
from mlspec.specs.gate import CheckSpec

CRITERIA: dict[str, tuple[str, ...]] = {
    "demographic_parity": ("selection_rate",),
    "disparate_impact": ("selection_rate",),
    "equal_opportunity": ("true_positive_rate",),
    "equalized_odds": ("true_positive_rate", "false_positive_rate"),
}
"""What each named criterion of fairness compares between groups."""
_MAY_BE_NEGATIVE = ("calibration_slope", "d2_", "explained_variance", "matthews_corrcoef", "neg_", "r2")


class FairnessCheck(CheckSpec):
    """What a model does to groups of people must not lie further apart than this; judged on intervals."""

    implementation: ClassVar[str] = "mlspec.gates.fairness_check:check"
    criteria: ClassVar[tuple[str, ...]] = tuple(CRITERIA)

    check: Annotated[Literal["fairness"], Change.EVALUATE]
    """Which check: `fairness`."""
    metric: Annotated[str, Change.EVALUATE]
    """What is compared: a rate, any metric, or a criterion such as `equalized_odds`."""
    by: Annotated[Grouping, Change.EVALUATE]
    """The groups: a column, ranges of a number as `{age: [25, 40, 65]}`, or a list of these for their intersections."""
    max_difference: Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)] | None, Change.EVALUATE] = None
    """No two groups may differ by more than this."""
    min_ratio: Annotated[Annotated[float, Field(gt=0, le=1)] | None, Change.EVALUATE] = None
    """The smaller value of two groups over the larger may not be below this; 0.8 is the four fifths rule."""
    reference: Annotated[Scalar | tuple[Scalar, ...] | None, Change.EVALUATE] = None
    """Compare each group with this one only, by its value in each column of `by`; by default all with each other."""
    min_group: Annotated[Annotated[int, Field(ge=10)], Change.EVALUATE] = 100
    """With fewer rows a group is `insufficient`."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence with which all intervals hold together."""
    why: Annotated[Text, Change.EVALUATE]
    """Why this criterion is the right one here: they exclude one another."""

    @model_validator(mode="after")
    def _consistent(self) -> FairnessCheck:
        if self.max_difference is None and self.min_ratio is None:
            raise ValueError("give `max_difference`, `min_ratio` or both: without a bound there is nothing to judge")
        if self.metric == "disparate_impact" and self.min_ratio is None:
            raise ValueError("`disparate_impact` is a ratio: give `min_ratio`, such as 0.8")
        if self.min_ratio is not None and self.metric.startswith(_MAY_BE_NEGATIVE):
            raise MisplacedError(f"`{self.metric}` may be negative, and then a ratio says nothing", "min_ratio")
        if self.reference is not None and len(self.reference_values()) != len(self.keys()):
            raise MisplacedError("`reference` must have one value for each column of `by`", "reference")
        if self.reference is not None and any(key.edges for key in self.keys()):
            raise MisplacedError("`reference` names values, and `by` has ranges: leave it out", "reference")
        check_distance(self.measures()[0], "max_difference", self.max_difference)
        return self

    def keys(self) -> tuple[Key, ...]:
        """Return the columns that divide the rows."""
        return keys_of(self.by)

    def reference_values(self) -> tuple[Any, ...]:
        """Return the value of the reference group in each column."""
        return self.reference if isinstance(self.reference, tuple) else (self.reference,)

    def measures(self) -> tuple[str, ...]:
        """Return the metrics that are compared."""
        return CRITERIA.get(self.metric, (self.metric,))

    def metric_names(self) -> tuple[str, ...]:
        """Return the metrics that are compared."""
        return self.measures()

    def column_names(self) -> tuple[str, ...]:
        """Return the columns that divide the rows."""
        return tuple(key.column for key in self.keys())

    def column_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the values of the reference group."""
        if self.reference is not None:
            yield from zip(self.column_names(), self.reference_values(), strict=True)

    def grouped_columns(self) -> Iterator[tuple[str, bool]]:
        """Yield the columns that divide the rows, and whether by ranges."""
        yield from ((key.column, bool(key.edges)) for key in self.keys())
