"""Names that completion offers: read off the lines of the specs, with no YAML parsed and nothing heavy imported.

A shell waits for it at every key. A document in brackets is missed; `mlspec fmt` does not write such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mlspec.commands.find import find_project
from mlspec.core.address import NAME_PATTERN, is_name
from mlspec.core.problem import MlspecError
from mlspec.io.trees import PROJECT_FILE, WorkTree

_DOCUMENT = re.compile(rb"^---", re.MULTILINE)
_FIELD = re.compile(rb"^(kind|name)[ \t]*:[ \t]*['\"]?([A-Za-z][A-Za-z0-9-]*)", re.MULTILINE)
_STAGES = re.compile(rb"^stages[ \t]*:((?:.*\n)(?:[ \t\]-].*\n|\r?\n)*)", re.MULTILINE)
_COMMENT = re.compile(rb"#.*")
_NAME = re.compile(rf"\b{NAME_PATTERN}\b".encode())


def addresses(start: Path) -> list[str]:
    """Return the addresses that the specs around a folder declare, sorted; none where there is no project."""
    tree = _tree(start)
    if tree is None:
        return []
    declared = (address for file in tree.spec_paths() for address in _declared(tree.read(file) or b""))
    return sorted(set(declared))


def stages(start: Path) -> list[str]:
    """Return the stages of mlspec.yaml, in their order; none where there is no project."""
    tree = _tree(start)
    match = _STAGES.search((tree.read(PROJECT_FILE) or b"") + b"\n") if tree is not None else None
    return [name.decode() for name in _NAME.findall(_COMMENT.sub(b"", match[1]))] if match else []


def _tree(start: Path) -> WorkTree | None:
    try:
        return WorkTree(find_project(start))
    except MlspecError:
        return None


def _declared(content: bytes) -> Iterator[str]:
    for text in _DOCUMENT.split(content):
        found = {field.decode(): value.decode() for field, value in _FIELD.findall(text)}
        kind, name = found.get("kind", "").lower(), found.get("name", "")
        if kind and is_name(name):
            yield f"{kind}/{name}"
