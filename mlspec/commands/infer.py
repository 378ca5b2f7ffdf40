"""`mlspec init dataset FILE`: a Dataset spec guessed from a file, for review; nothing is ever overwritten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlspec.commands.find import find_project, inside
from mlspec.commands.fmt import canonical as in_layout
from mlspec.commands.load import attempt, load_project
from mlspec.core.digest import canonical
from mlspec.core.globs import is_glob, matcher
from mlspec.core.problem import fail
from mlspec.core.sample import Sample
from mlspec.io.files import find_source, write_file
from mlspec.io.parts import Wanted, find_parts, folder_of
from mlspec.io.trees import SPECS_FOLDER, WorkTree
from mlspec.render.dataset_spec import dataset_spec
from mlspec.sources.piece import Piece
from mlspec.sources.sample import csv_header, jsonl_sample, parquet_sample, text_sample
from mlspec.specs.dataset import Dataset, FileSource
from mlspec.steps.guess import Guessed, guess

MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Inferred:
    """A spec that was written: where, and what it says."""

    path: Path
    dataset: Dataset
    rows: int
    whole: bool
    left_out: tuple[str, ...] = ()
    """Columns of types that a dataset cannot have."""


def infer(start: Path, path: str) -> Inferred:
    """Guess a Dataset from a file, or a glob in quotes, and write it to specs/NAME.yaml.

    Raises:
        MlspecError: the file is not in the project or cannot be read (`source/…`, `data/…`), or the spec is there.
    """
    root = find_project(start)
    project = load_project(WorkTree(root))
    source = _source(start, root, path)
    name = _name(source.path)
    target = root / SPECS_FOLDER / f"{name}.yaml"
    _refuse_taken(root, target, name)
    pieces = _pieces(root, source.path)
    sample, how, left_out = _sample(pieces, source)
    found = guess(sample)
    if not found.rows:
        raise fail("data/empty", f"{source.path} has no rows, so nothing can be guessed from it")
    owner = next(iter(project.teams))
    fields = _fields(found, name, owner, source.path, how, ignores=bool(left_out))
    dataset = Dataset.model_validate_json(canonical({key: value for key, value in fields.items() if key != "kind"}))
    whys = {guessed.fields["name"]: guessed.why for guessed in found.columns}
    note = f"{'all' if sample.whole else 'the first'} {found.rows:,} rows of {source.path}"
    spec = dataset_spec(fields, whys, note).encode()
    write_file(target, in_layout(target.name, spec))
    return Inferred(target, dataset, found.rows, sample.whole, tuple(left_out))


def _source(start: Path, root: Path, path: str) -> FileSource:
    if is_glob(path):
        folder = inside(start, root, folder_of(path) or ".")
        below = path.removeprefix(folder_of(path)).removeprefix("/")
        path = below if folder == "." else f"{folder}/{below}"
    else:
        path = inside(start, root, path)
    try:
        return FileSource(path=path)
    except ValueError:
        message = f"can't tell how to read `{path}`"
        raise fail(
            "init/format", message, help="name a .csv, .jsonl or .parquet file, or a glob of them in quotes"
        ) from None


def _name(path: str) -> str:
    stem = path.rpartition("/")[2].partition(".")[0]
    named = stem if not is_glob(stem) else folder_of(path).rpartition("/")[2]
    slug = re.sub(r"[^a-z0-9]+", "-", named.lower()).strip("-")[:63].strip("-")
    return slug if slug[:1].isalpha() else f"data-{slug}".strip("-")[:63]


def _refuse_taken(root: Path, target: Path, name: str) -> None:
    loaded, _ = attempt(WorkTree(root), None)
    if target.exists() or target.is_symlink():
        raise fail("init/exists", f"{target.relative_to(root)} is there already, and init overwrites nothing")
    if loaded is not None and name in loaded.specs.datasets:
        raise fail("init/exists", f"dataset/{name} is declared already", help="rename the file, or remove that spec")


def _pieces(root: Path, path: str) -> list[Piece]:
    if not is_glob(path):
        return [Piece.whole(find_source(root, path), path)]
    return [Piece.whole(file, name) for name, file in find_parts(root, Wanted(path, matcher(path))).items()]


def _sample(pieces: list[Piece], source: FileSource) -> tuple[Sample, dict[str, Any], list[str]]:
    """Return the first rows, how else they are to be read, and which columns cannot be declared."""
    if source.reads_as == "jsonl":
        return jsonl_sample(pieces, MOST_ROWS), {}, []
    if source.reads_as == "parquet":
        sample, left_out = parquet_sample(pieces[0], MOST_ROWS)
        whole = sample.whole and len(pieces) == 1
        return Sample(sample.cells, sample.kinds, whole), {}, left_out
    names, delimiter = csv_header(pieces[0])
    how = {} if delimiter == "," else {"delimiter": delimiter}
    columns = [{"name": name, "type": "string"} for name in names]
    text = {"name": _name(source.path), "owner": "nobody", "source": {"path": source.path, **how}, "schema": columns}
    return text_sample(pieces, Dataset.model_validate_json(canonical(text)), MOST_ROWS), how, []


def _fields(
    found: Guessed, name: str, owner: str, path: str, how: Mapping[str, Any], *, ignores: bool
) -> dict[str, Any]:
    read = {**how, **({"missing": list(found.missing)} if found.missing else {})}
    columns = [guessed.fields for guessed in found.columns]
    ids = [column["name"] for column in columns if column.get("role") == "id"]
    checks: dict[str, Any] = {"unique": ids} if ids else {}
    checks["min_rows"] = max(1, found.rows // 2)
    if ignores:
        checks["extra_columns"] = "ignore"
    return {
        "name": name,
        "owner": owner,
        "source": {"path": path, **read} if read else path,
        "schema": columns,
        "checks": checks,
    }
