"""Dataset: where rows come from, what they must look like, and how they are split."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from mlspec.core.calendar import parse_date, parse_datetime
from mlspec.core.problem import suggest
from mlspec.core.types import NUMBERS, TEXTS, TIMES
from mlspec.specs.base import Change, Keep, MisplacedError, Part, Scalar, Spec, Text, repeats
from mlspec.specs.paths import RepositoryPath
from mlspec.specs.patterns import check_pattern

ColumnType = Literal["integer", "number", "string", "boolean", "date", "datetime", "category", "text"]
Role = Literal["feature", "target", "id", "time", "group", "weight", "ignore"]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    **dict.fromkeys(TEXTS, (str,)),
}
_NO_DELIMITERS = '"\r\n'
_AS_TIME: dict[str, Callable[[str], date | None]] = {"date": parse_date, "datetime": parse_datetime}


def _bound(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ValueError("must be a finite number, or a date or time in quotes")
    return float(value)


Bound = Annotated[Any, AfterValidator(_bound), Field(json_schema_extra={"type": ["number", "string"]})]


def _delimiter(text: str) -> str:
    if text in _NO_DELIMITERS:
        raise ValueError("must be no quote and no line break, which mean something else in CSV")
    return text


Delimiter = Annotated[
    str,
    AfterValidator(_delimiter),
    Field(min_length=1, max_length=1, json_schema_extra={"not": {"enum": list(_NO_DELIMITERS)}}),
]


class FileSource(Part):
    """Rows in one file, or in many of one form."""

    type: Annotated[Literal["file"], Change.VERSION] = "file"
    """The type of source."""
    path: Annotated[RepositoryPath, Change.RECORD]
    """A file, a glob or a folder in the repository: `.csv`, `.jsonl`, `.parquet`, the first two also `.gz`, `.zst`."""
    format: Annotated[Literal["csv", "jsonl", "parquet"] | None, Change.VERSION] = None
    """How to read it; by default what the file name ends with."""
    delimiter: Annotated[Delimiter, Change.VERSION] = ","
    """What separates the fields of a CSV file."""
    missing: Annotated[tuple[str, ...], Field(strict=False), Change.VERSION] = ()
    """Texts that mean "missing" in CSV and JSON Lines; an empty field of CSV always does, and null."""

    @property
    def reads_as(self) -> str:
        """Return `csv`, `jsonl`, `parquet`, or the unknown suffix; compression is seen in the bytes."""
        name = self.path.lower().removesuffix(".gz").removesuffix(".zst")
        suffix = name.rpartition(".")[2]
        return self.format or ("jsonl" if suffix == "ndjson" else suffix)

    @model_validator(mode="after")
    def _known_format(self) -> FileSource:
        if self.reads_as not in ("csv", "jsonl", "parquet"):
            hint = "name it .csv, .jsonl or .parquet, or give `format:`"
            raise ValueError(f"can't tell how to read `{self.path}`: {hint}")
        return self


def _written_short(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


Source = Annotated[FileSource, BeforeValidator(_written_short, json_schema_input_type=str | FileSource)]


class Column(Part):
    """One column of the contract."""

    name: Annotated[Annotated[str, Field(min_length=1, max_length=200)], Change.VERSION]
    """The name in the header, exactly."""
    type: Annotated[ColumnType, Change.VERSION]
    """What its values are; `category` is text in the order of `values`, `text` is prose that is never listed."""
    role: Annotated[Role, Change.VERSION] = "feature"
    """What the column is for; only features are shown to a model."""
    min: Annotated[Bound | None, Change.CHECK] = None
    """The smallest value allowed, or the earliest date or time."""
    max: Annotated[Bound | None, Change.CHECK] = None
    """The largest value allowed, or the latest date or time."""
    values: Annotated[tuple[Scalar, ...] | None, Change.CHECK] = None
    """All values allowed; of a `category` in order, lowest first, and part of the dataset version."""
    pattern: Annotated[Annotated[str, AfterValidator(check_pattern)] | None, Change.CHECK] = None
    """A regular expression that each whole value must match, in RE2's syntax; of text."""
    max_missing: Annotated[Fraction | None, Change.CHECK] = None
    """The share of missing values allowed in this column; by default what `checks` says."""
    sensitive: Annotated[bool, Change.RECORD] = False
    """Personal or protected: mlspec prints and records no value but those the spec names; your own code's log may."""
    description: Annotated[Text | None, Change.RECORD] = None
    """What the column means."""

    @model_validator(mode="after")
    def _consistent(self) -> Column:
        if (self.min is not None or self.max is not None) and self.type not in NUMBERS | TIMES:
            raise ValueError(f"`min` and `max` are for numbers, dates and times; column `{self.name}` is {self.type}")
        low, high = (self._limit(field) for field in ("min", "max"))
        if low is not None and high is not None and low > high:
            raise MisplacedError(f"column `{self.name}`: min {_told(self.min)} is above max {_told(self.max)}", "min")
        for n, value in enumerate(self.values or ()):
            if not self.accepts(value):
                raise MisplacedError(f"column `{self.name}` is {self.type}, and this value is not", "values", n)
        if self.pattern is not None and self.type not in TEXTS:
            raise MisplacedError(f"`pattern` is for text; column `{self.name}` is {self.type}", "pattern")
        if self.type == "category":
            self._ordered()
        return self

    def _ordered(self) -> None:
        if not self.values:
            raise MisplacedError(f"column `{self.name}` is a category: list its `values`, lowest first", "type")
        for n in repeats(self.values):
            raise MisplacedError(f"column `{self.name}`: {self.values[n]!r} is in `values` twice", "values", n)

    def _limit(self, field: str) -> Any:
        value = getattr(self, field)
        if value is None:
            return None
        if not (isinstance(value, float) if self.type in NUMBERS else self.accepts(value)):
            what = "a number" if self.type in NUMBERS else f"a {self.type} such as {_LIKE[self.type]}"
            raise MisplacedError(f"column `{self.name}` is {self.type}, so `{field}` must be {what}", field)
        return self.parsed(value)

    def accepts(self, value: Any) -> bool:
        """Say whether a value is of the column's type; whole numbers are numbers, true and false are not."""
        if self.type in TIMES:
            return isinstance(value, str) and self.parsed(value) is not None
        return isinstance(value, _PYTHON_TYPES[self.type]) and isinstance(value, bool) == (self.type == "boolean")

    def parsed(self, value: Any) -> Any:
        """Return a value of the spec as the table holds it: a text that stands for a date or a time as that."""
        return _AS_TIME[self.type](value) if self.type in TIMES else value


_LIKE = {"date": '"2026-11-23"', "datetime": '"2026-11-23T06:00:00Z"'}


def _told(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _unique(value: Any) -> Any:
    names = value if isinstance(value, list | tuple) else (value,)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError("must be the name of a column, or a list of names")
    return tuple(names) if isinstance(value, list | tuple) else value


Unique = Annotated[
    Any,
    AfterValidator(_unique),
    Field(json_schema_extra={"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class Reference(Part):
    """A column whose values must all be in a column of another dataset."""

    column: Annotated[str, Change.CHECK]
    """The column of this dataset; a missing value refers to nothing."""
    dataset: Annotated[str, Change.CHECK]
    """The name of the other dataset."""
    to: Annotated[str | None, Change.CHECK] = None
    """The column there; by default the one of the same name."""

    @property
    def target(self) -> str:
        """Return the name of the column there."""
        return self.to or self.column


class Checks(Part):
    """What must hold for the whole table before anything trains on it."""

    max_missing: Annotated[Fraction, Change.CHECK] = 1.0
    """The share of missing values allowed in each column."""
    unique: Annotated[tuple[Unique, ...], Change.CHECK] = ()
    """Columns in which no value appears twice, each by itself; a list of columns: together, as in `[[city, day]]`."""
    min_rows: Annotated[Annotated[int, Field(ge=1)], Change.CHECK] = 1
    """The fewest rows."""
    max_rows: Annotated[Annotated[int, Field(ge=1)] | None, Change.CHECK] = None
    """The most rows."""
    extra_columns: Annotated[Literal["refuse", "ignore"], Change.CHECK] = "refuse"
    """What to do with columns that the schema does not name."""
    references: Annotated[tuple[Reference, ...], Change.CHECK] = ()
    """Columns whose values must be in another dataset."""


_IDLE = {"time": {"seed"}, "column": {"seed", "test"}}


class Split(Part):
    """How rows are divided into training and test."""

    test: Annotated[Annotated[float, Field(gt=0, lt=1)], Change.VERSION] = 0.25
    """The share of rows kept for testing."""
    by: Annotated[Literal["hash", "random", "time", "group", "column"], Change.VERSION] = "hash"
    """How: `hash`, `random`, `time`, `group` or `column`, as below."""
    seed: Annotated[Annotated[int, Field(ge=0, lt=2**32)], Change.VERSION] = 0
    """Another seed gives another split."""
    stratify: Annotated[str | None, Change.VERSION] = None
    """A column whose values keep their shares on both sides; with `by: random`."""
    column: Annotated[str | None, Change.VERSION] = None
    """The column that says `train` or `test`; with `by: column`."""

    @model_validator(mode="after")
    def _consistent(self) -> Split:
        if self.stratify is not None and self.by != "random":
            raise MisplacedError("`split.stratify` goes with `by: random`", "stratify")
        if (self.column is not None) != (self.by == "column"):
            raise MisplacedError("`by: column` and `column:`, which names it, go together", "by")
        for field in self.model_fields_set & _IDLE.get(self.by, set()):
            raise MisplacedError(f"`split.{field}` has no meaning with `by: {self.by}`", field)
        return self


class Dataset(Spec):
    """Rows to learn from: their source, their contract and their split."""

    kind_name: ClassVar[str] = "dataset"

    purpose: Annotated[Text | None, Change.RECORD] = None
    """Why this data is used."""
    license: Annotated[Text | None, Change.RECORD] = None
    """What allows its use."""
    source: Source
    """A path, or a mapping with `type:`."""
    columns: Annotated[tuple[Column, ...], Field(alias="schema", min_length=1)]
    """The contract: the columns, checked before anything trains on them."""
    checks: Checks = Checks()
    """Checks of the whole table."""
    split: Split = Split()
    """Training and test."""
    keep: Keep = Keep()
    """Which versions `mlspec gc` keeps, beside those that kept models were trained on."""

    def column(self, name: str) -> Column | None:
        """Return the column of this name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """Return the columns of a role, in the order of the schema."""
        return tuple(column for column in self.columns if column.role == role)

    @property
    def target(self) -> Column | None:
        """Return the column to predict, or None."""
        return next(iter(self.with_role("target")), None)

    @model_validator(mode="after")
    def _consistent(self) -> Dataset:
        names = [column.name for column in self.columns]
        for n in repeats(names):
            raise MisplacedError(f"column `{names[n]}` is declared twice in `schema`", "schema", n, "name")
        for role in ("target", "id", "time", "group", "weight"):
            several = [n for n, column in enumerate(self.columns) if column.role == role]
            if len(several) > 1:
                listed = ", ".join(names[n] for n in several)
                message = f"only one column may have the role {role}; these have it: {listed}"
                raise MisplacedError(message, "schema", several[1], "role")
        for n, column in enumerate(self.columns):
            if column.role == "weight" and column.type not in NUMBERS:
                raise MisplacedError(f"the weight column `{column.name}` must be a number", "schema", n, "type")
            if column.role == "target" and column.type in {*TIMES, "text"}:
                message = f"the target `{column.name}` is {column.type}, which cannot be predicted"
                raise MisplacedError(message, "schema", n, "type")
        self._columns_named(set(names))
        return self

    def _columns_named(self, names: set[str]) -> None:
        for n, unique in enumerate(self.checks.unique):
            for name in (unique,) if isinstance(unique, str) else unique:
                if name not in names:
                    raise MisplacedError(_no_column(name, names), "checks", "unique", n)
        for n, reference in enumerate(self.checks.references):
            if reference.column not in names:
                raise MisplacedError(_no_column(reference.column, names), "checks", "references", n, "column")
        for field in ("stratify", "column"):
            name = getattr(self.split, field)
            if name is not None and name not in names:
                raise MisplacedError(_no_column(name, names), "split", field)
        self._divided()

    def _divided(self) -> None:
        """Hold the way of splitting against the columns."""
        by = self.split.by
        if by in ("time", "group") and not self.with_role(by):
            raise MisplacedError(f"`by: {by}` needs a column with `role: {by}`", "split", "by")
        time = self.with_role("time")
        if by == "time" and time[0].type not in TIMES | NUMBERS:
            message = f"`by: time` needs dates, times or numbers; column `{time[0].name}` is {time[0].type}"
            raise MisplacedError(message, "split", "by")
        column = self.column(self.split.column or "")
        if column is not None and (column.type not in ("string", "category") or column.role != "ignore"):
            message = f"column `{column.name}` says which rows are for testing: make it a string, with `role: ignore`"
            raise MisplacedError(message, "split", "column")


def _no_column(name: str, names: set[str]) -> str:
    near = suggest(name, names)
    return f"`{name}` is no column of `schema`" + (f"; {near}" if near else "")
