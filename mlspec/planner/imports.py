"""What a Python file imports and defines, read from its syntax tree; finding the files is left to `closure`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from mlspec.planner.syntax import digest_tree, excerpt, parse

READING = 2
"""Which reading this is: modules read by another one are read again."""

_LOADERS = {"import_module", "__import__"}
_OPAQUE = {"run_path", "run_module", "spec_from_file_location", "SourceFileLoader", "load_source", "addsitedir"}
_PATH_CHANGES = {"append", "insert", "extend"}
_NOTHING_BOUND = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Import(NamedTuple):
    """One import: `level` leading dots, a dotted module ("" for `from . import x`), and the names taken from it."""

    level: int
    module: str
    names: tuple[str, ...] = ()


class Dynamic(NamedTuple):
    """Code loaded in a way that reading cannot follow: 1-based line and column, the call, and the source line."""

    line: int
    column: int
    call: str
    excerpt: str = ""


class Module(NamedTuple):
    """What a file says, wherever it lies: equal bytes give equal values, so it can be kept by the bytes' hash.

    `names` are bound at the top level, each with `def`, `async` or `other`; `exports` are the texts of `__all__`.
    """

    digest: str
    imports: tuple[Import, ...]
    dynamic: tuple[Dynamic, ...]
    names: tuple[tuple[str, str, int], ...]
    exports: tuple[str, ...]


def read_module(source: bytes, file: str) -> Module:
    """Read a Python file.

    Raises:
        MlspecError: as `syntax.parse`.
    """
    tree = parse(source, file)
    nodes = list(ast.walk(tree))
    known = _named(nodes)
    found = [item for node in nodes for item in _loads(node, known)]
    imports = tuple(dict.fromkeys(item for item in found if isinstance(item, Import)))
    lines = dict(enumerate(source.splitlines(), 1))
    dynamic = sorted(_in_characters(item, lines.get(item.line, b"")) for item in found if isinstance(item, Dynamic))
    return Module(digest_tree(tree), imports, tuple(dynamic), tuple(_bound(tree)), tuple(_exports(tree)))


class _Known(NamedTuple):
    """The names by which a file calls what loads code: renamed in an import, or by an assignment."""

    loaders: set[str]
    opaque: set[str]
    system: set[str]
    """Of the module `sys`."""
    path: set[str]
    """Of `sys.path`."""


def _loads(node: ast.AST, known: _Known) -> Iterator[Import | Dynamic]:
    match node:
        case ast.Import():
            yield from (Import(0, alias.name) for alias in node.names)
        case ast.ImportFrom():
            yield Import(node.level, node.module or "", tuple(alias.name for alias in node.names))
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in known.loaders:
            yield _literal_import(node) or _dynamic(node, name)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in known.opaque:
            yield _dynamic(node, name)
        case ast.Call(func=ast.Name(id="exec")):
            yield _dynamic(node, "exec")
        case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in _PATH_CHANGES and _is_path(value, known):
            yield _dynamic(node, f"sys.path.{name}")
        case ast.AugAssign(target=target) if _is_path(target, known):
            yield _dynamic(node, "sys.path +=")
        case ast.Assign(targets=[*targets]) if any(_is_path(target, known) for target in targets):
            yield _dynamic(node, "sys.path =")


def _is_path(value: ast.expr, known: _Known) -> bool:
    """Say whether this is `sys.path`, or a part of it."""
    match value:
        case ast.Subscript(value=inner):
            return _is_path(inner, known)
        case ast.Attribute(attr="path", value=ast.Name(id=name)):
            return name in known.system
        case ast.Name(id=name):
            return name in known.path
    return False


def _dynamic(node: ast.expr | ast.stmt, name: str) -> Dynamic:
    return Dynamic(node.lineno, node.col_offset, name)


def _in_characters(found: Dynamic, line: bytes) -> Dynamic:
    """Count the column as editors do: the syntax tree counts bytes, from 0."""
    before = line[: found.column].decode("utf-8", "replace")
    return found._replace(column=len(before) + 1, excerpt=excerpt(line))


def _named(nodes: list[ast.AST]) -> _Known:
    known = _Known(set(_LOADERS), set(_OPAQUE), {"sys"}, set())
    for node in nodes:
        match node:
            case ast.Import():
                known.system.update(alias.asname for alias in node.names if alias.name == "sys" and alias.asname)
            case ast.ImportFrom(module="sys"):
                known.path.update(alias.asname or "path" for alias in node.names if alias.name == "path")
            case ast.ImportFrom():
                _rename(known, [(alias.asname, alias.name) for alias in node.names])
            case ast.Assign(value=ast.Attribute(attr=name) | ast.Name(id=name)):
                _rename(known, [(target.id, name) for target in node.targets if isinstance(target, ast.Name)])
    return known


def _rename(known: _Known, names: list[tuple[str | None, str]]) -> None:
    for new, old in names:
        for kind, usual in ((known.loaders, _LOADERS), (known.opaque, _OPAQUE)):
            if new is not None and old in usual:
                kind.add(new)


def _literal_import(call: ast.Call) -> Import | None:
    """Return the import that `import_module("a.b")` or `import_module(".b", "a")` makes; None for any other call."""
    given = dict(enumerate(call.args)) | {keyword.arg: keyword.value for keyword in call.keywords}
    match given.get(0, given.get("name")):
        case ast.Constant(value=str(name)):
            pass
        case _:
            return None
    rest = name.lstrip(".")
    level = len(name) - len(rest)
    if level == 0:
        return Import(0, name)
    match given.get(1, given.get("package")):
        case ast.Name(id="__package__" | "__name__"):
            return Import(level, rest)
        case ast.Constant(value=str(package)) if package.count(".") >= level - 1:
            base = package.split(".")[: package.count(".") + 2 - level]
            return Import(0, ".".join([*base, rest]))
    return None


def _bound(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """List the names that the top level binds, branches and loops included: name, kind, line."""
    waiting: list[ast.AST] = list(reversed(tree.body))
    while waiting:
        node = waiting.pop()
        match node:
            case ast.FunctionDef() | ast.ClassDef():
                yield node.name, "def", node.lineno
            case ast.AsyncFunctionDef():
                yield node.name, "async", node.lineno
            case ast.Import() | ast.ImportFrom():
                yield from ((alias.asname or alias.name.split(".")[0], "other", node.lineno) for alias in node.names)
            case ast.Name(ctx=ast.Store()):
                yield node.id, "other", node.lineno
            case ast.AnnAssign(value=None):
                pass
            case _ if not isinstance(node, _NOTHING_BOUND):
                waiting += reversed(list(ast.iter_child_nodes(node)))


def _exports(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AugAssign(target=ast.Name(id="__all__"), value=value)
                | ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value)
            ):
                texts = (item.value for item in ast.walk(value) if isinstance(item, ast.Constant))
                yield from (text for text in texts if isinstance(text, str))
