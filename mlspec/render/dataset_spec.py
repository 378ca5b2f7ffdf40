"""A guessed dataset as a spec to review: YAML with what each guess rests on as a comment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[ -][A-Za-z0-9_]+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off"}
"""Texts that some reader of YAML takes for something else."""
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


def dataset_spec(fields: Mapping[str, Any], whys: Mapping[str, str], note: str) -> str:
    """Write a dataset; `whys` are the reasons by column, `note` says what was looked at."""
    lines = [
        "# yaml-language-server: $schema=../schemas/spec.schema.json",
        f"# Guessed from {note}. Review every line: types, roles, ranges; then remove these comments.",
        "kind: Dataset",
        f"name: {fields['name']}",
        f"owner: {fields['owner']}",
        f"source: {_source(fields['source'])}",
        "schema:",
    ]
    rows = [f"  - {_flow(column)}" for column in fields["schema"]]
    width = min(max(map(len, rows)), 72)
    for row, column in zip(rows, fields["schema"], strict=True):
        why = whys.get(column["name"], "")
        if why and len(row) > width:
            lines += [f"  # {why}", row]
        else:
            lines.append(f"{row.ljust(width)}  # {why}" if why else row)
    lines.append(f"checks: {_flow(fields['checks'])}")
    return "\n".join(lines) + "\n"


def _source(source: Any) -> str:
    return _flow(source) if isinstance(source, Mapping) else _scalar(source, _PATH)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value, _BARE)


def _scalar(value: Any, bare: re.Pattern[str]) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if bare.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
