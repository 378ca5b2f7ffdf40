"""Versions of datasets made in a test, from columns declared in short and arrays of rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mlspec.stats.case import Case, Data
from mlspec.stats.evidence import Evidence
from mlspec.steps.frames import fields_of, typed
from tests.tables import declare


def made(
    types: Mapping[str, str], rows: Mapping[str, Any], tests: int = 0, *, version: str = "now", **fields: Any
) -> Data:
    """Return a version of a dataset, of which the last so many rows are for testing.

    The type of a column may be followed by a colon and its role; a category is of `low` and `high`.
    """
    dataset = declare(*(_column(name, said) for name, said in types.items()), **fields)
    frame = typed(pd.DataFrame(dict(rows)), fields_of(dataset.columns))
    return Data(version, dataset, frame, np.arange(len(frame)) >= len(frame) - tests)


def _column(name: str, said: str) -> str | dict[str, Any]:
    return {"name": name, "type": said, "values": ["low", "high"]} if said == "category" else f"{name}:{said}"


def case_of(data: Data, task: Any = "classification") -> Case:
    """Return a case of data alone: what a model said of it does not matter."""
    none = np.zeros(int(data.test.sum()), dtype=np.int64)
    return Case(Evidence(task, None, (0, 1), none, none), data=lambda: data)
