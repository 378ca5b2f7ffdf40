"""Pinned requirements, pip's form of a lock: one package a line, each at one version. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mlspec.core.problem import Place, Problem

_COMMENT = re.compile(r"(^|\s)#.*$")
_HARMLESS = frozenset(
    {"--extra-index-url", "--index-url", "-i", "--no-index", "--only-binary", "--prefer-binary"}
    | {"--require-hashes", "--trusted-host"}
)
"""Options that say where to find what is locked, and not what that is."""
_ARCHIVE = re.compile(r"https?://\S+")
_PIN_HELP = "pin it with `==`, as `uv pip compile --generate-hashes` does"


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock; `version` is None of one that goes by its address, `marker` says where it is meant for."""

    name: str
    version: str | None
    marker: str | None = None
    line: int = 0
    hashed: bool = False


def read(path: str, text: str) -> tuple[list[Pin], list[Problem]]:
    """Read requirements; return what they pin, and a problem for each line that leaves anything open."""
    pins: list[Pin] = []
    problems: list[Problem] = []
    for line, statement in _statements(text):
        place, excerpt = Place(path, line), statement.split(" --", maxsplit=1)[0]
        found = _pin(statement, line)
        if isinstance(found, Pin):
            pins.append(found)
        elif found is not None:
            problems.append(found.at(place, excerpt))
    problems += _half_hashed(path, pins)
    return pins, problems + list(_twice(path, pins))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands on a line, or on several that a backslash joins, with the first one's number."""
    start, parts = 0, list[str]()
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        bare = _COMMENT.sub("", line).strip()
        start = start or number
        parts.append(bare.removesuffix("\\").strip())
        if not bare.endswith("\\"):
            statement = " ".join(filter(None, parts))
            if statement:
                yield start, statement
            start, parts = 0, []


def _pin(statement: str, line: int) -> Pin | Problem | None:
    written, *options = re.split(r"\s+(?=--)", statement)
    if written.startswith("-"):
        return _option(written)
    other = next((option for option in options if not option.startswith("--hash")), None)
    if other is not None:
        return _form(f"`{other}` is no option of a lock")
    try:
        requirement = Requirement(written)
    except InvalidRequirement as error:
        return _form(f"`{written}` is no requirement: {str(error).splitlines()[0]}")
    open_ = _left_open(requirement, hashed=bool(options))
    if open_ is not None:
        return open_
    version = next((one.version for one in requirement.specifier), None)
    marker = str(requirement.marker) if requirement.marker else None
    return Pin(canonicalize_name(requirement.name), version, marker, line, bool(options))


def _left_open(requirement: Requirement, *, hashed: bool) -> Problem | None:
    """Return what is wrong with a requirement that more than one archive may meet."""
    name = requirement.name
    if requirement.url is not None:
        if _ARCHIVE.fullmatch(requirement.url) and (hashed or "#sha256=" in requirement.url):
            return None
        message = f"`{name}` is taken from an address that may hold something else tomorrow"
        return Problem("environment/not-pinned", message, help="name a wheel by https:// and add its --hash")
    pinned = [one for one in requirement.specifier if one.operator == "==" and not one.version.endswith(".*")]
    if len(pinned) == len(requirement.specifier) == 1:
        return None
    asked = str(requirement.specifier) or "any version"
    return Problem("environment/not-pinned", f"`{name}` is not pinned to one version: {asked}", help=_PIN_HELP)


def _option(written: str) -> Problem | None:
    option = re.split(r"[\s=]", written, maxsplit=1)[0]
    if option in _HARMLESS:
        return None
    if option in ("-r", "--requirement", "-c", "--constraint"):
        return _form(f"`{option}` brings in another file: a lock is one file")
    if option in ("-e", "--editable"):
        return _form("an editable install is a folder that may change: no lock holds it")
    return _form(f"`{option}` is no option of a lock")


def _form(message: str) -> Problem:
    return Problem("environment/form", message)


def _half_hashed(path: str, pins: Sequence[Pin]) -> list[Problem]:
    bare = [pin for pin in pins if not pin.hashed and pin.version is not None]
    if not bare or not any(pin.hashed for pin in pins):
        return []
    message = f"`{bare[0].name}` has no hash, while others have"
    return [Problem("environment/no-hash", message, Place(path, bare[0].line), "give each its --hash, or none")]


def _twice(path: str, pins: Sequence[Pin]) -> Iterator[Problem]:
    """Yield packages that are pinned to two versions with nothing that tells when which is meant."""
    known: dict[str, Pin] = {}
    for pin in pins:
        before = known.setdefault(pin.name, pin)
        if before.version != pin.version and before.marker == pin.marker:
            message = f"`{pin.name}` is pinned to {pin.version}, and on line {before.line} to {before.version}"
            yield Problem("environment/contradiction", message, Place(path, pin.line), "keep one of them")
