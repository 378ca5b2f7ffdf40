"""Field -> class of change, for every field of every kind: what an edit of it makes the plan do. DESIGN section 4."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mlspec.core.head import contract_key
from mlspec.gates.metric import MetricCheck
from mlspec.planner import fingerprint
from mlspec.planner.closure import Closure
from mlspec.plugins.catalog import catalog
from mlspec.specs.base import Change, Keep, Part, change_of
from mlspec.specs.dataset import Checks, Column, Dataset, FileSource, Split
from mlspec.specs.gate import CheckSpec, Gate
from mlspec.specs.model import KeepVersions, LockedEnvironment, Model, Stage, Train

DATASET: dict[str, Any] = {
    "name": "adult",
    "owner": "risk",
    "source": {"path": "data/adult.csv"},
    "schema": [
        {"name": "id", "type": "integer", "role": "id"},
        {"name": "age", "type": "integer", "min": 17, "max": 100},
        {"name": "sex", "type": "string", "values": ["F", "M"]},
        {"name": "income", "type": "string", "role": "target"},
    ],
}
MODEL: dict[str, Any] = {
    "name": "income",
    "owner": "risk",
    "dataset": "adult",
    "task": "classification",
    "train": {
        "estimator": "sklearn.linear_model.LogisticRegression",
        "params": {"C": 1.0},
        "environment": {"lock": "uv.lock"},
    },
    "metrics": ["roc_auc"],
    "stages": {"staging": {"gates": ["quality"]}},
}

# field -> (an edit of it, the class it must have); every field of every kind is here, or the test below fails.
CASES: dict[str, tuple[Any, Change]] = {
    "dataset.name": ("people", Change.IDENTITY),
    "dataset.owner": ("data", Change.RECORD),
    "dataset.description": ("Census rows.", Change.RECORD),
    "dataset.protect": (True, Change.RECORD),
    "dataset.purpose": ("Teaching.", Change.RECORD),
    "dataset.license": ("CC-BY-4.0", Change.RECORD),
    "dataset.source.type": ("file", Change.VERSION),
    "dataset.source.path": ("data/moved.csv", Change.RECORD),
    "dataset.source.format": ("parquet", Change.VERSION),
    "dataset.source.delimiter": (";", Change.VERSION),
    "dataset.source.missing": (["?"], Change.VERSION),
    "dataset.schema.1.name": ("years", Change.VERSION),
    "dataset.schema.1.type": ("number", Change.VERSION),
    "dataset.schema.1.role": ("ignore", Change.VERSION),
    "dataset.schema.1.min": (16, Change.CHECK),
    "dataset.schema.1.max": (99, Change.CHECK),
    "dataset.schema.2.values": (["F", "M", "X"], Change.CHECK),
    "dataset.schema.2.pattern": ("[FMX]", Change.CHECK),
    "dataset.schema.1.max_missing": (0.1, Change.CHECK),
    "dataset.schema.2.sensitive": (True, Change.RECORD),
    "dataset.schema.1.description": ("In years.", Change.RECORD),
    "dataset.checks.max_missing": (0.05, Change.CHECK),
    "dataset.checks.unique": (["id"], Change.CHECK),
    "dataset.checks.min_rows": (1000, Change.CHECK),
    "dataset.checks.max_rows": (9000, Change.CHECK),
    "dataset.checks.extra_columns": ("ignore", Change.CHECK),
    "dataset.checks.references": ([{"column": "id", "dataset": "people"}], Change.CHECK),
    "dataset.split.test": (0.3, Change.VERSION),
    "dataset.split.by": ("random", Change.VERSION),
    "dataset.split.seed": (3, Change.VERSION),
    "dataset.split.stratify": ("income", Change.VERSION),
    "dataset.split.column": ("side", Change.VERSION),
    "dataset.keep.newest": (5, Change.NOTHING),
    "model.name": ("earnings", Change.IDENTITY),
    "model.owner": ("data", Change.RECORD),
    "model.description": ("Income.", Change.RECORD),
    "model.protect": (True, Change.RECORD),
    "model.dataset": ("people", Change.TRAIN),
    "model.task": ("regression", Change.TRAIN),
    "model.positive": (">50K", Change.TRAIN),
    "model.train.estimator": ("sklearn.svm.SVC", Change.TRAIN),
    "model.train.entrypoint": ("src/train.py:train", Change.TRAIN),
    "model.train.command": ("python train.py", Change.TRAIN),
    "model.train.predict": ("src.predict:predict", Change.TRAIN),
    "model.train.params": ({"C": 2.0}, Change.TRAIN),
    "model.train.seed": (7, Change.TRAIN),
    "model.train.repeats": (3, Change.TRAIN),
    "model.train.environment.lock": ("requirements.lock", Change.TRAIN),
    "model.train.environment.use": ("current", Change.NOTHING),
    "model.train.code": (["src/*.sql"], Change.TRAIN),
    "model.train.threads": (2, Change.TRAIN),
    "model.train.format": ("pickle", Change.TRAIN),
    "model.train.timeout": ("2h", Change.NOTHING),
    "model.train.env": (["TOKEN"], Change.NOTHING),
    "model.metrics": (["roc_auc", "accuracy"], Change.EVALUATE),
    "model.stages.staging.version": (3, Change.PROMOTE),
    "model.stages.staging.gates": (["quality", "fairness"], Change.EVALUATE),
    "model.keep.newest": (5, Change.NOTHING),
    "model.keep.versions": ([2], Change.NOTHING),
    "model.waivers": (
        [{"gate": "quality", "check": "metric", "reason": "A pilot.", "owner": "legal", "expires": "2027-03-31"}],
        Change.RECORD,
    ),
    "gate.name": ("bar", Change.IDENTITY),
    "gate.owner": ("data", Change.RECORD),
    "gate.description": ("A bar.", Change.RECORD),
    "gate.protect": (True, Change.RECORD),
    "gate.checks": ([{"check": "metric", "metric": "roc_auc", "min": 0.91}], Change.EVALUATE),
    "gate.reuse_limit": (20, Change.RECORD),
}
KINDS: dict[str, type[Part]] = {"dataset": Dataset, "model": Model, "gate": Gate}
PARTS: dict[str, type[Part]] = {
    "dataset.source": FileSource,
    "dataset.schema.*": Column,
    "dataset.checks": Checks,
    "dataset.split": Split,
    "dataset.keep": Keep,
    "model.train": Train,
    "model.train.environment": LockedEnvironment,
    "model.stages.staging": Stage,
    "model.keep": KeepVersions,
}
# One allowed value only, or a field that another must go with: their class is read off, their effect cannot be tried.
READ_OFF = {
    "dataset.source.type",
    "dataset.split.stratify",
    "dataset.split.column",
    "model.train.code",
    "model.train.entrypoint",
    "model.train.command",
    "model.train.predict",
}


def every_field() -> Iterator[tuple[str, type[Part], str]]:
    for prefix, part in {**KINDS, **PARTS}.items():
        for name, info in part.model_fields.items():
            path = f"{prefix}.{info.alias or name}"
            if path not in PARTS and f"{path}.*" not in PARTS and f"{path}.staging" not in PARTS:
                yield path, part, name


def general(path: str) -> str:
    return ".".join("*" if part.isdigit() else part for part in path.split("."))


def test_every_field_has_a_case() -> None:
    assert {path for path, _, _ in every_field()} == {general(path) for path in CASES}


@pytest.mark.parametrize("path", CASES)
def test_declared_class(path: str) -> None:
    declared = {field: change_of(part, name) for field, part, name in every_field()}
    assert declared[general(path)] is CASES[path][1]


@pytest.mark.parametrize("check", catalog().checks.values(), ids=catalog().checks)
def test_gate_check_fields_make_the_gate_evaluate(check: type[CheckSpec]) -> None:
    assert {change_of(check, name) for name in check.model_fields} == {Change.EVALUATE}


@pytest.mark.parametrize("path", [path for path in CASES if path.startswith("dataset.") and path not in READ_OFF])
def test_effect_on_dataset(path: str) -> None:
    before, after = dataset(DATASET), dataset(edited(DATASET, path, CASES[path][0]))
    version = [fingerprint.dataset_version(spec, "sha256:x").digest for spec in (before, after)]
    contract = [fingerprint.contract(spec).digest for spec in (before, after)]
    facts = [fingerprint.facts(spec) for spec in (before, after)]
    changed = {
        Change.VERSION: version[0] != version[1],
        Change.CHECK: contract_key("v", contract[0]) != contract_key("v", contract[1]),
        Change.RECORD: facts[0] != facts[1],
    }
    expected = CASES[path][1]
    # Renaming a column renames what is declared of it; every other edit touches its own class alone.
    if path != "dataset.schema.1.name":
        assert {kind for kind, differs in changed.items() if differs} == ({expected} & changed.keys())
    else:
        assert changed[Change.VERSION]


@pytest.mark.parametrize("path", [path for path in CASES if path.startswith("model.") and path not in READ_OFF])
def test_effect_on_model(path: str) -> None:
    before, after = model(MODEL), model(edited(MODEL, path, CASES[path][0]))
    locks = [spec.train.environment.lock if spec.train.environment else None for spec in (before, after)]
    runs = [
        fingerprint.run(spec, spec.dataset, None, f"sha256:{lock}").digest
        for spec, lock in zip((before, after), locks, strict=True)
    ]
    facts = [fingerprint.facts(spec) for spec in (before, after)]
    expected = CASES[path][1]
    assert (runs[0] != runs[1]) == (expected is Change.TRAIN)
    assert (facts[0] != facts[1]) == (expected is Change.RECORD)


def test_a_lock_counts_by_its_content_however_it_is_written() -> None:
    alone = model(edited(MODEL, "model.train.environment", "requirements.lock"))
    moved = model(edited(MODEL, "model.train.environment", {"lock": "locks/requirements.lock", "use": "locked"}))
    runs = [fingerprint.run(spec, "d", None, "sha256:lock") for spec in (alone, moved)]
    assert runs[0] == runs[1]
    assert runs[0].fields["train.environment"] == "sha256:lock"


def test_an_explicit_default_is_no_change() -> None:
    written = edited(
        edited(edited(DATASET, "dataset.split.test", 0.25), "dataset.source.format", "csv"), "dataset.protect", False
    )
    for digest_of in (fingerprint.contract, lambda spec: fingerprint.dataset_version(spec, "sha256:x")):
        assert digest_of(dataset(DATASET)).digest == digest_of(dataset(written)).digest
    assert fingerprint.facts(dataset(DATASET)) == fingerprint.facts(dataset(written))


def test_integer_and_float_parameters_differ() -> None:
    one, one_point = (model(edited(MODEL, "model.train.params", {"max_features": value})) for value in (1, 1.0))
    assert fingerprint.run(one, "d", None, None).digest != fingerprint.run(one_point, "d", None, None).digest


def test_code_counts_by_file() -> None:
    spec = model(edited(edited(MODEL, "model.train.estimator", None), "model.train.entrypoint", "src/train.py:train"))
    codes = [Closure({"src/train.py": f"sha256:{name}"}, f"sha256:{name}") for name in "ab"]
    runs = [fingerprint.run(spec, "d", code, None) for code in codes]
    assert runs[0].digest != runs[1].digest
    assert runs[0].fields["code.src/train.py"] == "sha256:a"


def test_a_command_counts_by_its_words() -> None:
    commands = ("python train.py --name 'a b'", 'python   train.py  --name "a b"', "python train.py --name a b")
    runs = [fingerprint.run(model(edited(MODEL, "model.train.command", text)), "d", None, None) for text in commands]
    assert runs[0].digest == runs[1].digest != runs[2].digest


def test_golden_fingerprints() -> None:
    """A change here retrains every model of every user: never edit these, bump the recipe or the format instead."""
    assert fingerprint.dataset_version(dataset(DATASET), "sha256:" + "0" * 64).digest == GOLDEN["dataset"]
    assert fingerprint.contract(dataset(DATASET)).digest == GOLDEN["contract"]
    assert fingerprint.run(model(MODEL), "sha256:" + "1" * 64, None, None).digest == GOLDEN["run"]
    assert fingerprint.gate(gate()).digest == GOLDEN["gate"]


GOLDEN = {
    "dataset": "sha256:9d5ae4de94906e581e57b435604062d72570bda779351a7b757bc398e194ad70",
    "contract": "sha256:14f901bb07181f8d733716fc29d1a0cc9ee1d641c0209bdefa1fca63dd6b876e",
    "run": "sha256:1d9dc264adebbcc3c2dfd7acf00a8ed12d7a93d46a4845297639b7653a9bf4f9",
    "gate": "sha256:09a0628f4107c92dbeab9f490dc2459a8126c3b6f266cbb7bc047c2e8b8fa936",
}


def dataset(written: dict[str, Any]) -> Dataset:
    return Dataset.model_validate_json(json.dumps(written))


def model(written: dict[str, Any]) -> Model:
    return Model.model_validate_json(json.dumps(written))


def gate() -> Gate:
    check = MetricCheck.model_validate_json('{"check": "metric", "metric": "roc_auc", "min": 0.9}')
    return Gate(name="quality", owner="risk", checks=(check,))


def edited(written: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with the field at `kind.a.b` set; None removes it."""
    copy: dict[str, Any] = json.loads(json.dumps(written))
    *folders, last = path.split(".")[1:]
    inside: Any = copy
    for step in folders:
        inside = inside[int(step)] if step.isdigit() else inside.setdefault(step, {})
    if value is None:
        inside.pop(last, None)
    else:
        inside[last] = value
    if last in ("entrypoint", "command"):
        inside.pop("estimator", None)
    return copy
