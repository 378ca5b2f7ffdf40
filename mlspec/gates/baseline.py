"""The `baseline` check as a user declares it; computing it is `baseline_check`'s."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mlspec.core.metrics import METRICS
from mlspec.gates.scale import check_distance
from mlspec.specs.base import Change, MisplacedError
from mlspec.specs.dataset import Role
from mlspec.specs.gate import CheckSpec

Baseline = Literal["majority", "mean", "persistence", "linear"]
_OTHER_TASK = {"classification": "mean", "regression": "majority"}
"""The baseline that goes with the other task."""


class BaselineCheck(CheckSpec):
    """A version must be better than what needs no model: judged on the interval of the difference, on the same rows."""

    implementation: ClassVar[str] = "mlspec.gates.baseline_check:check"

    check: Annotated[Literal["baseline"], Change.EVALUATE]
    """Which check: `baseline`."""
    metric: Annotated[str, Change.EVALUATE]
    """The metric, by scikit-learn's scorer name."""
    beats: Annotated[tuple[Baseline, ...], Change.EVALUATE] = ()
    """What it must beat, each; by default `majority` or `mean`, and `persistence` where there is a time column."""
    margin: Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)], Change.EVALUATE] = 0.0
    """By how much, in the metric's own unit."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence with which all intervals hold together."""
    min_rows: Annotated[Annotated[int, Field(ge=10)], Change.EVALUATE] = 50
    """With fewer rows the verdict is `insufficient`."""

    @model_validator(mode="after")
    def _consistent(self) -> BaselineCheck:
        for n, name in enumerate(self.beats):
            if name in self.beats[:n]:
                raise MisplacedError(f"`{name}` is listed twice", "beats", n)
            metric = METRICS.get(self.metric)
            if metric is not None and name == _OTHER_TASK[metric.task]:
                raise MisplacedError(f"`{name}` is for the other task than `{self.metric}`", "beats", n)
        check_distance(self.metric, "margin", self.margin)
        return self

    def metric_names(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def compared_metrics(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def role_names(self) -> tuple[Role, ...]:
        """Return the role that persistence needs."""
        return ("time",) if "persistence" in self.beats else ()
