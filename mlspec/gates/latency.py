"""The `latency` check as a user declares it; `steps.child_time` reads the clock, `latency_check` judges."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from mlspec.core.probe import Probe
from mlspec.specs.base import Change, MisplacedError
from mlspec.specs.gate import CheckSpec

Milliseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LatencyCheck(CheckSpec):
    """How long a version takes to answer and to load, by the clock of the machine that evaluates; on intervals."""

    implementation: ClassVar[str] = "mlspec.gates.latency_check:check"

    check: Annotated[Literal["latency"], Change.EVALUATE]
    """Which check: `latency`."""
    max_ms: Annotated[Milliseconds | None, Change.EVALUATE] = None
    """The quantile of a call must not reach above so many milliseconds."""
    max_ratio: Annotated[Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, Change.EVALUATE] = None
    """Nor above so many times that of the champion, both called in turn on the same machine."""
    max_load_ms: Annotated[Milliseconds | None, Change.EVALUATE] = None
    """The median of loading the model into a new process must not reach above so many milliseconds."""
    quantile: Annotated[Annotated[float, Field(ge=0.5, le=0.999)], Change.EVALUATE] = 0.95
    """Which quantile: 0.5 is the median; 0.95 needs at least 72 repeats, 0.99 at least 368."""
    batch: Annotated[Annotated[int, Field(ge=1, le=1_000_000)], Change.EVALUATE] = 1
    """How many rows a call predicts."""
    repeats: Annotated[Annotated[int, Field(ge=1, le=100_000)], Change.EVALUATE] = 500
    """How many calls are timed, at most for a minute, after some that are not."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence of the two-sided interval."""

    @model_validator(mode="after")
    def _consistent(self) -> LatencyCheck:
        if not self.bounds():
            raise ValueError("give `max_ms`, `max_ratio` or `max_load_ms`: without a bound there is nothing to judge")
        if self.max_ms is None and self.max_ratio is None:
            for field in ("quantile", "batch", "repeats"):
                if field in self.model_fields_set:
                    raise MisplacedError(f"`{field}` goes with `max_ms` or `max_ratio`, and neither is there", field)
        elif self.repeats < self.fewest():
            message = f"{self.repeats:,} repeats cannot bound the {self.quantile:g} quantile; {self.fewest():,} can"
            raise MisplacedError(message, "repeats" if "repeats" in self.model_fields_set else "quantile")
        return self

    def compares(self) -> bool:
        """Say whether it is timed beside the champion."""
        return self.max_ratio is not None

    def bounds(self) -> dict[str, float]:
        """Return the bounds that are given, by what is held against each."""
        given = {"latency_ms": self.max_ms, "latency_ratio": self.max_ratio, "load_ms": self.max_load_ms}
        return {name: bound for name, bound in given.items() if bound is not None}

    def fewest(self) -> int:
        """Return of how many calls on a quantile has an upper bound: all lie below it with probability quantile^n."""
        return _fewest(self.quantile, self.confidence)

    def probes(self) -> tuple[Probe, ...]:
        """Return what to time: calls, loads, and calls beside the champion."""
        own = (self.calls(), self.loads()) if self.max_load_ms is not None else (self.calls(),)
        wanted = own if self.max_ms is not None else own[1:]
        return (*wanted, self.beside()) if self.max_ratio is not None else wanted

    def calls(self) -> Probe:
        """Return the calls that `max_ms` is about."""
        return Probe("time", self._asks())

    def beside(self) -> Probe:
        """Return the calls that `max_ratio` is about."""
        return Probe("time", self._asks(), rival=True)

    def loads(self) -> Probe:
        """Return the loads that `max_load_ms` is about: as many as bound a median, and one to spare."""
        return Probe("time", {"batch": 1, "repeats": 0, "loads": _fewest(0.5, self.confidence) + 1})

    def _asks(self) -> dict[str, Any]:
        return {"batch": self.batch, "repeats": self.repeats, "loads": 1}


def _fewest(quantile: float, confidence: float) -> int:
    return math.ceil(math.log((1 - confidence) / 2) / math.log(quantile))
