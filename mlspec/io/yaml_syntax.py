"""The parser's complaints in plain words, placed at the cause rather than where the parser gave up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mlspec.io.yaml_nodes import Quoted
from mlspec.io.yaml_text import Flaw, Spot

_CODE = "yaml/syntax"
_TAB = re.compile(r" *\t")
_INDENT_HELP = "check the indentation, and that each line reads `key: value`"
_PLAIN: Mapping[str, tuple[str, str | None]] = {
    "mapping values are not allowed in this context": (
        "`:` is not expected here",
        "put text that holds a colon in quotes, or check the indentation",
    ),
    "did not find expected key": ("a key is expected here", _INDENT_HELP),
    "did not find expected '-' indicator": ("a list entry, `- …`, is expected here", "check the indentation"),
    "block sequence entries are not allowed in this context": (
        "a list entry is not expected here",
        "start the list on a line of its own",
    ),
    "found unexpected ':'": ("`:` is not expected here", "put text that holds a colon in quotes"),
    "found unknown escape character": ("unknown escape in double quotes", "use single quotes, or write \\\\"),
    "found invalid Unicode character escape code": ("unknown escape in double quotes", "use single quotes"),
    "did not find expected hexdecimal number": ("unknown escape in double quotes", "use single quotes, or write \\\\"),
    "did not find expected node content": ("a value is expected here", None),
    "did not find expected <document start>": ("unexpected text after the end of the document", None),
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What the parser said: its words, where it gave up, and where what it was reading began; counted from 0."""

    context: str
    problem: str
    spot: Spot
    start: Spot


def explain(complaint: Complaint, lines: list[str], quoted: Quoted | None, opened: Spot | None) -> Flaw:
    """Turn a complaint about the lines of a file into a flaw at its cause.

    `quoted` is the last quoted text before it, `opened` the innermost bracket that is still open.
    """
    return (
        _tab(complaint, lines)
        or _quote(complaint, lines, quoted)
        or _bracket(complaint, lines, opened)
        or _word(complaint, lines)
        or _rest(complaint)
    )


def _tab(complaint: Complaint, lines: list[str]) -> Flaw | None:
    line = complaint.spot[0]
    match = _TAB.match(lines[line]) if line < len(lines) else None
    if match is None:
        return None
    return Flaw(line, match.end() - 1, _CODE, "tab character in the indentation", "indent with spaces")


def _quote(complaint: Complaint, lines: list[str], quoted: Quoted | None) -> Flaw | None:
    if "quoted scalar" in complaint.context and complaint.problem.startswith("found unexpected"):
        return Flaw(*complaint.start, _CODE, "unclosed quote")
    line, column = complaint.spot
    if quoted is not None and quoted.start[0] < quoted.end[0] == line:
        return Flaw(*quoted.start, _CODE, "unclosed quote", "the text runs on to a quote on a later line")
    # the parser looks ahead, so the text that was just closed may not have been seen yet
    if "quoted scalar" in complaint.context:
        return None
    closed = quoted is not None and quoted.end[0] == line and quoted.end[1] <= column
    if closed or (line < len(lines) and lines[line][max(column - 1, 0) : column] in ("'", '"')):
        advice = "write a quote inside quoted text twice, or use the other kind around it"
        return Flaw(line, column, _CODE, "unexpected text after a closing quote", advice)
    return None


def _bracket(complaint: Complaint, lines: list[str], opened: Spot | None) -> Flaw | None:
    ended = complaint.spot[0] >= len(lines) - 1 or lines[complaint.spot[0]].startswith(("---", "..."))
    if ended and opened is not None and complaint.spot[0] > opened[0]:
        return Flaw(*opened, _CODE, f"unclosed `{lines[opened[0]][opened[1]]}`")
    if "expected ',' or" not in complaint.problem:
        return None
    bracket, closing = "[]" if "sequence" in complaint.context else "{}"
    if complaint.spot[0] > complaint.start[0]:
        return Flaw(*complaint.start, _CODE, f"unclosed `{bracket}`")
    return Flaw(*complaint.spot, _CODE, f"`,` or `{closing}` is expected here", "put text with brackets in quotes")


def _word(complaint: Complaint, lines: list[str]) -> Flaw | None:
    line, column = complaint.spot
    if complaint.problem == "found character that cannot start any token" and line < len(lines):
        character = lines[line][column : column + 1]
        return Flaw(line, column, _CODE, f"a value cannot start with `{character}`", "put it in quotes")
    if complaint.context in ("while scanning an alias", "while scanning an anchor"):
        sign = "*" if complaint.context.endswith("alias") else "&"
        return Flaw(*complaint.start, _CODE, f"a value cannot start with `{sign}`", "put it in quotes")
    if complaint.context == "while scanning a simple key":
        return Flaw(*complaint.start, _CODE, "a key without `:`", _INDENT_HELP)
    if "tag" in complaint.context or "tag" in complaint.problem:
        return Flaw(*complaint.start, "yaml/tag", "tags are not supported", "put text that starts with `!` in quotes")
    if "directive" in complaint.context or "document start" in complaint.problem:
        return _directive(complaint, lines)
    return None


def _directive(complaint: Complaint, lines: list[str]) -> Flaw | None:
    for number in range(min(complaint.spot[0], len(lines) - 1), -1, -1):
        if lines[number].startswith("%"):
            return Flaw(number, 0, _CODE, "directives such as %YAML are not supported", "remove the line")
        if lines[number].startswith("---") and number < complaint.spot[0]:
            break
    return None


def _rest(complaint: Complaint) -> Flaw:
    words, advice = _PLAIN.get(complaint.problem, (complaint.problem, None))
    return Flaw(*complaint.spot, _CODE, words, advice)
