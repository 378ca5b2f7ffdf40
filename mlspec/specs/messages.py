"""Validation errors in plain sentences: the field, what is allowed, and what was written, unless it may be a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mlspec.core.document import Document, Finding, Path
from mlspec.core.problem import suggest
from mlspec.specs.base import MisplacedError, Part
from mlspec.specs.secrets import is_secret, is_secret_under, mask

NOT_TEXT = "spec/not-text"
"""The code of a finding whose sentence gains, once located, how the scalar was written."""
MAX_FINDINGS = 50
"""The most findings of one part of a document: more help nobody, and cost time."""
SECRET = "spec/secret"
"""The code of a finding whose source line is never shown, nor with any other problem of that line."""
_MAX_SHOWN = 60
_EXPECTED = re.compile(r"'([^']*)'")
_TEMPLATE = re.compile(r"\$\{|\{\{")
_NO_TEMPLATES = "there is no template language in specs: `${…}` and `{{…}}` are plain text"
_YES_NO = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}

Sentence = Callable[[ErrorDetails], str]


def findings_of(error: ValidationError, part: type[Part], document: Document, base: Path = ()) -> list[Finding]:
    """Turn what pydantic found in a part of a document, which stands at `base`, into findings."""
    findings = []
    listed = error.errors(include_url=False)
    inside = {details["loc"][:n] for details in listed for n in range(len(details["loc"]))}
    every = [details for details in listed if details["type"] != "too_short" or details["loc"] not in inside]
    for details in every[:MAX_FINDINGS]:
        path, on_key = _path_of(details)
        code, message, advice = _explain(details, part, base + path)
        findings.append(Finding(document.file, document.index, base + path, code, message, advice, on_key))
    if len(every) > MAX_FINDINGS:
        message = f"and {len(every) - MAX_FINDINGS:,} more problems like these"
        findings.append(Finding(document.file, document.index, base, "spec/more", message))
    return findings


def field_name(path: Path) -> str:
    """Write a path as people do: `split.seed`, `schema[2].type` (counted from 0, as jq does)."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def shown(value: Any, path: Path = ()) -> str:
    """Show a value as JSON, shortened; never one that looks like a secret."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    key = next((step for step in reversed(path) if isinstance(step, str)), "")
    if isinstance(value, str) and (key == "env" or is_secret(value) or is_secret_under(key, value)):
        return "(not shown)"
    return mask(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…")


def _path_of(details: ErrorDetails) -> tuple[Path, bool]:
    path = details["loc"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, MisplacedError):
        return path + cause.path, False
    if path and path[-1] == "[key]":
        return path[:-1], True
    if details["type"] == "missing":
        return path[:-1], True
    whole = isinstance(details["input"], Mapping) and details["type"] == "value_error"
    return path, whole or details["type"] == "extra_forbidden"


def _explain(details: ErrorDetails, part: type[Part], path: Path) -> tuple[str, str, str | None]:
    kind, value = details["type"], details["input"]
    if kind == "missing":
        return "spec/missing", f"missing `{details['loc'][-1]}`" + (f" in `{field_name(path)}`" if path else ""), None
    if kind == "extra_forbidden":
        return _unknown_field(path, _fields_at(part, details["loc"][:-1]))
    name = f"`{field_name(path)}` " if path else ""
    if value is None and kind != "value_error":
        return "spec/empty", f"{name}is empty; {_SENTENCES.get(kind, _otherwise)(details)}", None
    if kind == "string_type" and not isinstance(value, Mapping | list):
        return NOT_TEXT, f"{name}must be text", None
    if kind == "value_error":
        return "spec/value", _own(details, name), _template_help(value)
    sentence = _SENTENCES.get(kind, _otherwise)(details)
    written = "" if kind in ("too_short", "too_long") else f", not {shown(value, path)}"
    return "spec/value", f"{name}{sentence}{written}", _value_help(details)


def _own(details: ErrorDetails, name: str) -> str:
    """Return the sentence of one of our own validators: those that begin with a verb lack the field and the value."""
    sentence = str(details.get("ctx", {}).get("error", details["msg"]))
    if not sentence.startswith(("must ", "is not ")):
        return sentence
    value = details["input"]
    written = "" if isinstance(value, Mapping | list) else f": {shown(value, details['loc'])}"
    return f"{name}{sentence}{written}"


def _unknown_field(path: Path, known: list[str]) -> tuple[str, str, str | None]:
    where = f" in `{field_name(path[:-1])}`" if path[:-1] else ""
    advice = suggest(str(path[-1]), known) or (f"known fields: {', '.join(known)}" if known else None)
    return "spec/unknown-field", f"unknown field `{mask(str(path[-1])[:_MAX_SHOWN])}`{where}", advice


def _fields_at(part: type[BaseModel], path: Path) -> list[str]:
    """Return the names of the fields of the part at a path, as they are written."""
    for step in path:
        info = next((info for name, info in part.model_fields.items() if step in (info.alias, name)), None)
        inner = next(_parts_in(info.annotation), None) if info is not None else part
        if inner is None:
            return []
        part = inner
    return [info.alias or name for name, info in part.model_fields.items()]


def _parts_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _parts_in(inner)


def _value_help(details: ErrorDetails) -> str | None:
    value = details["input"]
    if not isinstance(value, str):
        return None
    if details["type"] == "literal_error":
        return suggest(value, _EXPECTED.findall(details["ctx"]["expected"])) or _template_help(value)
    if details["type"] == "bool_type" and value.lower() in _YES_NO:
        return f"YAML 1.2 reads `{value}` as text; write {_YES_NO[value.lower()]}"
    return _template_help(value)


def _template_help(value: Any) -> str | None:
    return _NO_TEMPLATES if isinstance(value, str) and _TEMPLATE.search(value) else None


def _constraint(words: str, key: str) -> Sentence:
    return lambda details: f"must be {words} {details['ctx'][key]:g}"


def _length(words: str, key: str, unit: str) -> Sentence:
    def sentence(details: ErrorDetails) -> str:
        count = details["ctx"][key]
        return f"must have {words} {count} {unit}{'' if count == 1 else 's'}"

    return sentence


def _one_of(details: ErrorDetails) -> str:
    expected = _EXPECTED.findall(details["ctx"]["expected"])
    return f"must be {'one of ' if len(expected) > 1 else ''}{', '.join(expected)}"


def _must(words: str) -> Sentence:
    return lambda _details: f"must be {words}"


def _otherwise(details: ErrorDetails) -> str:
    return f"is not valid ({details['msg'][:1].lower()}{details['msg'][1:]})"


_SENTENCES: Mapping[str, Sentence] = {
    "string_type": _must("text"),
    "int_type": _must("a whole number"),
    "int_from_float": _must("a whole number"),
    "float_type": _must("a number"),
    "finite_number": _must("a finite number"),
    "bool_type": _must("true or false"),
    "tuple_type": _must("a list"),
    "list_type": _must("a list"),
    "dict_type": _must("a mapping"),
    "model_type": _must("a mapping"),
    "model_attributes_type": _must("a mapping"),
    "literal_error": _one_of,
    "greater_than": _constraint("above", "gt"),
    "greater_than_equal": _constraint("at least", "ge"),
    "less_than": _constraint("below", "lt"),
    "less_than_equal": _constraint("at most", "le"),
    "string_too_short": _length("at least", "min_length", "character"),
    "string_too_long": _length("at most", "max_length", "character"),
    "too_short": _length("at least", "min_length", "item"),
    "too_long": _length("at most", "max_length", "item"),
}
