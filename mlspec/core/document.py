"""What a YAML file holds before it means anything: documents, and findings about places inside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlspec.core.problem import Severity

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document as plain JSON data, with where it came from.

    `file` is relative to the repository with forward slashes, `index` counts the documents of the file from 0,
    `blob` is the git blob id of the whole file. Lines and columns are not kept: they are found again, by
    `io.yaml.locate`, for the few documents that need them.
    """

    file: str
    index: int
    value: Any
    blob: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at a path inside a document; `on_key` points at the key instead of its value."""

    file: str
    index: int
    path: Path
    code: str
    message: str
    help: str | None = None
    on_key: bool = False
    severity: Severity = "error"
