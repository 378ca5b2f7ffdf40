"""The canonical layout of a sketched YAML document: two spaces a level, fields in order, comments where they belong.

A list or mapping in brackets stays on its line; one that runs over several lines becomes one line if it fits, else a
block. Scalars keep their text: no quote is added or taken away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from mlspec.core.document import Path
from mlspec.io.yaml_sketch import Beside, Entry, Part, header_of, indent_of

Orders = Mapping[Path, Sequence[str]]
"""The names of the fields of a mapping, in their order, by the path of the mapping; other mappings keep theirs."""
WIDTH = 100
_STEP = 2
_BLOCK = frozenset("|>")
_INNER_BREAK = re.compile(r"\n[ \t]*")


def arrange(part: Part, orders: Orders, path: Path = ()) -> None:
    """Put the entries of mappings in order, down to the last; what has no place in it comes after, as it was."""
    for n, entry in enumerate(part.entries):
        if entry.part is not None:
            arrange(entry.part, orders, (*path, entry.key.value if entry.key else n))
    names = orders.get(path)
    if names is not None and part.kind == "mapping":
        place = {name: n for n, name in enumerate(names)}
        part.entries.sort(key=lambda entry: place.get(entry.key.value if entry.key else "", len(place)))


class Page:
    """The lines of one document as they are written."""

    def __init__(self, text: str) -> None:
        """Start an empty page, for parts of a text."""
        self.lines: list[str] = []
        self._text = text
        self._beside: dict[int, Beside] = {}
        self._keeps = False
        """The last line belongs to a text that keeps the empty lines after it."""

    def document(self, root: Entry) -> list[str]:
        """Return the lines of a document."""
        self._comments(root.above, 0)
        if root.part is not None:
            flat = self._flat(root.part, "")
            if flat is None:
                self._entries(root.part, 0, "")
            else:
                self._value(root, flat, "", 0)
                self._comments(root.part.tail, 0)
        self._comments(root.below, 0)
        while self.lines and not self.lines[-1] and not self._keeps:
            self.lines.pop()
        self._write_besides()
        return self.lines

    def _entries(self, part: Part, column: int, lead: str) -> None:
        """Write the entries of a list or mapping; `lead` is what stands already on the line of the first."""
        before: Entry | None = None
        for entry in part.entries:
            if before is not None:
                lead = ""
                self._comments(before.below, column)
                if before.below:
                    self._empty()
            self._entry(entry, column, lead, is_first=before is None)
            before = entry
        self._comments(before.below if before else (), column)
        self._comments(part.tail, column)

    def _entry(self, entry: Entry, column: int, lead: str, *, is_first: bool) -> None:
        start = lead or " " * column
        head = f"{start}{entry.key.text}:" if entry.key else f"{start}-"
        assert entry.part is not None, "an entry has a value, if only an empty one"
        flat = self._flat(entry.part, head)
        if flat is None and entry.key is None and not lead:
            _lift(entry)
        if entry.beside and entry.part.style in _BLOCK:
            entry.above, entry.beside = [*entry.above, entry.beside.text], None
        self._comments(_unled(entry.above) if is_first else entry.above, column)
        if flat is not None:
            self._value(entry, flat, head, column + _STEP)
        elif entry.key is None:
            self._entries(entry.part, column + _STEP, f"{head} ")
        else:
            self._add(head, entry.beside)
            self._entries(entry.part, column + _STEP, "")

    def _value(self, entry: Entry, flat: str, head: str, column: int) -> None:
        """Write what goes on the line of its head, and the lines that a long text goes on for."""
        part = entry.part
        assert part is not None, "this entry has a value"
        first, *rest = _block_text(part, column) if part.style in _BLOCK else _inner_lines(flat, column)
        self._add(f"{head} {first}" if head and first else head or first, None if rest else entry.beside)
        for line in rest:
            self._add(line, None)
        if rest and entry.beside:
            self._beside[len(self.lines) - 1] = entry.beside
        self._keeps = part.style in _BLOCK and "+" in first

    def _flat(self, part: Part, head: str) -> str | None:
        """Return the text that a part has in the line of its head; None where it is to be a block."""
        if part.kind == "scalar":
            return part.text
        text = _one_line(part)
        fits = text is not None and len(head) + 1 + len(text) <= WIDTH
        return text if fits or "\n" not in self._text[part.start : part.end] else None

    def _comments(self, comments: Iterable[str], column: int) -> None:
        for text in comments:
            if text:
                self._add(" " * column + text, None)
            else:
                self._empty()

    def _empty(self) -> None:
        if self.lines and self.lines[-1] and not self._keeps:
            self._add("", None)

    def _add(self, line: str, beside: Beside | None) -> None:
        if beside is not None:
            self._beside[len(self.lines)] = beside
        self.lines.append(line)
        self._keeps = False

    def _write_besides(self) -> None:
        """Write the comments at ends of lines: below each other where they were so on lines in a row."""
        for _, group in groupby(enumerate(sorted(self._beside)), lambda pair: pair[1] - pair[0]):
            rows = [row for _, row in group]
            aligned = len({self._beside[row].column for row in rows}) == 1
            widest = max(len(self.lines[row]) for row in rows)
            for row in rows:
                self.lines[row] = f"{self.lines[row]:<{widest if aligned else 0}}  {self._beside[row].text}"


def _one_line(part: Part) -> str | None:
    """Return a part in brackets, in one line; None where that cannot be, for comments, long texts or blocks."""
    if part.kind == "scalar":
        return None if "\n" in part.text else part.text or "null"
    if (not part.flow and part.entries) or any(part.tail):
        return None
    shown = [_one_line_entry(entry) for entry in part.entries]
    if None in shown:
        return None
    text = ", ".join(one for one in shown if one is not None)
    return f"{{{text}}}" if part.kind == "mapping" else f"[{text}]"


def _one_line_entry(entry: Entry) -> str | None:
    if any(entry.above) or entry.beside or any(entry.below) or entry.part is None:
        return None
    value = _one_line(entry.part)
    return value if entry.key is None or value is None else f"{entry.key.text}: {value}"


def _lift(item: Entry) -> None:
    """Give an item of a list the comments above what will stand on its own line: the first entry below it."""
    entry = item
    while entry.key is None and entry.part is not None and entry.part.entries:
        if entry.beside:
            item.above, entry.beside = [*item.above, entry.beside.text], None
        entry = entry.part.entries[0]
        item.above, entry.above = [*item.above, *filter(None, entry.above)], []


def _unled(comments: list[str]) -> list[str]:
    """Return comments without empty lines before the first."""
    return comments[1:] if comments[:1] == [""] else comments


def _inner_lines(text: str, column: int) -> list[str]:
    """Return the lines of a text that goes on over line breaks, which count as spaces."""
    lines = _INNER_BREAK.sub("\n" + " " * column, text).split("\n")
    return [line if line.strip(" ") else "" for line in lines]


def _block_text(part: Part, column: int) -> list[str]:
    header, *lines = part.text.split("\n")
    sign, indicators, comment = header_of(header)
    chomp = indicators.strip("123456789")
    if lines and not part.value.endswith("\n"):
        chomp = "-"  # so it was, or its last line was the file's and not ended
    digit = str(_STEP) if indicators.strip("+-") else ""
    indent = indent_of(part.text, part.value)
    shown = [" " * column + line[indent:] if line[indent:] else "" for line in lines]
    return [f"{sign}{digit}{chomp}" + (f"  {comment}" if comment else ""), *shown]
