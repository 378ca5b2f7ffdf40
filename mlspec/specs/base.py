"""What every kind shares: identity, owner, and the class of change of each field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mlspec.core.address import NAME_PATTERN, Address


class Change(StrEnum):
    """What a change of a field sets off; DESIGN section 4."""

    IDENTITY = "another resource"
    VERSION = "new dataset version"
    CHECK = "check"
    TRAIN = "train"
    EVALUATE = "evaluate"
    PROMOTE = "promote"
    RECORD = "record"
    NOTHING = "nothing"


class MisplacedError(ValueError):
    """What a validator of a whole part found wrong deeper inside it, at `path` below that part."""

    def __init__(self, message: str, *path: str | int) -> None:
        """Carry the sentence and the path."""
        self.path = path
        super().__init__(message)


class Part(BaseModel):
    """A piece of a spec. Every field declares its class of change as `Annotated[..., Change.X]`."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, populate_by_name=False
    )


def _name(text: str) -> str:
    if not re.fullmatch(NAME_PATTERN, text):
        raise ValueError("must be 1 to 63 lower-case letters, digits or dashes, starting with a letter")
    return text


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})]


def _scalar(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    raise ValueError("must be text, a number, true or false")


Scalar = Annotated[
    Any,
    AfterValidator(_scalar),
    Field(json_schema_extra={"type": ["string", "number", "boolean"]}),
]

Text = Annotated[str, Field(min_length=1, max_length=4000)]


class Keep(Part):
    """What `mlspec gc` keeps whatever its age, beside what is in use."""

    newest: Annotated[Annotated[int, Field(ge=1)], Change.NOTHING] = 3
    """So many of the newest."""


class Spec(Part):
    """A resource that a user declares."""

    kind_name: ClassVar[str]

    name: Annotated[Name, Change.IDENTITY]
    """The name, unique in its kind; with the kind it is the identity, wherever the file lies."""
    owner: Annotated[Name, Change.RECORD]
    """The team that answers for this resource; one of `teams` in mlspec.yaml."""
    description: Annotated[Text | None, Change.RECORD] = None
    """What this is, for people."""
    protect: Annotated[bool, Change.RECORD] = False
    """Keep this resource when its spec disappears: removing it takes two changes, first `protect`, then the spec."""

    @property
    def address(self) -> Address:
        """Return `kind/name`."""
        return Address(self.kind_name, self.name)


def repeats(names: Iterable[object]) -> list[int]:
    """Return the positions of what was there before."""
    seen: set[object] = set()
    found = []
    for n, name in enumerate(names):
        if name in seen:
            found.append(n)
        seen.add(name)
    return found


def change_of(model: type[Part], field: str) -> Change | None:
    """Return the class of change of a field; None where the parts of the field have classes of their own."""
    for marker in model.model_fields[field].metadata:
        if isinstance(marker, Change):
            return marker
    return None


def select(part: Part, *classes: Change) -> dict[str, Any]:
    """Return the fields of these classes that differ from their defaults, as JSON data, nested as written.

    Fields equal to their default are left out: writing a default down is no change, and a field added in a
    later release changes no digest. A list of named parts (the columns of a schema) becomes a list of
    mappings that keep their name.
    """
    chosen: dict[str, Any] = {}
    for field in _fields(type(part)):
        value = getattr(part, field.name)
        if value == field.default and not field.required:
            continue
        if field.change is None:
            inner = _select_inner(value, classes)
            if inner:
                chosen[field.key] = inner
        elif field.change in classes:
            chosen[field.key] = plain(value)
    return chosen


class _Field(NamedTuple):
    name: str
    key: str
    change: Change | None
    required: bool
    default: Any


@cache
def _fields(model: type[Part]) -> tuple[_Field, ...]:
    return tuple(
        _Field(
            name,
            info.alias or name,
            change_of(model, name),
            info.is_required(),
            None if info.is_required() else info.get_default(call_default_factory=True),
        )
        for name, info in model.model_fields.items()
    )


def _select_inner(value: Any, classes: tuple[Change, ...]) -> Any:
    if isinstance(value, Part):
        return select(value, *classes)
    if isinstance(value, dict):
        return {key: inner for key, item in value.items() if (inner := _select_inner(item, classes))}
    if isinstance(value, tuple):
        found = [select(item, *classes) for item in value]
        return [{"name": item.name, **inner} for item, inner in zip(value, found, strict=True) if inner]
    return None


def plain(value: Any) -> Any:
    """Turn a validated value into JSON data, defaults left out."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
