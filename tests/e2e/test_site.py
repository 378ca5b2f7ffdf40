"""The site of docs/ builds without a warning; every link and anchor of it leads somewhere, and it asks nobody else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
READ_ON_THE_FORGE = [*ROOT.glob("*.md"), *ROOT.glob("examples/*/*.md")]


class Page(HTMLParser):
    """What one page offers (ids) and asks for (links to follow, and files to load)."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.text = text
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and given.get("rel") in {"stylesheet", "icon", "preload"}:
            self.loads.append(given["href"])
        elif "src" in given:
            self.loads.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    here = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "mkdocs.yml", here)
    shutil.copytree(ROOT / "docs", here / "docs")
    argv = [str(Path(sys.executable).with_name("zensical")), "build", "--strict"]
    done = subprocess.run(argv, cwd=here, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    built = here / "build" / "docs"
    return {path: Page(path.read_text(encoding="utf-8")) for path in built.rglob("*.html") if path.name != "404.html"}


def test_every_page_is_built_and_in_the_navigation(site: dict[Path, Page]) -> None:
    index = next(path for path in site if path.name == "index.html" and (path.parent / "reference.html").exists())
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in ROOT.glob("docs/**/*.md")}
    assert {path.relative_to(index.parent).as_posix() for path in site} == pages
    linked = {(index.parent / urlsplit(link).path).resolve() for link in site[index].links if not urlsplit(link).scheme}
    missing = {page for page in pages if (index.parent / page).resolve() not in linked} - {"index.html"}
    assert missing == set(), "list them under `nav` in mkdocs.yml"


def test_every_link_and_anchor_resolves(site: dict[Path, Page]) -> None:
    broken = []
    for path, page in site.items():
        for link in [*page.links, *page.loads]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file() or (
                parts.fragment and target in site and parts.fragment not in site[target].ids | {"__skip"}
            ):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_a_bar_in_a_table_is_shown_as_one(site: dict[Path, Page]) -> None:
    """Forges want it escaped in code and this site shows the escape: `tests.console.code` is read by both."""
    assert [path.name for path, page in site.items() if "\\|" in page.text] == []


def test_nothing_is_loaded_from_elsewhere(site: dict[Path, Page]) -> None:
    assert [load for page in site.values() for load in page.loads if urlsplit(load).netloc] == []


@pytest.mark.parametrize("path", READ_ON_THE_FORGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_page_outside_of_the_site_lead_to_files(path: Path) -> None:
    links = LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    relative = [urlsplit(link).path for link in links if not urlsplit(link).scheme and not link.startswith("#")]
    assert [link for link in relative if not (path.parent / link).exists()] == []
