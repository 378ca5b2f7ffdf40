"""`mlspec export` and `mlspec.load`: a recorded model, out of the store and ready to predict, its bytes verified."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlspec.commands.fields import recorded_dataset
from mlspec.commands.recorded import Tell, open_recorded, unheard
from mlspec.core.head import Head, Run
from mlspec.core.heads import of_kind
from mlspec.core.ports import Store
from mlspec.core.problem import fail, suggest
from mlspec.formats.skops_format import load as load_model
from mlspec.io.resources import folder
from mlspec.specs.dataset import Column
from mlspec.steps.frames import Field, fields_of, typed

if TYPE_CHECKING:
    import pandas as pd

_REFERENCE = re.compile(r"(?:model/)?(?P<name>[a-z][a-z0-9-]*)(?:@(?:v(?P<version>\d+)|(?P<stage>[a-z][a-z0-9-]*)))?")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recorded version and where its bytes are."""

    head: Head
    version: int | None
    run: Run
    fingerprint: str
    store: Store
    columns: tuple[Column, ...]

    @property
    def manifest(self) -> dict[str, Any]:
        """Return what training wrote beside the model."""
        read_back: dict[str, Any] = json.loads(self.store.read(self.run.manifest))
        return read_back


def choose(start: Path, reference: str, tell: Tell = unheard) -> Chosen:
    """Find `income@v3`, `income@production`, or `income`: what holds the last stage, else the newest version.

    Raises:
        MlspecError: no such model, version or stage; or nothing holds the stage.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise fail("export/reference", f"`{reference}` names no version", help="write MODEL, MODEL@v3 or MODEL@STAGE")
    recorded = open_recorded(start, tell)
    heads, project = recorded.state.heads, recorded.project
    head = heads.get(f"model/{match['name']}")
    if head is None:
        known = [address.partition("/")[2] for address in heads if address.startswith("model/")]
        raise fail(
            "export/unknown-model", f"no model `{match['name']}` is recorded", help=suggest(match["name"], known)
        )
    number = _number(head, match["version"], match["stage"], project.stages)
    version = head.version(number)
    if version is None:
        listed = ", ".join(f"v{known.n}" for known in head.versions) or "none"
        raise fail("export/unknown-version", f"{head.address} has no v{number}; versions: {listed}")
    run = head.runs[version.fingerprint]
    columns = _columns(heads, run, recorded.store)
    return Chosen(head, number, run, version.fingerprint, recorded.store, columns)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A recorded model, ready to predict. `estimator` is the fitted scikit-learn object itself."""

    reference: str
    version: int | None
    estimator: Any
    fields: tuple[Field, ...]

    def predict(self, frame: pd.DataFrame) -> Any:
        """Return one prediction for each row, shape (rows,); `frame` has the feature columns, in any order.

        Raises:
            MlspecError: a feature column is missing, or holds something else than its declared type.
        """
        return self.estimator.predict(typed(frame, self.fields))

    def predict_proba(self, frame: pd.DataFrame) -> Any:
        """Return the probability of each class, shape (rows, classes), in the order of `estimator.classes_`.

        Raises:
            MlspecError: as `predict`.
            AttributeError: the model gives no probabilities.
        """
        return self.estimator.predict_proba(typed(frame, self.fields))


def load(reference: str, path: str | Path = ".") -> LoadedModel:
    """Return a recorded model: `income@v3`, `income@production` or `income`; `path` lies in the project.

    Raises:
        MlspecError: as `choose`; or the store does not hold the model, or holds other bytes.
    """
    chosen = choose(Path(path), reference)
    with tempfile.TemporaryDirectory(prefix="mlspec-load-") as name:
        artifact = Path(name) / "model.skops"
        chosen.store.fetch(chosen.run.artifact, artifact)
        estimator = load_model(artifact, tuple(chosen.manifest["trusted"]))
    features = [column for column in chosen.columns if column.role == "feature"]
    return LoadedModel(reference, chosen.version, estimator, fields_of(features))


def export(start: Path, reference: str, target: Path, tell: Tell = unheard) -> list[Path]:
    """Write a version into a new folder: the model, its schema, its story, and a script that runs it.

    Raises:
        MlspecError: as `choose`; or the folder exists and is not empty.
    """
    chosen = choose(start, reference, tell)
    if target.exists() and any(target.iterdir()):
        raise fail("export/not-empty", f"{target} is not empty", help="name a new folder")
    content = chosen.store.read(chosen.run.artifact)
    files = {
        "model.skops": content,
        "model.json": _json(_story(chosen)),
        "predict.py": (folder("templates") / "export" / "predict.py").read_bytes(),
        "requirements.txt": _requirements(chosen),
    }
    target.mkdir(parents=True, exist_ok=True)
    for name, body in files.items():
        (target / name).write_bytes(body)
    return [target / name for name in files]


def _number(head: Head, version: str | None, stage: str | None, order: tuple[str, ...]) -> int:
    if version is not None:
        return int(version)
    if stage is not None:
        state = head.stages.get(stage)
        if state is None or state.version is None:
            held = ", ".join(name for name, known in head.stages.items() if known.version) or "none"
            raise fail("export/empty-stage", f"nothing holds {stage} of {head.address}; stages held: {held}")
        return state.version
    held_last = [head.stages[name].version for name in order if name in head.stages]
    numbers = [number for number in held_last if number] or [known.n for known in head.versions]
    if not numbers:
        raise fail("export/no-version", f"{head.address} has no version yet", help="run: mlspec apply")
    return numbers[-1]


def _columns(heads: Mapping[str, Head], run: Run, store: Store) -> tuple[Column, ...]:
    for head in of_kind(heads, "dataset"):
        if run.dataset in head.snapshots:
            return recorded_dataset(store, "recorded", head.snapshots[run.dataset].fields).columns
    return ()


def _story(chosen: Chosen) -> dict[str, Any]:
    return {
        "model": chosen.head.address,
        "version": chosen.version,
        "fingerprint": chosen.fingerprint,
        "artifact": chosen.run.artifact,
        "record": chosen.run.record,
        "trained": chosen.run.at,
        "task": chosen.run.fields.get("task"),
        "trusted": chosen.manifest["trusted"],
        "schema": [_declared(c) for c in chosen.columns if c.role == "feature"],
        "metrics": {name: estimate.model_dump(mode="json") for name, estimate in chosen.run.metrics.items()},
    }


def _declared(column: Column) -> dict[str, Any]:
    ordered = {"values": list(column.values or ())} if column.type == "category" else {}
    return {"name": column.name, "type": column.type, **ordered}


def _requirements(chosen: Chosen) -> bytes:
    packages: dict[str, str] = json.loads(chosen.store.read(chosen.manifest["packages"]))
    wanted = ("scikit-learn", "skops", "pandas", "numpy", "scipy")
    return "".join(f"{name}=={packages[name]}\n" for name in wanted if name in packages).encode()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=2).encode() + b"\n"
