"""Globs and folders: which files they name, what is refused in words, and that nothing is read."""

from __future__ import annotations

import os
import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mlspec.core.globs import matches
from mlspec.core.problem import MlspecError
from mlspec.io import parts
from mlspec.io.parts import Wanted, find_parts, folder_of


def found(root: Path, path: str, *never: str) -> list[str]:
    return list(find_parts(root, Wanted(path, partial(matches, path), never)))


def refused(root: Path, path: str, *never: str) -> tuple[str, str]:
    with pytest.raises(MlspecError) as failed:
        found(root, path, *never)
    (problem,) = failed.value.problems
    return problem.code, problem.message


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    for name in (
        "data/2026-02.csv",
        "data/2026-01.csv",
        "data/2025-12.csv",
        "data/a/b.csv",
        "data/.hidden.csv",
        "top.csv",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x\n")
    (root / ".git").mkdir()
    (root / ".git" / "x.csv").write_text("x\n")
    return root


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("data/2026-*.csv", ["data/2026-01.csv", "data/2026-02.csv"]),
        ("data/2026-0[12].csv", ["data/2026-01.csv", "data/2026-02.csv"]),
        ("data/*/*.csv", ["data/a/b.csv"]),
        ("data/**/*.csv", ["data/2025-12.csv", "data/2026-01.csv", "data/2026-02.csv", "data/a/b.csv"]),
        ("*.csv", ["top.csv"]),
        ("**/b.csv", ["data/a/b.csv"]),
    ],
)
def test_named(root: Path, path: str, names: list[str]) -> None:
    assert found(root, path) == names


def test_the_folder_they_all_lie_in() -> None:
    assert [folder_of(path) for path in ("data/a-*.csv", "*.csv", "a/b", "a/*/c.csv")] == ["data", "", "a/b", "a"]


def test_links_within_are_followed_and_those_out_refused(root: Path, tmp_path: Path) -> None:
    (root / "data" / "2026-03.csv").symlink_to(root / "top.csv")
    assert "data/2026-03.csv" in found(root, "data/2026-*.csv")
    (tmp_path / "out.csv").write_text("secret\n")
    (root / "data" / "2026-04.csv").symlink_to(tmp_path / "out.csv")
    assert refused(root, "data/2026-*.csv") == ("source/outside", "`data/2026-04.csv` is a link out of the repository")
    (root / "elsewhere").symlink_to(tmp_path)
    assert refused(root, "elsewhere/*.csv") == ("source/outside", "`elsewhere` is a link out of the repository")
    assert refused(root, "**/b.csv")[0] == "source/link"


def test_loops(root: Path) -> None:
    (root / "data" / "loop").symlink_to(root / "data")
    assert refused(root, "data/**/*.csv") == (
        "source/link",
        "`data/loop` is a link to a folder, and `data/**/*.csv` would lead through it",
    )
    assert len(found(root, "data/*.csv")) == 3
    (root / "data" / "round.csv").symlink_to("round.csv")
    assert refused(root, "data/*.csv") == ("source/not-a-file", "`data/round.csv` is a link, not a file")
    assert found(root, "data/2025-*.csv") == ["data/2025-12.csv"]


def test_pipes_and_sockets(root: Path) -> None:
    os.mkfifo(root / "data" / "2026-03.csv")
    assert refused(root, "data/2026-*.csv")[0] == "source/not-a-file"
    assert found(root, "data/2025-*.csv") == ["data/2025-12.csv"]
    (root / "s").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "s" / "a.csv"))
        assert refused(root, "s/*.csv") == (
            "source/not-a-file",
            "`s/a.csv` is a pipe, a socket or a device, not a file",
        )


def test_nothing_and_too_much(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(root, "data/2027-*.csv") == ("source/missing", "no file matches `data/2027-*.csv`")
    assert refused(root, "dta/*.csv") == ("source/missing", "there is no folder `dta`, which `dta/*.csv` names")
    monkeypatch.setattr(parts, "MOST_PARTS", 2)
    assert refused(root, "data/*.csv") == ("source/too-many", "`data/*.csv` means more than 2 files")
    monkeypatch.setattr(parts, "_MOST_SEEN", 3)
    assert refused(root, "data/*.xyz")[0] == "source/too-many"


def test_the_store_is_no_data(root: Path) -> None:
    (root / "data" / "store").mkdir()
    (root / "data" / "store" / "x.csv").write_text("x\n")
    assert refused(root, "data/**/*.csv", "data/store") == (
        "source/store",
        "`data/**/*.csv` reaches into `data/store`, which is mlspec's own",
    )
    assert refused(root, ".git/*.csv")[0] == "source/outside"


def test_names_that_are_one_elsewhere(root: Path) -> None:
    (root / "data" / "2026-01.CSV").write_text("x\n")
    said = "`data/2026-01.CSV` and `data/2026-01.csv` differ in upper and lower case only"
    assert refused(root, "data/2026-01.[cC]*") == ("source/name", said)


def test_names_that_are_no_text(root: Path) -> None:
    broken: Any = os.fsencode(root) + b"/data/\xff.csv"
    Path(os.fsdecode(broken)).write_text("x\n")
    assert refused(root, "data/*.csv")[0] == "source/name"
