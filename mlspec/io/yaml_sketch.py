"""A YAML document as it was written: its parts with their text, and every comment with the part it belongs to.

A comment on a line of its own belongs to what comes next; one that is indented deeper, to the end of the block it
stands in; one that stands directly below an entry, with an empty line after it, to that entry.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from mlspec.io.yaml_nodes import Event

_HEADER = re.compile(r"([|>])([-+1-9]*)\s*(#.*)?")


@dataclass(slots=True)
class Part:
    """A scalar, list or mapping: where it stands in the text, by offsets; `tail` are comments after its last entry."""

    kind: Literal["scalar", "list", "mapping"]
    start: int
    end: int
    column: int
    text: str = ""
    value: str = ""
    style: str = ""
    flow: bool = False
    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Beside:
    """A comment at the end of a line, and the column it stood at."""

    text: str
    column: int


@dataclass(slots=True)
class Entry:
    """An item of a list, a key with its value, or the document; a comment "" above or below is an empty line."""

    key: Part | None = None
    part: Part | None = None
    above: list[str] = field(default_factory=list)
    beside: Beside | None = None
    below: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Frame:
    part: Part
    holder: Entry
    entry: Entry | None = None
    """Of a mapping: the entry whose value is awaited."""


_Line = tuple[int, str]
"""A comment with its column, or an empty line."""


class Sketcher:
    """Takes the parser's events of one document that has no flaws, as `Builder` does."""

    def __init__(self, text: str) -> None:
        """Start with the text the events are of, its line breaks all single line feeds."""
        self.root = Entry()
        self.comments: list[str] = []
        self._text = text
        self._end = 0
        self._frames: list[_Frame] = []
        self._closed: list[Part] = []
        self._fresh: Entry | None = None
        self._last: Entry | None = None

    def scalar(self, event: Event) -> None:
        """Take a key or a value."""
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style or ""
        text = self._text[start:end]
        if style in {"|", ">"}:
            text = _without_blank_end(text, event.value)
            end = start + len(text)
        part = Part("scalar", start, end, event.start_mark.column, text, event.value, style)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.part.kind == "mapping" and frame.entry is None:
            entry = Entry(key=part)
            self._add(frame.part, entry)
            frame.entry = entry
        else:
            entry = self._holder()
            entry.part = part
        self._content(start, end, entry)

    def start(self, event: Event, empty: dict[str, Any] | list[Any]) -> None:
        """Take the start of a list or mapping."""
        mark = event.start_mark
        holder = self._holder()
        kind: Literal["list", "mapping"] = "mapping" if isinstance(empty, dict) else "list"
        part = Part(kind, mark.index, mark.index, mark.column, flow=event.flow_style)
        holder.part = part
        self._frames.append(_Frame(part, holder))
        if self._has_brackets(part):
            self._content(mark.index, mark.index + 1, holder)

    def end(self, event: Event) -> None:
        """Take the end of a list or mapping."""
        frame = self._frames.pop()
        part = frame.part
        if not part.flow:
            self._closed.append(part)
            return
        part.end = event.end_mark.index
        if self._has_brackets(part):
            self._place(part.end - 1, part.tail, 0)
            if not part.entries:  # a comment in empty brackets has nowhere else to go
                frame.holder.above += filter(None, part.tail)
                part.tail.clear()
            self._went_on(part.end, frame.holder)

    def alias(self, event: Event) -> None:
        """Refuse: a document with an alias has a flaw."""
        raise AssertionError(event)

    def finish(self) -> None:
        """Take the comments after the last part."""
        tail = self.root.part.tail if self.root.part and self.root.part.kind != "scalar" else self.root.below
        self._place(len(self._text), tail if self.root.part else self.root.above, -1)

    def _has_brackets(self, part: Part) -> bool:
        """Say whether it is a flow list or mapping, and not a pair in a list: `[a: 1]`."""
        return part.flow and self._text[part.start] in "[{"

    def _holder(self) -> Entry:
        """Return the entry that the next value belongs to."""
        if not self._frames:
            self._fresh = self.root
            return self.root
        frame = self._frames[-1]
        if frame.part.kind == "list":
            entry = Entry()
            self._add(frame.part, entry)
            return entry
        assert frame.entry is not None, "a value follows its key"
        entry, frame.entry = frame.entry, None
        return entry

    def _add(self, part: Part, entry: Entry) -> None:
        part.entries.append(entry)
        self._fresh = self._fresh or entry

    def _content(self, start: int, end: int, entry: Entry) -> None:
        """Take the comments before a part that has text, which begins the fresh entry or belongs to a given one."""
        above: list[str] = []
        self._place(start, above, self._column())
        owner = self._fresh or entry
        siblings = self._siblings(owner)
        if siblings is not None and "" in above and above[0]:
            cut = above.index("")
            siblings.below = above[:cut]
            above = above[cut:]
        owner.above += above
        self._went_on(end, entry)

    def _siblings(self, entry: Entry) -> Entry | None:
        """Return the entry before a new one in the same block."""
        for frame in self._frames:
            if frame.part.entries and frame.part.entries[-1] is entry and not frame.part.flow:
                return frame.part.entries[-2] if len(frame.part.entries) > 1 else None
        return None

    def _column(self) -> int:
        """Return the column of the block whose entry comes next."""
        for frame in self._frames:
            if frame.part.entries and frame.part.entries[-1] is self._fresh:
                return frame.part.column
        return 0

    def _went_on(self, end: int, entry: Entry) -> None:
        self._end, self._last, self._fresh, self._closed = end, entry, None, []

    def _place(self, until: int, target: list[str], column: int) -> None:
        """Give the comments up to an offset to a block that ended before it, or to a target at a column."""
        beside, lines = self._gap(until)
        if beside is not None:
            self._put_beside(beside, target)
        closed, empty = list(self._closed), False
        for stands, text in lines:
            if not text:
                empty = True
                continue
            closed = [part for part in closed if part.column <= stands] if stands > column else []
            while len(closed) > 1 and closed[1].column == closed[0].column:
                closed.pop(0)
            chosen = closed[0].tail if closed else target
            chosen += ["", text] if empty else [text]
            empty = False
        if empty:
            target.append("")

    def _put_beside(self, beside: Beside, target: list[str]) -> None:
        if self._last is None:
            target.append(beside.text)
            return
        if self._last.beside is not None:
            self._last.above.append(self._last.beside.text)
        self._last.beside = beside

    def _gap(self, until: int) -> tuple[Beside | None, list[_Line]]:
        """Return what the text between two parts holds: a comment on the line of the first, and lines of their own."""
        first, *rest = self._text[self._end : until].split("\n")
        beside = None
        if "#" in first:
            at = self._end + first.index("#")
            beside = Beside(self._comment(first), at - self._text.rfind("\n", 0, at) - 1)
        lines = []
        for n, text in enumerate(rest):
            if "#" in text:
                lines.append((text.index("#"), self._comment(text)))
            elif not text.strip() and n < len(rest) - 1:
                lines.append((0, ""))
        return beside, lines

    def _comment(self, line: str) -> str:
        text = line[line.index("#") :].rstrip()
        self.comments.append(text)
        return text


def header_of(text: str) -> tuple[str, str, str]:
    """Return the sign of a block scalar, its indicators such as `2-`, and the comment after them."""
    match = _HEADER.fullmatch(text)
    assert match is not None, "a block scalar begins with its header"
    return match[1], match[2], match[3] or ""


def indent_of(text: str, value: str) -> int:
    """Return by how many spaces the lines of a block scalar are indented: what its value has not of its first line."""
    first = next((line for line in text.split("\n")[1:] if line.strip(" ")), "")
    kept = next((line for line in value.split("\n") if line.strip(" ")), "")
    return _spaces(first) - _spaces(kept)


def _spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _without_blank_end(text: str, value: str) -> str:
    """Return a block scalar without the empty lines after it, but where it keeps them, and its last line break."""
    header, *lines = text.removesuffix("\n").split("\n")
    if "+" not in header_of(header)[1]:
        indent = indent_of(text, value)
        while lines and not lines[-1][indent:] and not lines[-1].strip(" "):
            lines.pop()
    return "\n".join([header, *lines])
