"""Rewriting YAML: the canonical layout means the same, keeps every comment, and is its own canonical layout."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.io import yaml
from mlspec.io.yaml_rewrite import means, rewrite

ROOT = Path(__file__).resolve().parents[3]
FENCED = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KEYS = st.sampled_from(["a", "b", "kind", '"c d"', "'e'", "f-g"])
PLAIN = st.sampled_from(["x", "1", "1.50", "true", "null", "src/train.py:train", "no", "a b", "-1", "x#y", "1e-3"])
QUOTED = st.sampled_from(['"# no"', "'it''s'", '"a: b"', '"tab\\t\\" "', "''", "'1'", '"- x"', '"[a]"'])
COMMENT = st.sampled_from(["# one", "#two", "#  - {a: 1}", "# thrée: x", "###", "# 'quote", "# [", "# |"])
LONG = st.sampled_from(["w x\n{i}y\n\n{i} z", '"w\\\n{i}  x  \n\n{i}y"', "'w\n{i}''x'"])
BLOCK = st.sampled_from(["|", ">", "|-", ">-", "|+", ">+"])
TEXT = st.lists(st.sampled_from(["a", "  b", "c # d", "", "- e", "f: g", " ", "h  "]), min_size=1, max_size=4)


def corpus() -> Iterator[tuple[str, bytes]]:
    for folder in ("tests/cases", "tests/compat", "examples", "templates", ".github", "docs"):
        for path in sorted((ROOT / folder).rglob("*.y*ml")):
            yield path.relative_to(ROOT).as_posix(), path.read_bytes()
    for path in sorted((ROOT / "docs").rglob("*.md")):
        for n, text in enumerate(FENCED.findall(path.read_text(encoding="utf-8"))):
            yield f"{path.relative_to(ROOT).as_posix()} {n}", text.encode()


def canonical(name: str, content: bytes, order: dict[tuple[str | int, ...], list[str]]) -> bytes | None:
    """Return the canonical layout, which must keep what the file says and be its own; None of a file with flaws."""
    documents, problems = yaml.read(name, content, "")
    if problems:
        return None
    orders = [order] * len(documents)
    done = rewrite(content, orders)
    assert means(done.content, documents, done.comments), (name, done.content.decode())
    assert rewrite(done.content, orders).content == done.content, (name, done.content.decode())
    return done.content


def test_every_yaml_file_here_means_the_same_in_canonical_layout() -> None:
    done = [canonical(name, content, {}) for name, content in corpus()]
    assert sum(after is not None for after in done) > 50


class Writer:
    """Writes valid YAML in every style, badly laid out."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.lines: list[str] = []

    def odds(self, percent: int) -> bool:
        return self.draw(st.integers(0, 99)) >= 100 - percent

    def noise(self, column: int) -> None:
        """Add empty lines and comments, at about a column."""
        while self.odds(20):
            shift = self.draw(st.integers(-1, 3))
            self.lines.append("" if self.odds(40) else " " * max(0, column + shift) + self.draw(COMMENT))

    def beside(self) -> str:
        return " " * self.draw(st.integers(1, 5)) + self.draw(COMMENT) if self.odds(15) else ""

    def flow(self, depth: int) -> str:
        gap = "\n" + " " * 30 if self.odds(15) else " " * self.draw(st.integers(0, 2))
        if self.odds(10):
            gap = f" {self.draw(COMMENT)}\n{' ' * 30}"
        if depth == 0 or self.odds(50):
            return self.draw(PLAIN.filter(lambda text: ":" not in text) | QUOTED)
        items = [self.flow(depth - 1) for _ in range(self.draw(st.integers(0, 3)))]
        if self.odds(50):
            return f"[{gap}" + f",{gap}".join(items) + (f",{gap}" if items and self.odds(20) else gap) + "]"
        keys = self.draw(st.lists(KEYS, min_size=len(items), max_size=len(items), unique=True))
        pairs = [f"{key}: {item}" for key, item in zip(keys, items, strict=True)]
        return f"{{{gap}" + f",{gap}".join(pairs) + gap + "}"

    def value(self, head: str, column: int, depth: int) -> None:
        """Write a value after its head, in a block at a column."""
        kind = 9 - self.draw(st.integers(0, 9))
        deeper = column + self.draw(st.integers(1, 4))
        if depth and kind < 2:
            self.lines.append(head + self.beside())
            self.mapping(deeper, depth - 1)
        elif depth and kind < 4:
            self.lines.append(head + self.beside())
            self.sequence(deeper if head.endswith("-") or self.odds(50) else column, depth - 1)
        elif kind == 4:
            lines = self.draw(TEXT)
            if not lines[0].strip() or lines[0].startswith(" "):
                lines.insert(0, "first")
            self.lines.append(f"{head} {self.draw(BLOCK)}")
            self.lines += [" " * deeper + line if line.strip() else "" for line in lines]
        elif kind == 5:
            self.lines.append(f"{head} " + self.draw(LONG).format(i=" " * deeper) + self.beside())
        elif kind == 6:
            self.lines.append(f"{head} {self.flow(2)}{self.beside()}")
        else:
            self.lines.append(f"{head} {self.draw(PLAIN | QUOTED | st.just(''))}{self.beside()}")

    def mapping(self, column: int, depth: int) -> None:
        for key in self.draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
            self.noise(column)
            self.value(f"{' ' * column}{key}:", column, depth)
        self.noise(column)

    def sequence(self, column: int, depth: int) -> None:
        for _ in range(self.draw(st.integers(1, 3))):
            self.noise(column)
            self.value(f"{' ' * column}-", column, depth)


@st.composite
def files(draw: st.DrawFn) -> str:
    writer = Writer(draw)
    for n in range(draw(st.integers(1, 2))):
        if n or writer.odds(10):
            writer.lines.append("---" + writer.beside())
        writer.noise(0)
        writer.mapping(0, 3)
    return "\n".join(writer.lines) + ("" if writer.odds(10) else "\n")


@settings(max_examples=100, deadline=None)
@given(files(), st.permutations(["a", "b", "kind", "c d", "e"]), st.booleans())
def test_any_file_means_the_same_in_canonical_layout(text: str, names: list[str], crlf: bool) -> None:
    content = (text.replace("\n", "\r\n") if crlf else text).encode()
    after = canonical("", content, dict.fromkeys([(), ("a",), ("b",), ("a", "b"), ("b", 0), ("kind", "a")], names))
    assert after is None or (b"\r" in after) == (crlf and "\n" in text)
