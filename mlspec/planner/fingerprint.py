"""Fingerprints: what a dataset version and a run depend on, as flat fields and their digest. DESIGN section 4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mlspec.core import digest
from mlspec.core.recipe import RECIPE
from mlspec.planner.closure import Closure
from mlspec.planner.compact import Compact, compact
from mlspec.planner.fields import DERIVED, Fields, flatten
from mlspec.planner.standing import Asked
from mlspec.specs.base import Change, Spec, select
from mlspec.specs.dataset import Dataset
from mlspec.specs.gate import Gate
from mlspec.specs.model import Model


@dataclass(frozen=True, slots=True)
class Wanted:
    """Flat fields that fit into a record, the digest they make, and objects that hold what did not fit."""

    fields: Fields
    digest: str
    objects: Mapping[str, bytes] = field(default_factory=dict)


def wanted(fields: Fields) -> Wanted:
    """Return fields with their digest."""
    small = compact(fields)
    return Wanted(small.fields, small.digest, small.objects)


def dataset_version(dataset: Dataset, content: str) -> Wanted:
    """Return what makes a dataset version: its bytes, the columns' names, order, types and roles, and the split."""
    fields = flatten(select(dataset, Change.VERSION))
    fields["source.format"] = dataset.source.reads_as
    fields |= {f"schema.{c.name}.values": list(c.values or ()) for c in dataset.columns if c.type == "category"}
    fields["schema.order"] = [column.name for column in dataset.columns]
    fields["content"] = content
    return wanted(fields)


def dataset_of(name: str, fields: Mapping[str, Any]) -> Dataset:
    """Return the dataset a recorded version was made from, as far as its fields say: enough to read and split it."""
    kept = ("type", "role", "values")
    columns = [{"name": column, **_below(fields, f"schema.{column}", kept)} for column in fields["schema.order"]]
    source = _below(fields, "source", ("type", "format", "delimiter", "missing"))
    written = {
        "name": name,
        "owner": "recorded",
        "source": {"path": f"recorded.{source['format']}", **source},
        "schema": columns,
        "split": _below(fields, "split", ("test", "by", "seed", "stratify", "column")),
    }
    return Dataset.model_validate_json(digest.canonical(written))


def _below(fields: Mapping[str, Any], prefix: str, names: tuple[str, ...]) -> Fields:
    return {name: fields[f"{prefix}.{name}"] for name in names if f"{prefix}.{name}" in fields}


def contract(dataset: Dataset, referred: Mapping[str, str | None] = MappingProxyType({})) -> Wanted:
    """Return what decides whether a dataset version is accepted: ranges, values, checks, and the versions it refers to.

    `referred` are the versions of other datasets by name, None where one was never seen.
    """
    fields = flatten(select(dataset, Change.CHECK))
    return wanted(fields | {f"references.{name}": version for name, version in referred.items()})


def run(model: Model, dataset: str, code: Closure | None, environment: str | None) -> Wanted:
    """Return what makes a run: the dataset version, the task, everything of `train`, and the code it reaches.

    The dataset counts by its version, not its name; the environment by its content, not its path.
    """
    chosen = select(model, Change.TRAIN)
    chosen.get("train", {}).pop("environment", None)
    params = chosen.get("train", {}).pop("params", {})
    fields = flatten(chosen)
    fields |= {f"train.params.{name}": value for name, value in params.items()}
    fields["dataset"] = dataset
    if environment is not None:
        fields["train.environment"] = environment
    if code is not None:
        fields |= {f"code.{path}": file_digest for path, file_digest in code.files.items()}
    if model.train.estimator is not None:
        fields["recipe"] = RECIPE
    return wanted(fields)


def gate(spec: Gate, code: Sequence[Closure] = ()) -> Wanted:
    """Return what a gate judges by: its checks, and the code of each of its programs, in their order."""
    chosen = select(spec, Change.EVALUATE)
    if not code:
        return Wanted(flatten(chosen), digest.of(chosen))
    fields = {f"code.{path}": file_digest for one in code for path, file_digest in one.files.items()}
    return Wanted(flatten(chosen) | fields, digest.of({**chosen, "code": [one.digest for one in code]}))


def facts(spec: Spec, code: Sequence[Closure] = ()) -> Compact:
    """Return what is only recorded: owner, purpose, license, and so on; of a gate also what it judges by.

    By its digest, `show` finds the verdicts of the gate as it is now among those of what it was before.
    """
    if isinstance(spec, Gate):
        judges = gate(spec, code)
        return compact({**flatten(select(spec, Change.RECORD)), **judges.fields, DERIVED: judges.digest})
    return compact(flatten(select(spec, Change.RECORD)))


def effect(verb: str, address: str, **inputs: Any) -> str:
    """Return the digest of what an action does from which inputs; never of a time, path, run id or version number."""
    return digest.of({"verb": verb, "address": address, **inputs})


def evaluation_inputs(model: Model, every: Iterable[Asked]) -> dict[str, Any]:
    """Return what an evaluation is asked for: metrics, gate digests, and the champions that gates compare with."""
    asked = sorted(every)
    champions = sorted({(one.gate, one.champion) for one in asked if one.champion})
    return {
        "metrics": sorted(model.metrics),
        "gates": {one.gate: one.digest for one in asked},
        **({"champions": [list(pair) for pair in champions]} if champions else {}),
    }
