"""Globs match as the standard library's do, on any tree."""

from __future__ import annotations

import glob as standard
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.globs import matches

PATHS = [
    *("a", "b.py", "ab.py", ".h", "c/a", "c/b.py", "c/.h", "c/d/a.py", "c/d/b", "c/d/e/ab.py", "c/.h2/a", ".h2/a.py"),
    *("d/a", "d/[a]", "d/a+b", "d/x y.sql", "é/a.py", "d/d/d/d/a.py", "c-d/a", "c/d.sql/a"),
]
PARTS = [
    "*",
    "**",
    "?",
    "a*",
    "*b*",
    "[ab]",
    "[!a]*",
    "[a-c]",
    ".h*",
    ".*",
    "a",
    "b.py",
    "*.py",
    "c",
    "d",
    "[[]a]",
    "?.*",
    "***",
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tree")
    for path in PATHS:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()
    return folder


@given(parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=4))
def test_a_glob_matches_what_the_standard_library_finds(root: Path, parts: list[str]) -> None:
    pattern = "/".join(parts)
    found = set(standard.glob(pattern, root_dir=root, recursive=True))
    assert {path for path in PATHS if matches(pattern, path)} == found & set(PATHS)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        (".git/*", ".git/config"),
        ("**/config", ".git/config"),
        (".git/**", ".git/hooks/pre-commit"),
        ("sub/.git/*", "sub/.git/config"),
        (".mlspec/**", ".mlspec/store/x"),
        ("src/**", "src/__pycache__/a.pyc"),
        ("src/__pycache__/*", "src/__pycache__/a.pyc"),
        ("a", "a/b"),
        ("a/*", "a"),
        ("*", "a/b"),
        ("A", "a"),
    ],
)
def test_what_is_never_matched(glob: str, path: str) -> None:
    assert not matches(glob, path)


def test_a_glob_of_many_stars_ends() -> None:
    assert not matches("**/" * 20 + "x", "a/" * 40 + "y")
    assert not matches("*a" * 30 + "b", "a" * 60)


@given(st.text("*?[]!-^&~|\\\\.a/", min_size=1, max_size=12))
def test_any_text_is_a_glob(glob: str) -> None:
    assert isinstance(matches(glob, "a/.a/a"), bool)
