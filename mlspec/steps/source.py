"""What a run is trained from, beside data: kept with the run, so that it can be trained again when its commit is gone.

It is an archive as `bundle` makes them: `code/…` are the files of the code, by their paths in the repository, and
`model/…` the declarations of the model and its dataset, as JSON, and its lock file.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlspec.core import digest
from mlspec.core.problem import fail
from mlspec.planner.closure import CodeState
from mlspec.planner.fingerprint import Wanted, dataset_version, run
from mlspec.planner.program import code_of
from mlspec.specs.base import Spec, plain
from mlspec.specs.dataset import Dataset
from mlspec.specs.model import Model
from mlspec.steps import bundle

_MODEL, _DATASET, _LOCK = "model.json", "dataset.json", "environment.lock"


@dataclass(frozen=True, slots=True)
class Source:
    """The declarations of a model and its dataset, the files of its code by path, and the bytes of its lock file."""

    model: Model
    dataset: Dataset
    code: Mapping[str, bytes]
    lock: bytes | None = None

    def read(self, path: str) -> bytes | None:
        """Return a file of the code, or None: a source is a tree that its code can be followed in."""
        return self.code.get(path)

    def paths(self) -> Collection[str]:
        """Return the files of the code."""
        return self.code.keys()


def makes(source: Source, content: str) -> Wanted:
    """Return the run that a source makes of data with this digest: its fields and its fingerprint.

    Raises:
        MlspecError: its code cannot be followed.
    """
    closure, problems = code_of(source.model.train, source)
    wrong = [problem for problem in problems if problem.severity == "error"]
    if wrong:
        raise fail(wrong[0].code, wrong[0].message, place=wrong[0].place, help=wrong[0].help)
    state = CodeState(closure, digest.of_bytes(source.lock) if source.lock is not None else None)
    version = dataset_version(source.dataset, content).digest
    return run(source.model, version, state.closure, state.environment)


def pack(source: Source, folder: Path) -> Path:
    """Write a source into an empty folder, as one file; equal sources give equal bytes.

    Raises:
        OSError: the disk is full, for one.
    """
    files = {_MODEL: _json(source.model), _DATASET: _json(source.dataset)}
    files |= {_LOCK: source.lock} if source.lock is not None else {}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    bundle.pack(folder / "source.zip", {name: folder / name for name in files}, source.code)
    return folder / "source.zip"


def unpack(archive: Path, folder: Path) -> Source:
    """Read what `pack` wrote, by way of an empty folder.

    Raises:
        MlspecError: it is no such archive (`model/unreadable`), or this mlspec cannot read its declarations
            (`reproduce/unreadable`).
    """
    bundle.unpack(archive, folder)
    kept, code = folder / "model", folder / "code"
    try:
        model = Model.model_validate_json((kept / _MODEL).read_bytes())
        dataset = Dataset.model_validate_json((kept / _DATASET).read_bytes())
    except (OSError, ValueError) as error:
        message = f"the spec that was kept with the run cannot be read: {str(error).splitlines()[0]}"
        raise fail("reproduce/unreadable", message, help="was it kept by a newer mlspec?") from error
    files = {path.relative_to(code).as_posix(): path.read_bytes() for path in code.rglob("*") if path.is_file()}
    lock = kept / _LOCK
    return Source(model, dataset, files, lock.read_bytes() if lock.is_file() else None)


def _json(spec: Spec) -> bytes:
    """Return a declaration as it was written: parameters stay in their order, for code may see it."""
    return json.dumps(plain(spec), allow_nan=False, ensure_ascii=False, indent=1).encode() + b"\n"
