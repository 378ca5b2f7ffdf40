"""The `robustness` check as a user declares it; `steps.perturb` changes the rows, `robustness_check` judges."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mlspec.core.probe import Probe
from mlspec.core.types import NUMBERS
from mlspec.gates.scale import check_distance
from mlspec.specs.base import Change, MisplacedError, repeats
from mlspec.specs.gate import CheckSpec

PERTURBATIONS: dict[str, frozenset[str] | None] = {
    "noise": NUMBERS,
    "missing": None,
    "drop": None,
    "swap": frozenset({"category", "string", "boolean"}),
    "unit_error": NUMBERS,
    "typos": frozenset({"string", "text"}),
}
"""The types of columns that each one changes; None for all."""
Share = Annotated[float, Field(gt=0, le=1)]


class RobustnessCheck(CheckSpec):
    """What goes wrong with data in use must not cost more of a metric than this; one column at a time is changed."""

    implementation: ClassVar[str] = "mlspec.gates.robustness_check:check"

    check: Annotated[Literal["robustness"], Change.EVALUATE]
    """Which check: `robustness`."""
    metric: Annotated[str, Change.EVALUATE]
    """The metric, by scikit-learn's scorer name."""
    max_loss: Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)], Change.EVALUATE]
    """By how much the metric may get worse, in its own unit."""
    noise: Annotated[Annotated[float, Field(gt=0, le=10)] | None, Change.EVALUATE] = None
    """Normal noise on every cell of a number, in standard deviations of the training column."""
    missing: Annotated[Share | None, Change.EVALUATE] = None
    """The share of a column's cells that go missing."""
    drop: Annotated[bool, Change.EVALUATE] = False
    """Whether also all cells of a column go missing at once."""
    swap: Annotated[Share | None, Change.EVALUATE] = None
    """The share of cells that get another value of the training column: of categories, strings and booleans."""
    unit_error: Annotated[Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, Change.EVALUATE] = None
    """Cells of a number are multiplied by this, as when grams are taken for kilograms: 1000."""
    unit_error_share: Annotated[Share, Change.EVALUATE] = 0.1
    """The share of a column's cells that the unit error is in."""
    typos: Annotated[Share | None, Change.EVALUATE] = None
    """The share of cells of strings and texts with an error of case, space, order or a letter left out."""
    columns: Annotated[tuple[str, ...], Change.EVALUATE] = ()
    """The features to change; by default all."""
    rows: Annotated[Annotated[int, Field(ge=1, le=100_000)], Change.EVALUATE] = 2000
    """So many test rows at most, drawn at random, always the same."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence with which all intervals hold together."""
    min_rows: Annotated[Annotated[int, Field(ge=1)], Change.EVALUATE] = 50
    """With fewer rows the verdict is `insufficient`."""

    @model_validator(mode="after")
    def _consistent(self) -> RobustnessCheck:
        if not self.sizes():
            raise ValueError(f"give at least one of {', '.join(PERTURBATIONS)}: without one there is nothing to judge")
        if self.unit_error == 1:
            raise MisplacedError("a number times 1 is no error: give the factor, such as 1000", "unit_error")
        if self.unit_error is None and "unit_error_share" in self.model_fields_set:
            raise MisplacedError("`unit_error_share` goes with `unit_error`, which is not there", "unit_error_share")
        for n in repeats(self.columns):
            raise MisplacedError(f"`{self.columns[n]}` is listed twice", "columns", n)
        if self.min_rows > self.rows:
            message = f"{self.rows:,} rows at most are fewer than `min_rows`, which is {self.min_rows:,}"
            raise MisplacedError(message, "rows")
        check_distance(self.metric, "max_loss", self.max_loss)
        return self

    def sizes(self) -> dict[str, float]:
        """Return the perturbations that are asked for, each with its size."""
        given = {name: getattr(self, name) for name in PERTURBATIONS}
        return {name: float(size) for name, size in given.items() if size}

    def metric_names(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def compared_metrics(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def column_names(self) -> tuple[str, ...]:
        """Return the columns that are changed, where they are named."""
        return self.columns

    def features(self) -> tuple[str, ...]:
        """Return the columns that are changed, where they are named."""
        return self.columns

    def feature_types(self) -> Iterator[tuple[str, Collection[str]]]:
        """Yield the types of columns that each perturbation changes."""
        for name in self.sizes():
            types = PERTURBATIONS[name]
            if types is not None:
                yield name, types

    def probes(self) -> tuple[Probe, ...]:
        """Return what to change."""
        return (self.probe(),)

    def probe(self) -> Probe:
        """Return what to change."""
        asks = {"perturbations": self.sizes(), "columns": sorted(self.columns), "rows": self.rows}
        share = {"unit_error_share": self.unit_error_share} if self.unit_error is not None else {}
        return Probe("perturb", {**asks, **share})
