"""Digests of Python source by its syntax tree; which files count, and following imports, is left to `closure`."""

from __future__ import annotations

import ast
import codecs
import warnings
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from tokenize import detect_encoding

from mlspec.core import digest
from mlspec.core.problem import MlspecError, Place, Problem, fail

FORM = "python/1"
"""The name of this walk, part of every digest: a walk that would give other digests gets another name."""

_LONGEST_EXCERPT = 200
_ENCODINGS = {
    "utf-8",
    "utf-8-sig",
    "ascii",
    "iso8859-1",
    "iso8859-15",
    "cp1252",
    "cp1251",
    "koi8-r",
    "gbk",
    "big5",
    "shift_jis",
    "euc_jp",
    "euc_kr",
}
_LEFT_OUT = {"ctx", "type_comment", "type_ignores", "kind"}


def digest_source(source: bytes, file: str) -> str:
    """Return the digest of what a Python file does, equal on all supported Pythons.

    Comments, formatting, positions, the notation of literals, and statements that do nothing (docstrings and other
    bare constants, `pass`) are no part of it.

    Raises:
        MlspecError: `code/syntax`, where this Python cannot parse the file.
    """
    return digest_tree(parse(source, file))


def parse(source: bytes, file: str) -> ast.Module:
    """Parse a file without running anything of it.

    Raises:
        MlspecError: `code/syntax` with file, line and column; `code/too-deep` where the parser gives up;
            `code/encoding` where the file declares a codec that is not known to be harmless.
    """
    _check_encoding(source, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape such as "\d" warns, in other words on each Python
            return ast.parse(source, file)
    except SyntaxError as error:
        raise MlspecError(_problem(error, source, file)) from error
    except ValueError as error:
        raise MlspecError(Problem("code/syntax", f"Python cannot read this file: {error}", Place(file))) from error
    except (RecursionError, MemoryError) as error:
        message = "Python cannot parse this file: it is nested too deeply"
        raise MlspecError(Problem("code/too-deep", message, Place(file))) from error


def _check_encoding(source: bytes, file: str) -> None:
    """Refuse rare codecs: with some of them (punycode, idna) a small file takes hours to decode."""
    try:
        encoding, _ = detect_encoding(BytesIO(source).readline)
    except SyntaxError:
        return  # parsing says it better
    if codecs.lookup(encoding).name not in _ENCODINGS:
        raise fail("code/encoding", f"this file is declared to be {encoding}", place=Place(file, 1), help="use UTF-8")


def digest_tree(tree: ast.AST) -> str:
    """Return the digest of a syntax tree. No recursion: whatever could be parsed has a digest."""
    written = [FORM]
    waiting: list[object] = [tree]
    while waiting:
        item = waiting.pop()
        match item:
            case _Mark():
                written.append(item)
            case ast.Constant():
                written.append(_constant(item.value))
            case ast.AST():
                waiting += reversed(list(_node(item)))
            case None:
                written.append("-")  # a place in a list that is empty: `*, a` has one where `*, a=None` has a default
            case list():
                waiting += [_Mark("]"), *reversed(item), _Mark("[")]
            case _:
                written.append(_constant(item))
    return digest.of_bytes("\n".join(written).encode("utf-8", "surrogatepass"))


class _Mark(str):
    """Punctuation between values, which are written with their length."""

    __slots__ = ()


def _node(node: ast.AST) -> Iterator[object]:
    """List a node's class and its fields that say something: an absent field and an empty one are the same."""
    yield _Mark(f"({type(node).__name__}")
    for name in _fields(node._fields):
        value = getattr(node, name, None)
        if isinstance(value, list):
            value = _pieces(value) if isinstance(node, _TEXT) else _effective(value)
        if value is None or value in ([], 0) or _is_blank(name, value):
            continue
        yield _Mark(f".{name}")
        yield value
    yield _Mark(")")


_TEXT: tuple[type[ast.AST], ...] = (ast.JoinedStr, *([ast.TemplateStr] if hasattr(ast, "TemplateStr") else []))


@cache
def _fields(names: tuple[str, ...]) -> list[str]:
    return sorted(set(names) - _LEFT_OUT)


def _effective(items: list[object]) -> list[object]:
    """Leave out statements that do nothing; lists of other things stay as they are."""
    return [item for item in items if not _is_idle(item)]


def _is_idle(item: object) -> bool:
    return isinstance(item, ast.Pass) or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))


def _pieces(values: list[object]) -> list[object]:
    """Join neighbouring literal pieces of an f-string and drop empty ones: Pythons cut them differently."""
    joined: list[object] = []
    for value in values:
        if not isinstance(value, ast.Constant):
            joined.append(value)
        elif joined and isinstance(joined[-1], str):
            joined[-1] += str(value.value)
        elif value.value:
            joined.append(str(value.value))
    return joined


def _is_blank(name: str, value: object) -> bool:
    """Say whether this is the format of `f"{x:}"`, which formats as `f"{x}"` does."""
    return name == "format_spec" and isinstance(value, ast.JoinedStr) and not _pieces(list(value.values))


def _constant(value: object) -> str:
    match value:
        case str():
            text = f"{len(value)} {value}"
        case bytes():
            text = value.hex()
        case int():
            text = f"{value:x}"  # decimal has a limit of 4,300 digits
        case float():
            text = value.hex()
        case complex():
            text = f"{value.real.hex()} {value.imag.hex()}"
        case _:
            text = ""  # None and ..., which their type names
    return f"{type(value).__name__} {text}"


def _problem(error: SyntaxError, source: bytes, file: str) -> Problem:
    line, column = error.lineno or 0, max(error.offset or 0, 0)
    lines = source.splitlines()
    shown = excerpt(lines[line - 1]) if 0 < line <= len(lines) else None
    return Problem("code/syntax", f"Python cannot read this: {error.msg}", Place(file, line, column), None, shown)


def excerpt(line: bytes) -> str:
    """Return a line of source to show below a problem."""
    return line.decode("utf-8", "replace")[:_LONGEST_EXCERPT]
