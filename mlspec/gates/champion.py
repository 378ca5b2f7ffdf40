"""The `champion` check as a user declares it; computing it is `champion_check`'s."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from mlspec.gates.scale import check_distance
from mlspec.specs.base import Change
from mlspec.specs.gate import CheckSpec


class ChampionCheck(CheckSpec):
    """A version is set beside what holds the stage now, on the same test rows: is it better, or at least not worse?"""

    implementation: ClassVar[str] = "mlspec.gates.champion_check:check"

    check: Annotated[Literal["champion"], Change.EVALUATE]
    """Which check: `champion`."""
    metric: Annotated[str, Change.EVALUATE]
    """The metric, by scikit-learn's scorer name."""
    claim: Annotated[Literal["superior", "non_inferior"], Change.EVALUATE] = "non_inferior"
    """What is to be shown: `superior`, better by more than `margin`; `non_inferior`, worse by less than `margin`."""
    margin: Annotated[Annotated[float, Field(ge=0, allow_inf_nan=False)], Change.EVALUATE] = 0.0
    """In the metric's own unit: how much worse is still acceptable, or how much better it must be."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence of the two-sided interval of the difference."""
    min_rows: Annotated[Annotated[int, Field(ge=10)], Change.EVALUATE] = 50
    """With fewer rows that the champion was not trained on, the verdict is `insufficient`."""

    @model_validator(mode="after")
    def _consistent(self) -> ChampionCheck:
        if self.claim == "non_inferior" and self.margin == 0:
            raise ValueError("give `margin`: how much worse is still acceptable; without one there is nothing to show")
        check_distance(self.metric, "margin", self.margin)
        return self

    def metric_names(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def compared_metrics(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def compares(self) -> bool:
        """Say that it compares with the champion."""
        return True
