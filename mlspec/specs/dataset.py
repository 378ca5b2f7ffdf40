"""Dataset: where rows come from, what they must look like, and how they are split."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from mlspec.specs.base import Change, Part, Scalar, Spec, Text
from mlspec.specs.paths import RepositoryPath

ColumnType = Literal["integer", "number", "string", "boolean"]
Role = Literal["feature", "target", "id", "time", "group", "weight", "ignore"]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
}


class FileSource(Part):
    """Rows in one file."""

    type: Annotated[Literal["file"], Change.VERSION] = "file"
    """The type of source."""
    path: Annotated[RepositoryPath, Change.RECORD]
    """The file, relative to the repository; `.csv` or `.parquet`."""
    format: Annotated[Literal["csv", "parquet"] | None, Change.VERSION] = None
    """How to read it; by default what the file name ends with."""
    delimiter: Annotated[Annotated[str, Field(min_length=1, max_length=1)], Change.VERSION] = ","
    """What separates the fields of a CSV file."""
    missing: Annotated[tuple[str, ...], Change.VERSION] = ()
    """Texts that mean "missing" in a CSV file; an empty field always does."""

    @property
    def reads_as(self) -> str:
        """Return `csv`, `parquet`, or the unknown suffix."""
        return self.format or self.path.rpartition(".")[2].lower()

    @model_validator(mode="after")
    def _known_format(self) -> FileSource:
        if self.reads_as not in ("csv", "parquet"):
            raise ValueError(f"can't tell how to read `{self.path}`: name it .csv or .parquet, or give `format:`")
        return self


def _written_short(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


Source = Annotated[FileSource, BeforeValidator(_written_short, json_schema_input_type=str | FileSource)]


class Column(Part):
    """One column of the contract."""

    name: Annotated[Annotated[str, Field(min_length=1, max_length=200)], Change.VERSION]
    """The name in the header, exactly."""
    type: Annotated[ColumnType, Change.VERSION]
    """What its values are."""
    role: Annotated[Role, Change.VERSION] = "feature"
    """What the column is for; only features are shown to a model."""
    min: Annotated[Finite | None, Change.CHECK] = None
    """The smallest value allowed."""
    max: Annotated[Finite | None, Change.CHECK] = None
    """The largest value allowed."""
    values: Annotated[tuple[Scalar, ...] | None, Change.CHECK] = None
    """All values allowed."""
    max_missing: Annotated[Fraction | None, Change.CHECK] = None
    """The share of missing values allowed in this column; by default what `checks` says."""
    sensitive: Annotated[bool, Change.RECORD] = False
    """Personal or protected: its values are never printed or recorded."""
    description: Annotated[Text | None, Change.RECORD] = None
    """What the column means."""

    @model_validator(mode="after")
    def _consistent(self) -> Column:
        if (self.min is not None or self.max is not None) and self.type not in ("integer", "number"):
            raise ValueError(f"`min` and `max` are for numbers; column `{self.name}` is {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"column `{self.name}`: min {self.min:g} is above max {self.max:g}")
        for value in self.values or ():
            allowed = _PYTHON_TYPES[self.type]
            if not isinstance(value, allowed) or (isinstance(value, bool) and self.type != "boolean"):
                raise ValueError(f"column `{self.name}` is {self.type}, but {value!r} in `values` is not")
        return self


class Checks(Part):
    """What must hold for the whole table before anything trains on it."""

    max_missing: Annotated[Fraction, Change.CHECK] = 1.0
    """The share of missing values allowed in each column."""
    unique: Annotated[tuple[str, ...], Change.CHECK] = ()
    """Columns in which no value appears twice, each by itself."""
    min_rows: Annotated[Annotated[int, Field(ge=1)], Change.CHECK] = 1
    """The fewest rows."""
    max_rows: Annotated[Annotated[int, Field(ge=1)] | None, Change.CHECK] = None
    """The most rows."""
    extra_columns: Annotated[Literal["refuse", "ignore"], Change.CHECK] = "refuse"
    """What to do with columns that the schema does not name."""


class Split(Part):
    """How rows are divided into training and test."""

    test: Annotated[Annotated[float, Field(gt=0, lt=1)], Change.VERSION] = 0.25
    """The share of rows kept for testing."""
    by: Annotated[Literal["hash", "random"], Change.VERSION] = "hash"
    """`hash` of the id (else of the row): rows keep their side as data grows; `random`: exact shares, by seed."""
    seed: Annotated[Annotated[int, Field(ge=0, lt=2**32)], Change.VERSION] = 0
    """Another seed gives another split."""
    stratify: Annotated[str | None, Change.VERSION] = None
    """A column whose values keep their shares on both sides; with `by: random`."""


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
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"column `{name}` is declared twice in `schema`")
        for role in ("target", "id", "time", "group", "weight"):
            several = [column.name for column in self.columns if column.role == role]
            if len(several) > 1:
                raise ValueError(f"only one column may have the role {role}; these have it: {', '.join(several)}")
        for weight in self.with_role("weight"):
            if weight.type not in ("integer", "number"):
                raise ValueError(f"the weight column `{weight.name}` must be a number")
        for name in self.checks.unique:
            if name not in names:
                raise ValueError(f"`checks.unique` names `{name}`, which is no column of `schema`")
        if self.split.stratify is not None:
            if self.split.by != "random":
                raise ValueError("`split.stratify` goes with `by: random`")
            if self.split.stratify not in names:
                raise ValueError(f"`split.stratify` names `{self.split.stratify}`, which is no column of `schema`")
        return self
