"""The `footprint` check as a user declares it; judging it is `footprint_check`'s."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mlspec.core.probe import Probe
from mlspec.specs.base import Change, MisplacedError
from mlspec.specs.gate import CheckSpec

_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?) ?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)")
_UNITS = {"B": 1, **{f"{letter}B": 1000**n for n, letter in enumerate("kMGT", 1)}} | {
    f"{letter}iB": 1024**n for n, letter in enumerate("KMGT", 1)
}
_NO_SIZE = "must be a size such as 500kB, 50MB or 2GiB"
_REPEATS = 5


def size_of(text: str) -> int:
    """Turn a size such as `50MB` or `1.5GiB` into bytes.

    Raises:
        ValueError: the text is no size, or zero.
    """
    match = _SIZE.fullmatch(text)
    size = round(float(match[1]) * _UNITS[match[2]]) if match else 0
    if size == 0:
        raise ValueError(_NO_SIZE)
    return size


def _size(text: str) -> str:
    size_of(text)
    return text


def _no_number(value: Any) -> Any:
    """Refuse a number here: that a text is wanted would be true, and no help."""
    if isinstance(value, int | float):
        raise ValueError(_NO_SIZE)
    return value


_PATTERN = Field(json_schema_extra={"pattern": f"^{_SIZE.pattern}$"})
Size = Annotated[str, AfterValidator(_size), BeforeValidator(_no_number), _PATTERN]


class FootprintCheck(CheckSpec):
    """What a version takes on a disk and in memory."""

    implementation: ClassVar[str] = "mlspec.gates.footprint_check:check"

    check: Annotated[Literal["footprint"], Change.EVALUATE]
    """Which check: `footprint`."""
    max_size: Annotated[Size | None, Change.EVALUATE] = None
    """The most bytes of the model as it is kept, such as `50MB` (or `MiB`, of 1,048,576)."""
    max_memory: Annotated[Size | None, Change.EVALUATE] = None
    """The most memory of a process that loads the model and predicts, Python and its libraries included."""
    batch: Annotated[Annotated[int, Field(ge=1, le=1_000_000)], Change.EVALUATE] = 1000
    """How many rows that process predicts at once."""

    @model_validator(mode="after")
    def _consistent(self) -> FootprintCheck:
        if self.max_size is None and self.max_memory is None:
            raise ValueError("give `max_size`, `max_memory` or both: without a bound there is nothing to judge")
        if self.max_memory is None and "batch" in self.model_fields_set:
            raise MisplacedError("`batch` goes with `max_memory`, which is not there", "batch")
        return self

    def probes(self) -> tuple[Probe, ...]:
        """Return the calls during which memory is watched."""
        return (self.probe(),) if self.max_memory is not None else ()

    def probe(self) -> Probe:
        """Return the calls during which memory is watched."""
        return Probe("time", {"batch": self.batch, "repeats": _REPEATS, "loads": 1})
