"""The one door to YAML: bytes to documents of plain JSON data, and places in files for those who ask later.

Only syntax is judged here; what a document means is left to `specs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from _ruamel_yaml import (
    AliasEvent,
    CParser,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from mlspec.core.document import Document, Finding, Path
from mlspec.core.problem import Place, Problem
from mlspec.io.yaml_nodes import MAX_NODES, Builder, GaveUpError, Node
from mlspec.io.yaml_scalars import reading
from mlspec.io.yaml_sketch import Sketcher
from mlspec.io.yaml_syntax import Complaint, explain
from mlspec.io.yaml_text import Chunk, Flaw, RefusedError, Spot, chunks, decode, excerpt, flaws_of
from mlspec.specs.messages import NOT_TEXT, SECRET

Taker = TypeVar("Taker", Builder, Sketcher)
_COLON = "found unexpected ':'"
"""What the C parser says of `[12:30]` and `{entrypoint: src/train.py:train}`, which YAML 1.2 allows: then the slow
parser decides, on texts it reads in less than half a second."""
_MAX_SLOW = 1 << 16


@dataclass(frozen=True, slots=True)
class _Source:
    """A file's text, line by line, with its documents; a document that is refused is None."""

    lines: list[str]
    nodes: list[Node | None]
    flaws: list[Flaw]


def read(file: str, content: bytes, blob: str) -> tuple[list[Document], list[Problem]]:
    """Read the documents of one file, with everything that is wrong with its syntax.

    A document that is refused is left out and hides no other; an empty file has no documents.
    """
    source = _compose(content)
    documents = [Document(file, n, node.value, blob) for n, node in enumerate(source.nodes) if node is not None]
    return documents, [_problem(file, source.lines, flaw) for flaw in source.flaws]


def locate(findings: Iterable[Finding], content_of: Callable[[str], bytes]) -> list[Problem]:
    """Give findings their places and source lines, reading again only the files concerned.

    A finding at a path that is not written down stands at the deepest part that is.
    """
    sources: dict[str, _Source] = {}
    problems = []
    for finding in findings:
        if finding.file not in sources:
            sources[finding.file] = _compose(content_of(finding.file))
        problems.append(_located(finding, sources[finding.file]))
    secret = {_line(problem) for problem in problems if problem.code == SECRET}
    return [replace(problem, excerpt=None) if _line(problem) in secret else problem for problem in problems]


def places(file: str, content: bytes, index: int, paths: Iterable[Path]) -> Mapping[Path, Place]:
    """Return where the values at these paths of a document stand; if not written down, the deepest part that is."""
    source = _compose(content)
    node = source.nodes[index] if index < len(source.nodes) else None
    if node is None:
        return {path: Place(file) for path in paths}
    return {path: _place(file, _find(node, path, on_key=True)[1]) for path in paths}


def _compose(content: bytes) -> _Source:
    try:
        text = decode(content)
        parts = chunks(text)
    except RefusedError as refusal:
        return _Source([], [], [refusal.flaw])
    source = _Source(text.split("\n"), [], [])
    budget = MAX_NODES
    for part in parts:
        budget = _compose_chunk(part, source, budget)
    return source


def _compose_chunk(chunk: Chunk, source: _Source, budget: int) -> int:
    """Add the chunk's document to the source, if it has one; returns what is left of the budget of nodes."""
    flaws = list(flaws_of(chunk))
    if flaws:
        source.flaws.extend(flaws)
        source.nodes.append(None)
        return budget
    builder, error = _parse(chunk.text, lambda: Builder(chunk.line, budget))
    if error is not None:
        builder.flaws.append(explain(_complaint(error, chunk.line), source.lines, builder.quoted, builder.opened))
    if builder.flaws or builder.root is not None:
        source.flaws.extend(builder.flaws)
        source.nodes.append(None if builder.flaws else builder.root)
    return builder.budget


def sketch(text: str) -> Sketcher:
    """Return one document of a file without flaws as it was written; its line breaks are all single line feeds."""
    sketcher, error = _parse(text, lambda: Sketcher(text))
    assert error is None, "only a file that was read without a problem is sketched"
    sketcher.finish()
    return sketcher


def _parse(text: str, make: Callable[[], Taker]) -> tuple[Taker, Exception | None]:
    """Let a builder take what can be parsed; returns with it what stopped the parser, if anything did."""
    builder = make()
    error = _feed(_fast_events(text), builder)
    if getattr(error, "problem", None) == _COLON and len(text) <= _MAX_SLOW:
        builder = make()
        error = _feed(YAML(typ="safe", pure=True).parse(text), builder)
    return builder, error


def _fast_events(text: str) -> Iterator[Any]:
    parser = CParser(text)
    while (event := parser.get_event()) is not None:
        yield event


def _feed(events: Iterator[Any], builder: Builder | Sketcher) -> Exception | None:
    try:
        for event in events:
            _take(event, builder)
    except GaveUpError:
        pass
    except (YAMLError, ValueError, LookupError) as error:  # the latter two from the parser in Python, for some escapes
        return error
    return None


def _take(event: Any, builder: Builder | Sketcher) -> None:
    kind = type(event)
    if kind is ScalarEvent:
        builder.scalar(event)
    elif kind is MappingStartEvent:
        builder.start(event, {})
    elif kind is SequenceStartEvent:
        builder.start(event, [])
    elif kind is MappingEndEvent or kind is SequenceEndEvent:
        builder.end(event)
    elif kind is AliasEvent:
        builder.alias(event)


def _complaint(error: Exception, first_line: int) -> Complaint:
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Complaint("", str(error).partition("\n")[0], (first_line, 0), (first_line, 0))
    spot = (error.problem_mark.line + first_line, error.problem_mark.column)
    start = error.context_mark
    return Complaint(
        error.context or "",
        error.problem or "",
        spot,
        spot if start is None else (start.line + first_line, start.column),
    )


def _located(finding: Finding, source: _Source) -> Problem:
    node = source.nodes[finding.index] if finding.index < len(source.nodes) else None
    if node is None:
        return Problem(finding.code, finding.message, Place(finding.file), finding.help)
    found, spot = _find(node, finding.path, on_key=finding.on_key)
    message = finding.message
    if finding.code == NOT_TEXT and found.raw:
        message += f": write '{found.raw[:80]}' in quotes (YAML reads {reading(found.value)})"
    flaw = Flaw(*spot, finding.code, message, finding.help)
    return replace(_problem(finding.file, source.lines, flaw), severity=finding.severity)


def _line(problem: Problem) -> tuple[str, int] | None:
    return (problem.place.file, problem.place.line) if problem.place else None


def _find(node: Node, path: Path, *, on_key: bool) -> tuple[Node, Spot]:
    """Return the deepest node of a path, and its spot: that of its key where `on_key`, if the whole path is there."""
    spot = (node.line, node.column)
    for depth, step in enumerate(path, 1):
        inner = node.items.get(step)
        if inner is None:
            break
        spot = (inner.line, inner.column)
        if on_key and depth == len(path) and isinstance(step, str):
            spot = node.keys[step]
        node = inner
    return node, spot


def _problem(file: str, lines: list[str], flaw: Flaw) -> Problem:
    spot = (flaw.line, flaw.column)
    return Problem(flaw.code, flaw.message, _place(file, spot), flaw.help, excerpt(lines, *spot))


def _place(file: str, spot: Spot) -> Place:
    return Place(file, spot[0] + 1, spot[1] + 1)
