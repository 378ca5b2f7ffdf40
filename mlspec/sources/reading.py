"""What reading a table gives, and what its header and types may break."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from mlspec.core.problem import suggest
from mlspec.core.verdict import Violation
from mlspec.specs.dataset import Dataset

FIRST_ROWS = 5
MOST_COLUMNS = 10_000
EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Reading:
    """Declared columns only, in the order of the schema; rows in the order of the file, indexed 0 to n-1.

    integer: int64 (float64 where values are missing, Int64 where those would be rounded); number: float64;
    string, category, text: text or None; boolean: True, False or None, as objects; date, datetime: datetime64[us],
    times in UTC and without a zone.
    """

    frame: pd.DataFrame
    violations: tuple[Violation, ...]


def header_violations(names: Sequence[str], dataset: Dataset) -> list[Violation]:
    """Hold a header against the schema: missing, repeated, unnamed and undeclared columns."""
    found = []
    declared = {column.name for column in dataset.columns}
    for name in sorted({name for name in names if list(names).count(name) > 1}):
        message = f"column `{name}` is in the header {list(names).count(name)} times"
        found.append(Violation(rule="columns/duplicate", column=name, count=1, message=message))
    for column in dataset.columns:
        if column.name not in names:
            hint = suggest(column.name, [name for name in names if name not in declared])
            message = f"column `{column.name}` is missing" + (f"; {hint}" if hint else "")
            found.append(Violation(rule="columns/missing", column=column.name, count=1, message=message))
    extra = [name for name in dict.fromkeys(names) if name not in declared]
    if extra and dataset.checks.extra_columns == "refuse":
        shown = ", ".join(f"`{name}`" if name.strip() else "an unnamed one" for name in extra[:FIRST_ROWS])
        more = f" and {len(extra) - FIRST_ROWS} more" if len(extra) > FIRST_ROWS else ""
        message = (
            f"columns that the schema does not name: {shown}{more} (declare them, or set checks.extra_columns: ignore)"
        )
        found.append(Violation(rule="columns/extra", count=len(extra), message=message))
    return found


def settle_integers(whole: pd.Series) -> pd.Series:
    """Give integers the plainest type that keeps them exact: int64, with gaps float64, or Int64 beyond 2**53."""
    if not whole.hasnans:
        return whole.astype("int64")
    exact = whole.dropna()
    if len(exact) and int(exact.abs().max()) > EXACT:
        return whole.astype("Int64")
    return whole.astype("float64")
