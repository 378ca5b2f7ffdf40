"""The fields of a recorded dataset version, with the schema that a wide one keeps in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlspec.core.ports import Store
from mlspec.planner.compact import object_of
from mlspec.planner.fingerprint import dataset_of
from mlspec.specs.dataset import Dataset


def recorded_dataset(store: Store, name: str, fields: Mapping[str, Any]) -> Dataset:
    """Return the dataset that a recorded version was made from: enough to read and split it.

    Raises:
        MlspecError: the store does not hold the schema of a wide version.
    """
    kept = object_of(fields, "schema")
    return dataset_of(name, {**fields, **json.loads(store.read(kept))} if kept else fields)
