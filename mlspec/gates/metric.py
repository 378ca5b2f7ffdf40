"""The `metric` check as a user declares it; computing it is `metric_check`'s."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from mlspec.gates.grouping import Grouping, Key, keys_of, shown
from mlspec.gates.scale import check_bound
from mlspec.specs.base import Change, MisplacedError
from mlspec.specs.gate import CheckSpec

Finite = Annotated[float, Field(allow_inf_nan=False)]
_SCALAR_TYPES = (bool, int, float, str)
_SCALAR_SCHEMA = {"type": ["string", "number", "boolean"]}


def _wanted(value: Any) -> Any:
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError("must name at least one value")
    for item in values:
        if not isinstance(item, _SCALAR_TYPES) or (isinstance(item, float) and not math.isfinite(item)):
            raise ValueError("must be text, a number, true or false, or a list of these")
    return tuple(values) if isinstance(value, list | tuple) else value


Wanted = Annotated[
    Any,
    BeforeValidator(_wanted),
    Field(json_schema_extra={"anyOf": [_SCALAR_SCHEMA, {"type": "array", "items": _SCALAR_SCHEMA, "minItems": 1}]}),
]


class MetricCheck(CheckSpec):
    """A metric's whole interval must lie on the right side of its bounds."""

    implementation: ClassVar[str] = "mlspec.gates.metric_check:check"
    """Where the function is that judges it; imported when it is needed, since it brings numpy along."""

    check: Annotated[Literal["metric"], Change.EVALUATE]
    """Which check: `metric`."""
    metric: Annotated[str, Change.EVALUATE]
    """The metric, by scikit-learn's scorer name."""
    min: Annotated[Finite | None, Change.EVALUATE] = None
    """The interval must not reach below this."""
    max: Annotated[Finite | None, Change.EVALUATE] = None
    """The interval must not reach above this."""
    confidence: Annotated[Annotated[float, Field(ge=0.5, lt=1)], Change.EVALUATE] = 0.95
    """The confidence of the two-sided interval."""
    where: Annotated[dict[str, Wanted], Change.EVALUATE] = {}
    """Judge only rows in which each of these columns has the value, or one of the values."""
    slices: Annotated[tuple[Grouping, ...], Change.EVALUATE] = ()
    """Judge also each group of rows by a column, by ranges of a number, or by several at once."""
    of: Annotated[Literal["model", "worst"], Change.EVALUATE] = "model"
    """`model`: judge the model; `worst`: the worst of it and of its `repeats` with other seeds."""
    min_rows: Annotated[Annotated[int, Field(ge=10)], Change.EVALUATE] = 50
    """With fewer rows the verdict is `insufficient`."""

    @model_validator(mode="after")
    def _consistent(self) -> MetricCheck:
        if self.min is None and self.max is None:
            raise ValueError("give `min`, `max` or both: without a bound there is nothing to judge")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        check_bound(self.metric, "min", self.min)
        check_bound(self.metric, "max", self.max)
        groupings = [sorted(keys) for keys in self.groupings()]
        for n, keys in enumerate(groupings):
            if keys in groupings[:n]:
                raise MisplacedError(f"the slices by {shown(self.slices[n])} are listed twice", "slices", n)
        return self

    def judges_repeats(self) -> bool:
        """Say whether it judges repeats."""
        return self.of == "worst"

    def metric_names(self) -> tuple[str, ...]:
        """Return the metric."""
        return (self.metric,)

    def column_names(self) -> tuple[str, ...]:
        """Return the columns of the slices."""
        keys = (key for grouping in self.slices for key in keys_of(grouping))
        return tuple(dict.fromkeys((*self.where, *(key.column for key in keys))))

    def column_values(self) -> Iterator[tuple[str, Any]]:
        """Yield the values of the slice."""
        for column, wanted in self.where.items():
            yield from ((column, value) for value in (wanted if isinstance(wanted, tuple) else (wanted,)))

    def grouped_columns(self) -> Iterator[tuple[str, bool]]:
        """Yield the columns of the slices, and whether by ranges."""
        yield from ((key.column, bool(key.edges)) for keys in self.groupings() for key in keys)

    def groupings(self) -> tuple[tuple[Key, ...], ...]:
        """Return the slices, each as its columns."""
        return tuple(keys_of(grouping) for grouping in self.slices)


def where_text(where: Mapping[str, Any], more: str = "") -> str:
    """Return a slice in words, with a space in front; empty for all rows. `more` is what also holds there."""
    said = [f"{column} is {_either(wanted)}" for column, wanted in where.items()] + ([more] if more else [])
    return f" where {' and '.join(said)}" if said else ""


def _either(wanted: Any) -> str:
    values = wanted if isinstance(wanted, tuple) else (wanted,)
    return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
