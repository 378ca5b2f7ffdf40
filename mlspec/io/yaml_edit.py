"""Changing one value of a YAML file, and not a byte beside it."""

from __future__ import annotations

import codecs

from mlspec.core.document import Path
from mlspec.io import yaml
from mlspec.io.yaml_sketch import Part
from mlspec.io.yaml_text import chunks, decode


def set_value(content: bytes, index: int, path: Path, text: str) -> bytes:
    """Return a file without flaws in which the value at a path of a document is `text`, written as a plain scalar.

    The value must be a scalar, or absent from a mapping that is there: then it becomes the mapping's first.

    Raises:
        LookupError: the document has no such mapping, or another kind of value there.
    """
    whole = decode(content)
    plain = whole.replace("\r\n", "\n")
    part, start = _mapping(plain, index, path[:-1])
    begin, end, new = _change(part, str(path[-1]), text)
    mark = codecs.BOM_UTF8 if content.startswith(codecs.BOM_UTF8) else b""
    first, last = (_offset(whole, plain, start + offset) for offset in (begin, end))
    if "\n" in new and "\r\n" in whole:
        new = new.replace("\n", "\r\n")
    return mark + (whole[:first] + new + whole[last:]).encode()


def _mapping(text: str, index: int, path: Path) -> tuple[Part, int]:
    """Return the mapping at a path of a document, and the offset that its own offsets count from."""
    start, seen = 0, 0
    for chunk in chunks(text):
        part = yaml.sketch(chunk.text).root.part
        if part is not None and seen == index:
            for step in path:
                part = _below(part, step)
            return part, start
        seen += part is not None
        start += len(chunk.text)
    raise LookupError(f"there is no document {index}")


def _below(part: Part, step: str | int) -> Part:
    for n, entry in enumerate(part.entries):
        if step == (entry.key.value if entry.key else n) and entry.part is not None:
            return entry.part
    raise LookupError(f"there is no `{step}`")


def _change(part: Part, key: str, text: str) -> tuple[int, int, str]:
    """Return what is to be replaced, by offsets, and with what."""
    if part.kind != "mapping":
        raise LookupError("not a mapping")
    for entry in part.entries:
        if entry.key is not None and entry.key.value == key:
            old = entry.part
            if old is None or old.kind != "scalar" or old.style in {"|", ">"} or old.start == old.end:
                raise LookupError(f"`{key}` is no plain value")
            return old.start, old.end, text
    if not part.entries:
        return part.start + 1, part.start + 1, f"{key}: {text}"
    first = part.entries[0].key
    assert first is not None, "a mapping's entries have keys"
    apart = ", " if part.flow else "\n" + " " * part.column
    return first.start, first.start, f"{key}: {text}{apart}"


def _offset(whole: str, plain: str, offset: int) -> int:
    """Return where an offset of a text whose line breaks are single line feeds lies in the text as it is."""
    line = plain.count("\n", 0, offset)
    column = offset - (plain.rfind("\n", 0, offset) + 1)
    return sum(len(row) + 1 for row in whole.split("\n")[:line]) + column
