"""The README, the tutorial, how-tos, commands and stories run as they are shown (`--update-golden` writes it)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.console import play

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("docs/how-to/*.md")), *sorted(ROOT.glob("docs/commands/*.md"))]
AFTER = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
STORIES = sorted(ROOT.glob("examples/*/story.md"))


def test_readme(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    play(ROOT / "README.md", tmp_path, update=request.config.getoption("--update-golden"))


def test_tutorial_and_what_goes_on_from_it(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Each how-to and each command's page goes on where the tutorial ended: two versions, one of them in each stage."""
    update = request.config.getoption("--update-golden")
    (tmp_path / "tutorial").mkdir()
    ended = play(ROOT / "docs" / "tutorial.md", tmp_path / "tutorial", update=update)
    for page in AFTER:
        home = tmp_path / page.stem
        shutil.copytree(ended, home / ended.name, symlinks=True)
        play(page, home / ended.name, update=update)


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.parent.name)
def test_story(story: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A story begins in a copy of the example's folder that is no repository yet."""
    folder = tmp_path / story.parent.name
    shutil.copytree(story.parent, folder, ignore=shutil.ignore_patterns(".mlspec", "__pycache__"))
    play(story, folder, update=request.config.getoption("--update-golden"))
