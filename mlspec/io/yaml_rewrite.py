"""Writing YAML: a file in canonical layout, or with one value changed and all else as it was."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mlspec.core.document import Document
from mlspec.io import yaml
from mlspec.io.yaml_layout import Orders, Page, arrange
from mlspec.io.yaml_text import chunks, decode

_START, _END = "---", "..."


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file's canonical form, and the comments that it had."""

    content: bytes
    comments: Counter[str]


def rewrite(content: bytes, orders: Iterable[Orders]) -> Rewritten:
    """Return a file that has no flaws in canonical layout, given the order of fields in each of its documents.

    Line breaks stay what the first one is; a byte order mark goes.
    """
    text = decode(content)
    following, comments = iter(orders), Counter[str]()
    lines: list[str] = []
    for part in chunks(text.replace("\r\n", "\n")):
        sketched = yaml.sketch(part.text)
        comments.update(sketched.comments)
        if sketched.root.part is not None:
            arrange(sketched.root.part, next(following))
        lines += _around(part.text, Page(part.text).document(sketched.root))
    ending = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return Rewritten("".join(line + ending for line in lines).encode(), comments)


def means(content: bytes, documents: Sequence[Document], comments: Counter[str]) -> bool:
    """Say whether a file has these documents, value by value, and these comments, in any order."""
    found, problems = yaml.read("", content, "")
    if problems or [_canonical(one.value) for one in found] != [_canonical(one.value) for one in documents]:
        return False
    seen = Counter[str]()
    for part in chunks(decode(content).replace("\r\n", "\n")):
        seen.update(yaml.sketch(part.text).comments)
    return seen == comments


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # 1, 1.0 and true are equal in Python, and not here


def _around(text: str, lines: list[str]) -> list[str]:
    """Return the lines of a document between the marks of its start and end, where it has them."""
    before = [_START] if text.startswith(_START) else []
    after = [_END] if text.rstrip().rpartition("\n")[2].startswith(_END) else []
    return [*before, *lines, *after]
