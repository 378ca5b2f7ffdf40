"""Builds the nodes of one YAML document from the parser's events, and refuses what specs have no use for.

It keeps a stack of its own and counts what it builds, so no input can exhaust Python's stack or the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from mlspec.io.yaml_scalars import NumberError, Value, reading, resolve
from mlspec.io.yaml_text import INVISIBLE, Flaw, Spot

MAX_DEPTH = 64
MAX_NODES = 50_000
_MAX_FLAWS = 20


class Mark(Protocol):
    """A position the parser gives, counted from 0."""

    line: int
    column: int
    index: int


class Event(Protocol):
    """What the parser says of a scalar, or of the start of a list or mapping."""

    anchor: str | None
    tag: object
    value: str
    style: str | None
    flow_style: bool
    start_mark: Mark
    end_mark: Mark


@dataclass(slots=True)
class Node:
    """A value and where it stands in the file, counted from 0; `raw` is what an unquoted scalar was written as."""

    line: int
    column: int
    value: Any
    raw: str | None = None
    items: dict[str | int, Node] = field(default_factory=dict)
    keys: dict[str, Spot] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    node: Node
    flow: bool
    key: str | None = None

    @property
    def wants_key(self) -> bool:
        return self.key is None and isinstance(self.node.value, dict)


@dataclass(frozen=True, slots=True)
class Quoted:
    """Where a quoted text starts and where its closing quote ends."""

    start: Spot
    end: Spot


class GaveUpError(Exception):
    """The rest of the document is not read: too deep, too many values, too many flaws, or a key that is no scalar."""


class Builder:
    """The document so far; `first_line` is where the parser's line 0 lies in the file."""

    def __init__(self, first_line: int, budget: int) -> None:
        """Start empty, with a budget of nodes."""
        self.root: Node | None = None
        self.flaws: list[Flaw] = []
        self.quoted: Quoted | None = None
        self.budget = budget
        self._first_line = first_line
        self._frames: list[_Frame] = []

    @property
    def opened(self) -> Spot | None:
        """Return where the innermost `[` or `{` that is still open stands."""
        return next(((frame.node.line, frame.node.column) for frame in reversed(self._frames) if frame.flow), None)

    def scalar(self, event: Event) -> None:
        """Take a key or a value."""
        self._check_properties(event)
        if event.style:
            self._check_quoted(event)
        frame = self._frames[-1] if self._frames else None
        if frame is not None and frame.wants_key:
            frame.key = self._key(event, frame.node)
            return
        node = self._node(event, event.value)
        if not event.style:
            node.raw = event.value
            node.value = self._resolve(event)
        self._put(node)

    def start(self, event: Event, empty: dict[str, Any] | list[Any]) -> None:
        """Take the start of a list or mapping."""
        self._check_properties(event)
        if len(self._frames) == MAX_DEPTH:
            self._stop(event, "yaml/depth", f"nested deeper than {MAX_DEPTH} levels")
        if self._frames and self._frames[-1].wants_key:
            self._stop(event, "yaml/key", "a key must be text, not a list or a mapping")
        node = self._node(event, empty)
        self._put(node)
        self._frames.append(_Frame(node, event.flow_style))

    def end(self, _event: Event) -> None:
        """Take the end of a list or mapping."""
        self._frames.pop()

    def alias(self, event: Event) -> None:
        """Refuse an alias, and stand a null in its place."""
        self._flaw(event, "yaml/anchor", "anchors and aliases are not supported", "write the value out")
        if self._frames and self._frames[-1].wants_key:
            self._frames[-1].key = ""
        else:
            self._put(self._node(event, None))

    def _node(self, event: Event, value: Any) -> Node:
        if self.budget == 0:
            self._stop(event, "yaml/nodes", f"more than {MAX_NODES:,} values in one file")
        self.budget -= 1
        return Node(*self._spot(event.start_mark), value)

    def _put(self, node: Node) -> None:
        if not self._frames:
            if node.raw == "":  # an empty document: the parser gives the place of what comes next
                node.line, node.column = self._first_line, 0
            self.root = node
            return
        frame = self._frames[-1]
        if frame.key is None:
            frame.node.items[len(frame.node.value)] = node
            frame.node.value.append(node.value)
        else:
            frame.node.items[frame.key] = node
            frame.node.value[frame.key] = node.value
            frame.key = None

    def _key(self, event: Event, parent: Node) -> str:
        key = event.value
        if not event.style:
            if key == "<<":
                self._flaw(event, "yaml/merge", "merge keys are not supported", "write the fields out")
            elif not isinstance(value := self._resolve(event), str):
                advice = f"write '{key}' in quotes" if key else None
                self._flaw(event, "yaml/key", f"a key must be text, not {reading(value)}", advice)
        if key in parent.keys:
            first = parent.keys[key][0] + 1
            self._flaw(event, "yaml/duplicate-key", f"duplicate key `{key[:80]}`, first at line {first}")
        parent.keys.setdefault(key, self._spot(event.start_mark))
        return key

    def _resolve(self, event: Event) -> Value:
        try:
            return resolve(event.value)
        except NumberError as error:
            self._flaw(event, "yaml/number", str(error))
            return event.value

    def _check_properties(self, event: Event) -> None:
        if event.anchor is not None:
            self._flaw(event, "yaml/anchor", "anchors and aliases are not supported", "write the value out")
        if event.tag is not None:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")[:80]
            self._flaw(event, "yaml/tag", f"tags are not supported: {tag}", "put text that starts with `!` in quotes")

    def _check_quoted(self, event: Event) -> None:
        if event.style in {"'", '"'}:
            self.quoted = Quoted(self._spot(event.start_mark), self._spot(event.end_mark))
        if event.style == '"' and (match := INVISIBLE.search(event.value)) is not None:
            self._flaw(event, "yaml/character", f"escape for the invisible or control character U+{ord(match[0]):04X}")

    def _spot(self, mark: Mark) -> Spot:
        return mark.line + self._first_line, mark.column

    def _flaw(self, event: Event, code: str, message: str, advice: str | None = None) -> None:
        self.flaws.append(Flaw(*self._spot(event.start_mark), code, message, advice))
        if len(self.flaws) == _MAX_FLAWS:
            raise GaveUpError

    def _stop(self, event: Event, code: str, message: str) -> None:
        self._flaw(event, code, message)
        raise GaveUpError
