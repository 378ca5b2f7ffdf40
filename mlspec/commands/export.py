"""`mlspec export`: a recorded model in a folder, with all that is needed to run it, its bytes verified."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path, PurePosixPath
from typing import Any

from mlspec.commands.choose import Chosen, choose
from mlspec.commands.kept_as import kept_as
from mlspec.commands.recorded import Tell, unheard
from mlspec.commands.surroundings import trained_under
from mlspec.core import digest
from mlspec.core.problem import fail
from mlspec.io.resources import folder
from mlspec.specs.dataset import Column
from mlspec.steps import bundle
from mlspec.steps.entrypoint import dotted
from mlspec.steps.wire import Kept

_LOCKS = "environment"
"""The folder of the lock file of a model that was trained under one; its name may be `requirements.txt`."""


def export(start: Path, reference: str, target: Path, tell: Tell = unheard) -> list[Path]:
    """Write a version into a new folder: the model, its schema, its story, and a script that runs it.

    Raises:
        MlspecError: as `choose`; or the folder exists and is not empty.
    """
    chosen = choose(start, reference, tell)
    if target.exists() and any(target.iterdir()):
        raise fail("export/not-empty", f"{target} is not empty", help="name a new folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".mlspec-export-", dir=target.parent) as beside:
        made = Path(beside) / "export"
        made.mkdir()
        names = [path.relative_to(made) for path in _write(chosen, made)]
        target.mkdir(exist_ok=True)
        for path in made.iterdir():  # only when all of it is right does anything of it appear
            path.replace(target / path.name)
    return [target / name for name in names]


def _write(chosen: Chosen, made: Path) -> list[Path]:
    """Write all files of an export into a folder; return them."""
    kept = kept_as(chosen.run, chosen.store)
    templates = folder("templates") / "export"
    written = _model(chosen, kept, made)
    files = {
        "model.json": _json(_story(chosen) | _of_code(kept, made / "code") | _of_pickle(kept, made)),
        "predict.py": (templates / "predict.py").read_bytes(),
        "ask.py": (templates / f"{_way(kept)}.py").read_bytes(),
        "requirements.txt": _requirements(chosen, kept),
    }
    lock = trained_under(chosen.run, chosen.store)
    if lock is not None:
        (made / _LOCKS).mkdir()
        files[f"{_LOCKS}/{lock.name}"] = lock.content
    for name, body in files.items():
        (made / name).write_bytes(body)
    return [*written, *(made / name for name in files)]


def _of_code(kept: Kept, code: Path) -> dict[str, Any]:
    """Return what the script must know of a model's code."""
    if kept.home is None:
        return {}
    file = (kept.entry or "").partition(":")[0]
    module = dotted(PurePosixPath(file), code) if file else None
    return {"home": kept.home, "entry": kept.entry, "module": module}


def _of_pickle(kept: Kept, made: Path) -> dict[str, Any]:
    """Return what the script must know before it loads a pickle."""
    if kept.form != "pickle":
        return {}
    file = kept.file if kept.home is None else f"model/{kept.file}"
    return {"file": file, "digest": digest.of_bytes((made / file).read_bytes())}


def _way(kept: Kept) -> str:
    """Return the name of the template that predicts with a model."""
    if kept.form == "pickle":
        return "pickled"
    return "skops_with_code" if kept.form == "skops" and kept.home is not None else kept.form


def _model(chosen: Chosen, kept: Kept, target: Path) -> list[Path]:
    """Write the model itself: one file, or its files and its code."""
    if kept.home is None:
        chosen.store.fetch(chosen.run.artifact, target / kept.file)
        return [target / kept.file]
    with tempfile.TemporaryDirectory(prefix="mlspec-export-") as beside:
        archive = Path(beside) / "model.zip"
        chosen.store.fetch(chosen.run.artifact, archive)
        bundle.unpack(archive, target)
    return [path for name in ("model", "code") for path in sorted((target / name).rglob("*")) if path.is_file()]


def _story(chosen: Chosen) -> dict[str, Any]:
    source = chosen.dataset.source if chosen.dataset else None
    return {
        "model": chosen.head.address,
        "version": chosen.version,
        "fingerprint": chosen.fingerprint,
        "artifact": chosen.run.artifact,
        "record": chosen.run.record,
        "trained": chosen.run.at,
        "task": chosen.run.fields.get("task"),
        "trusted": chosen.manifest["trusted"],
        "delimiter": source.delimiter if source else ",",
        "missing": ["", *(source.missing if source else ())],
        "schema": [_declared(c) for c in chosen.columns if c.role == "feature"],
        "metrics": {name: estimate.model_dump(mode="json") for name, estimate in chosen.run.metrics.items()},
    }


def _declared(column: Column) -> dict[str, Any]:
    ordered = {"values": list(column.values or ())} if column.type == "category" else {}
    return {"name": column.name, "type": column.type, **ordered}


def _requirements(chosen: Chosen, kept: Kept) -> bytes:
    """Return the packages that predicting needs: where it runs code all that were there, for nobody knows less."""
    packages: dict[str, str] = json.loads(chosen.store.read(chosen.manifest["packages"]))
    if kept.form == "onnx":
        wanted: tuple[str, ...] = ("onnxruntime", "pandas", "numpy")
    elif kept.runs_code:
        wanted = tuple(packages)
    else:
        wanted = ("scikit-learn", "skops", "pandas", "numpy", "scipy")
    return "".join(f"{name}=={packages[name]}\n" for name in wanted if name in packages).encode()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False, indent=2).encode() + b"\n"
