"""Documents to validated specs: each document is judged by itself; what crosses documents is left to `validate`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from mlspec.core.address import Address, is_name
from mlspec.core.document import Document, Finding, Path
from mlspec.core.problem import suggest
from mlspec.specs.base import Part, Spec
from mlspec.specs.dataset import Dataset
from mlspec.specs.gate import CheckSpec, Gate
from mlspec.specs.messages import SECRET, findings_of, shown
from mlspec.specs.model import Model
from mlspec.specs.project import Project
from mlspec.specs.secrets import is_secret, is_secret_under, may_hold_secret
from mlspec.specs.sound import Models, Outline, outline

PROJECT_FILE = "mlspec.yaml"
_SECRET_HELP = "remove it and revoke it: git keeps it for good; name environment variables in `train.env` instead"
_STAND_IN = CheckSpec(check="invalid")
_PartT = TypeVar("_PartT", bound=Part)


@dataclass(frozen=True, slots=True)
class Catalog:
    """What may be declared: the class of each `kind:` and of each `check:`, and the schemes of stores."""

    kinds: Mapping[str, type[Spec]]
    checks: Mapping[str, type[CheckSpec]]
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Specs:
    """The valid resources by name. `where` also has the addresses whose document is invalid, so they are not missed."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    models: Models = field(default_factory=lambda: Models({}, {}))
    gates: Mapping[str, Gate] = field(default_factory=dict)
    where: Mapping[Address, Document] = field(default_factory=dict)
    outlines: Mapping[str, Outline] = field(default_factory=dict)
    """Of each model."""


def parse(
    documents: Iterable[Document], catalog: Catalog, is_sound: Callable[[Document], bool] = lambda _: False
) -> tuple[Specs, list[Finding]]:
    """Validate each document by its kind, but for models known to be sound; return the specs and all that is wrong."""
    declared: dict[Address, list[Document]] = {}
    sound: dict[str, Document] = {}
    valid: dict[Address, Spec] = {}
    findings: list[Finding] = []
    for document in documents:
        kind, found = _kind_of(document, catalog)
        findings += found
        if kind is None:
            continue
        address = _declared(document, kind)
        if address is not None and kind is Model and is_sound(document):
            declared.setdefault(address, []).append(document)
            sound[address.name] = document
            continue
        spec, found = _spec(document, kind, catalog)
        findings += found
        if address is not None:
            declared.setdefault(address, []).append(document)
            if spec is not None:
                valid[address] = spec
    for address, places in declared.items():
        findings += _repeated(address, places)
    return _by_kind(valid, sound, {address: places[0] for address, places in declared.items()}), findings


def parse_project(documents: Iterable[Document]) -> tuple[Project | None, list[Finding]]:
    """Validate mlspec.yaml, which is one document without a kind."""
    every = list(documents)
    if not every:
        message = f"{PROJECT_FILE} holds no project: give at least version, project and teams"
        return None, [Finding(PROJECT_FILE, 0, (), "project/empty", message)]
    first, *more = every
    single = f"{PROJECT_FILE} holds one document"
    findings = [Finding(extra.file, extra.index, (), "project/documents", single) for extra in more]
    if not isinstance(first.value, dict):
        message = "expected a mapping with version, project and teams"
        return None, [*findings, Finding(first.file, first.index, (), "yaml/not-a-mapping", message)]
    findings += _secrets(first)
    project, found = _validated(Project, first.value, first)
    newer = [finding for finding in found if finding.path == ("version",)]
    if newer and isinstance(first.value["version"], int):
        found = newer  # what another format means by its fields is not ours to judge
    return project, findings + found


def _kind_of(document: Document, catalog: Catalog) -> tuple[type[Spec] | None, list[Finding]]:
    value = document.value

    def finding(path: Path, code: str, message: str, advice: str | None = None) -> tuple[None, list[Finding]]:
        return None, [Finding(document.file, document.index, path, code, message, advice)]

    if not isinstance(value, dict):
        message = f"document {document.index + 1}: expected a mapping with kind and name"
        return finding((), "yaml/not-a-mapping", message)
    known = ", ".join(catalog.kinds)
    if "kind" not in value:
        return finding((), "spec/missing", "missing `kind`", f"known kinds: {known}")
    kind = value["kind"]
    if not isinstance(kind, str) or kind not in catalog.kinds:
        advice = (suggest(kind, catalog.kinds) if isinstance(kind, str) else None) or f"known kinds: {known}"
        return finding(("kind",), "spec/unknown-kind", f"unknown kind {_named(kind)}", advice)
    return catalog.kinds[kind], []


def _spec(document: Document, kind: type[Spec], catalog: Catalog) -> tuple[Spec | None, list[Finding]]:
    fields = {key: value for key, value in document.value.items() if key != "kind"}
    findings = list(_secrets(document))
    spec: Spec | None
    if issubclass(kind, Gate) and isinstance(fields.get("checks"), list) and fields["checks"]:
        checks, found = _checks(document, fields["checks"], catalog)
        findings += found
        spec, found = _with_checks(kind, fields, checks, document)
    else:
        spec, found = _validated(kind, fields, document)
    findings += found
    return (None if findings else spec), findings


def _validated(
    part: type[_PartT], value: Any, document: Document, base: Path = ()
) -> tuple[_PartT | None, list[Finding]]:
    try:
        # strict mode reads JSON text as JSON has it: lists for tuples, and never "10" for 10
        return part.model_validate_json(json.dumps(value)), []
    except ValidationError as error:
        return None, findings_of(error, part, document, base)


def _with_checks(
    kind: type[Gate], fields: Mapping[str, Any], checks: tuple[CheckSpec, ...], document: Document
) -> tuple[Gate | None, list[Finding]]:
    try:
        return kind.model_validate({**fields, "checks": checks}), []
    except ValidationError as error:
        return None, findings_of(error, kind, document)


def _checks(document: Document, items: list[Any], catalog: Catalog) -> tuple[tuple[CheckSpec, ...], list[Finding]]:
    """Validate each check by its own class; an invalid one leaves a stand-in, so the rest of its gate is judged too."""
    checks: list[CheckSpec] = []
    findings: list[Finding] = []
    for n, item in enumerate(items):
        base: Path = ("checks", n)
        name = item.get("check") if isinstance(item, dict) else None
        known = catalog.checks.get(name) if isinstance(name, str) else None
        if known is None:
            findings.append(_unknown_check(document, base, item, catalog))
            checks.append(_STAND_IN)
            continue
        check, found = _validated(known, item, document, base)
        findings += found
        checks.append(check or _STAND_IN)
    return tuple(checks), findings


def _unknown_check(document: Document, base: Path, item: Any, catalog: Catalog) -> Finding:
    known = f"known checks: {', '.join(catalog.checks)}"
    if not isinstance(item, dict) or "check" not in item:
        message = "missing `check`" if isinstance(item, dict) else f"expected a mapping with check, not {shown(item)}"
        return Finding(document.file, document.index, base, "spec/missing", message, known)
    name = item["check"]
    advice = (suggest(name, catalog.checks) if isinstance(name, str) else None) or known
    message = f"unknown check {_named(name)}"
    return Finding(document.file, document.index, (*base, "check"), "spec/unknown-check", message, advice)


def _named(value: Any) -> str:
    return f"`{value[:60]}`" if isinstance(value, str) and not is_secret(value) else shown(value)


def _declared(document: Document, kind: type[Spec]) -> Address | None:
    name = document.value.get("name")
    return Address(kind.kind_name, name) if isinstance(name, str) and is_name(name) else None


def _repeated(address: Address, places: list[Document]) -> Iterator[Finding]:
    """Name every place of an address that is declared more than once, each with the next one."""
    if len(places) == 1:
        return
    for document, other in zip(places, [*places[1:], places[0]], strict=True):
        where = f"document {other.index + 1} of this file" if other.file == document.file else other.file
        message = f"{address} is declared twice: here and in {where}"
        yield Finding(
            document.file, document.index, ("name",), "spec/duplicate", message, "rename or remove one of them"
        )


def _by_kind(valid: Mapping[Address, Spec], sound: Mapping[str, Document], where: Mapping[Address, Document]) -> Specs:
    models = Models({address.name: spec for address, spec in valid.items() if isinstance(spec, Model)}, sound)
    outlines = {name: outline(where[Address(Model.kind_name, name)].value) for name in models}
    return Specs(
        datasets={address.name: spec for address, spec in valid.items() if isinstance(spec, Dataset)},
        models=models,
        gates={address.name: spec for address, spec in valid.items() if isinstance(spec, Gate)},
        where=where,
        outlines={name: seen for name, seen in outlines.items() if seen is not None},
    )


def _secrets(document: Document) -> Iterator[Finding]:
    if not may_hold_secret(json.dumps(document.value)):
        return
    for path, key, text in _texts(document.value):
        if is_secret(text) or is_secret_under(key, text):
            message = "this looks like a secret (its value is not shown)"
            yield Finding(document.file, document.index, path, SECRET, message, _SECRET_HELP)


def _texts(value: Any, path: Path = (), key: str = "") -> Iterator[tuple[Path, str, str]]:
    """Walk every text of a document, keys included, with its path and the nearest field name."""
    if isinstance(value, str):
        yield path, key, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield (*path, name), "", name
            yield from _texts(item, (*path, name), name)
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _texts(item, (*path, n), key)
