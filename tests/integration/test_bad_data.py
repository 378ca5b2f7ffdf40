"""Data as it should not be, through the command line: one clear message each, a recorded rejection, nothing trained."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from tests.integration.bad_world import CSV, ROWS, Done, World, begin

MODEL = """\
kind: Model
name: NAME
owner: team
dataset: NAME
task: classification
train: {estimator: sklearn.dummy.DummyClassifier}
"""


def parquet(rows: int = len(ROWS)) -> bytes:
    target = io.BytesIO()
    pd.DataFrame(ROWS, columns=["id", "x", "y"]).iloc[:rows].to_parquet(target)
    return target.getvalue()


@dataclass(frozen=True)
class Bad:
    """The bytes of a source, and what is said of them: rules with their messages."""

    content: bytes
    said: tuple[tuple[str, str], ...]
    suffix: str = "csv"
    more: str = ""


def unreadable(content: str | bytes, said: str, suffix: str = "csv") -> Bad:
    raw = content.encode() if isinstance(content, str) else content
    return Bad(raw, (("readable", said),), suffix)


def broken(content: str, *said: tuple[str, str], more: str = "") -> Bad:
    return Bad(content.encode(), said, more=more)


def columns(header: str, *cells: str) -> str:
    return header + "\n" + "".join(",".join(cell.format(n=n, x=x, y=y) for cell in cells) + "\n" for n, x, y in ROWS)


NOT_PARQUET = (
    "FILE cannot be read as parquet: Parquet magic bytes not found in footer. Either the file is corrupted or this "
    "is not a parquet file. (is it truncated, or another format?)"
)
ALL_MISSING = "column `{}`, 40 rows: every value is missing  rows 1, 2, 3, 4, 5, …"
UNNAMED = " (declare them, or set checks.extra_columns: ignore)"
BAD = {
    "empty": unreadable("", "dataset `NAME` has no rows: FILE is empty"),
    "empty-parquet": unreadable("", "dataset `NAME` has no rows: FILE is empty", "parquet"),
    "header-only": unreadable("id,x,y\n", "dataset `NAME` has no rows: FILE holds a header only"),
    "no-rows-parquet": unreadable(parquet(0), "dataset `NAME` has no rows: FILE is empty", "parquet"),
    "cut-in-quotes": unreadable(
        CSV + '40,20,"ye',
        "FILE: a quote opens and is never closed; the file ends at line 42 inside it (is the file truncated?)",
    ),
    "cut-in-a-row": unreadable(CSV + "40,20", "FILE: line 42 has 2 fields; the header has 3"),
    "cut-in-a-character": unreadable(
        CSV.encode() + "40,20,ö".encode()[:-1],
        "FILE: line 42 is not UTF-8: it ends inside a character (is the file truncated?)",
    ),
    "cut-parquet": unreadable(parquet()[:-20], NOT_PARQUET, "parquet"),
    "half-parquet": unreadable(parquet()[:1000], NOT_PARQUET, "parquet"),
    "csv-as-parquet": unreadable(CSV, NOT_PARQUET, "parquet"),
    "latin": unreadable(CSV.replace("yes", "ö").encode("latin-1"), "FILE: line 3 is not UTF-8 (save it as UTF-8)"),
    "utf-16": unreadable(CSV.encode("utf-16"), "FILE is UTF-16, and must be UTF-8 (save it as UTF-8)"),
    "zero-byte": unreadable(
        CSV.replace("7,3.5,yes", "7,3.5,y\0s"), "FILE: line 9 holds a NUL byte, which no text does"
    ),
    "ragged": unreadable(CSV.replace("7,3.5,yes", "7,3.5,yes,no"), "FILE: line 9 has 4 fields; the header has 3"),
    "semicolons": unreadable(
        CSV.replace(",", ";"),
        'FILE: the header is one field, with ";" in it '
        '(is that the delimiter? set source: {path: FILE, delimiter: ";"})',
    ),
    "pointer": unreadable(
        "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
        "FILE is a Git LFS pointer, not the data (run: git lfs pull)",
    ),
    "twice": broken(
        columns("id,x,y,x", "{n}", "{x}", "{y}", "{x}"), ("columns/duplicate", "column `x` is in the header 2 times")
    ),
    "renamed": broken(
        columns("id,X,y", "{n}", "{x}", "{y}"),
        ("columns/missing", "column `x` is missing; did you mean `X`?"),
        ("columns/extra", "columns that the schema does not name: `X`" + UNNAMED),
    ),
    "other-table": broken(
        columns("a,b", "{n}", "{x}"),
        ("columns/missing", "column `id` is missing"),
        ("columns/missing", "column `x` is missing"),
        ("columns/missing", "column `y` is missing"),
        ("columns/extra", "columns that the schema does not name: `a`, `b`" + UNNAMED),
    ),
    "words": broken(
        CSV.replace("7,3.5,", "7,three,"), ("type", "column `x`: 1 value is not a number, as 'three'  rows 8")
    ),
    "one-class": broken(
        columns("id,x,y", "{n}", "{x}", "yes"),
        ("target/constant", "column `y`: the target has one value only, so there is nothing to learn"),
    ),
    "no-values": broken(columns("id,x,y", "{n}", "", "{y}"), ("missing/all", ALL_MISSING.format("x"))),
    "no-targets": broken(columns("id,x,y", "{n}", "{x}", ""), ("missing/all", ALL_MISSING.format("y"))),
    "a-target-gone": broken(
        CSV.replace("7,3.5,yes", "7,3.5,"), ("target/missing", "column `y`, 1 row: the target is missing  rows 8")
    ),
    "no-test-rows": broken(
        CSV,
        ("split/empty", "the test split has no rows: 40 train, 0 test"),
        more="split: {test: 0.0000001}\n",
    ),
    "no-training-rows": broken(
        CSV,
        ("split/empty", "the training split has no rows: 0 train, 40 test"),
        more="split: {test: 0.9999999}\n",
    ),
}

OUT_OF_REACH = {
    "missing": "there is no file `data/missing.csv` (did you mean `mising.csv`?), and no version of it is recorded",
    "folder": "the folder `data/folder.csv` holds no file, and no version of it is recorded",
    "link": "`data/link.csv` is a link out of the repository (copy the file in), and no version of it is recorded",
    "linked-folder": "`elsewhere/good.csv` is a link out of the repository (copy the file in), "
    "and no version of it is recorded",
    "loop": "`data/loop.csv` is a link, not a file, and no version of it is recorded",
}


@dataclass(frozen=True)
class Applied:
    """The one apply over all of them, and the plan after it."""

    world: World
    done: Done
    after: Done


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Applied:
    """A repository with a dataset and a model for each case, applied once."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "outside").mkdir()
    (folder / "outside" / "good.csv").write_text(CSV)
    world = begin(folder / "repository")
    for name, bad in BAD.items():
        path = f"data/{name}.{bad.suffix}"
        world.write(path, bad.content)
        world.dataset(name, path, bad.more)
    for name in OUT_OF_REACH:
        world.dataset(name, "elsewhere/good.csv" if name == "linked-folder" else f"data/{name}.csv")
    for name in (*BAD, *OUT_OF_REACH):
        world.write(f"specs/{name}-model.yaml", MODEL.replace("NAME", name))
    world.write("data/mising.csv", CSV)
    (world.root / "data" / "folder.csv").mkdir()
    (world.root / "data" / "link.csv").symlink_to(folder / "outside" / "good.csv")
    (world.root / "elsewhere").symlink_to(folder / "outside")
    (world.root / "data" / "loop.csv").symlink_to("loop.csv")
    world.commit()
    return Applied(world, world.mlspec("apply", "--yes"), world.mlspec("plan", "--detailed-exitcode"))


def test_the_apply_as_a_whole(applied: Applied) -> None:
    """The good dataset gets through, each rejection is a negative verdict, and nothing is left to run."""
    assert applied.done.code == 3
    assert "40 rows keep the contract" in " ".join(applied.done.about("dataset/good"))
    assert f", {len(BAD)} rejected" in applied.done.out
    assert applied.after.code == 0
    before = applied.world.lineage()
    again = applied.world.mlspec("apply", "--yes")
    assert again.code == 3, "a rejection blocks an action of its own plan"
    assert applied.world.lineage() == before, "a rejection is not tried again"


@pytest.mark.parametrize("name", BAD)
def test_rejected(applied: Applied, name: str) -> None:
    bad = BAD[name]
    file = f"data/{name}.{bad.suffix}"
    said = [(rule, text.replace("FILE", file).replace("NAME", name)) for rule, text in bad.said]
    ended, *below = applied.done.about(f"dataset/{name}")[-1 - len(said) :]
    count = f"{len(said)} rule{'s' if len(said) > 1 else ''}"
    assert ended.startswith(f"rejected  dataset/{name}: check the contract  {file} breaks {count} of its contract")
    assert [tuple(line.split(maxsplit=1)) for line in below] == said
    head = applied.world.head("dataset", name)
    assert head is not None
    (contract,) = head["contracts"].values()
    assert contract["outcome"] == "rejected"
    assert head.get("current") is None
    first = said[0][1].partition("  rows")[0]
    assert contract["summary"].startswith(first)
    assert f"! check the contract\n        blocked: rejected: {first}" in applied.after.planned(f"dataset/{name}")
    assert f"! train v1 (expected)\n        blocked: dataset/{name} was rejected: {first}" in applied.after.planned(
        f"model/{name}"
    )
    model = applied.world.head("model", name)
    assert not (model or {}).get("runs")


@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_out_of_reach(applied: Applied, name: str) -> None:
    planned = applied.after.planned(f"dataset/{name}")
    assert f"! snapshot the source\n        blocked: {OUT_OF_REACH[name]}" in planned
    assert str(applied.world.root) not in applied.after.out + applied.done.out
    head = applied.world.head("dataset", name)
    assert head is not None
    assert not head.get("snapshots")
    assert "! train" in applied.after.planned(f"model/{name}")


def test_good_bytes_make_it_good(applied: Applied, tmp_path: Path) -> None:
    """A rejection holds for those bytes and that contract only."""
    applied.world.run("cp", "-a", str(applied.world.root), str(tmp_path / "copy"))
    world = replace(applied.world, root=tmp_path / "copy")
    world.write("data/empty.csv", CSV)
    world.dataset("no-test-rows", "data/no-test-rows.csv", "split: {test: 0.25}\n")
    world.commit()
    done = world.mlspec("apply", "--yes", "dataset/empty", "dataset/no-test-rows")
    assert done.code == 0, done
    assert done.out.count("40 rows keep the contract") == 2
    world.lineage()


def test_values_of_sensitive_columns_are_nowhere(tmp_path: Path) -> None:
    world = begin(tmp_path / "repository")
    secret = "zanzibar"
    world.write("data/private.csv", CSV.replace("7,3.5,", f"7,{secret},").replace(",yes", f",{secret}"))
    world.dataset("private", "data/private.csv")
    spec = (world.root / "specs/private.yaml").read_text()
    hidden = spec.replace("type: number}", "type: number, sensitive: true}").replace(
        "role: target}", 'role: target, sensitive: true, values: ["no"]}'
    )
    world.write("specs/private.yaml", hidden)
    world.commit()
    done = world.mlspec("apply", "--yes")
    assert done.code == 3
    assert {line.split()[0] for line in done.about("dataset/private")[-2:]} == {"type", "values"}
    world.lineage()
    recorded = world.run("git", "log", "-p", "mlspec/lineage").out
    shown = [done, world.mlspec("plan"), world.mlspec("log"), world.mlspec("show", "--format", "json")]
    assert not any(secret in text for text in (recorded, *(one.out + one.err for one in shown)))
