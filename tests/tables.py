"""Datasets declared in a line, for tests of what reads, checks, describes and splits them."""

from __future__ import annotations

import json
from typing import Any

from mlspec.specs.dataset import Dataset


def declare(*columns: str | dict[str, Any], **fields: Any) -> Dataset:
    """Declare a dataset; a column is a mapping, or `name:type` with an optional `:role`."""
    schema = [_column(column) if isinstance(column, str) else column for column in columns]
    spec = {"name": "d", "owner": "team", "source": "data/d.csv", "schema": schema, **fields}
    return Dataset.model_validate_json(json.dumps(spec))


def _column(text: str) -> dict[str, Any]:
    return dict(zip(("name", "type", "role"), text.split(":"), strict=False))
