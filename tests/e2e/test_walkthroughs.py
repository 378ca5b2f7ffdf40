"""The README, the tutorial, how-tos and stories run, and print what they show (`--update-golden` writes it)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.console import play

ROOT = Path(__file__).resolve().parents[2]
HOW_TOS = [page for page in sorted(ROOT.glob("docs/how-to/*.md")) if "```console" in page.read_text(encoding="utf-8")]
STORIES = sorted(ROOT.glob("examples/*/story.md"))


def test_readme(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    play(ROOT / "README.md", tmp_path, update=request.config.getoption("--update-golden"))


def test_tutorial_and_how_tos(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each how-to goes on where the tutorial ended: two versions, one of them in each stage."""
    update = request.config.getoption("--update-golden")
    (tmp_path / "tutorial").mkdir()
    ended = play(ROOT / "docs" / "tutorial.md", tmp_path / "tutorial", update=update)
    for page in HOW_TOS:
        home = tmp_path / page.stem
        shutil.copytree(ended, home / ended.name, symlinks=True)
        play(page, home / ended.name, update=update)


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.parent.name)
def test_story(story: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A story begins in a copy of the example's folder that is no repository yet."""
    folder = tmp_path / story.parent.name
    shutil.copytree(story.parent, folder, ignore=shutil.ignore_patterns(".mlspec", "__pycache__"))
    play(story, folder, update=request.config.getoption("--update-golden"))
