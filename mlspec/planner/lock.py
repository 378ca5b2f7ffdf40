"""Lock files: what an environment holds, read from the bytes of the file alone. Pure.

Known are `uv.lock`, `pylock.toml` (PEP 751) and pinned requirements. What a file of uv's holds on which machine is uv's
to say; here it is only seen which packages its project reaches.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from mlspec.core.problem import Place, Problem
from mlspec.planner import requirements
from mlspec.planner.requirements import Pin

Form = Literal["uv", "pylock", "requirements"]
_OTHERS = {
    "poetry.lock": "poetry export --with-hashes -o requirements.txt",
    "pdm.lock": "pdm export -f pylock -o pylock.toml",
    "Pipfile.lock": "pipenv requirements --hash > requirements.txt",
    "pyproject.toml": "uv lock",
}
_AT = re.compile(r"line (\d+), column (\d+)")
_OWN = ({"virtual": "."}, {"editable": "."})
"""How a uv.lock names the project that it lies beside."""


@dataclass(frozen=True, slots=True)
class Lock:
    """What a lock file holds."""

    form: Form
    pins: tuple[Pin, ...]
    """Every package; of a uv.lock those that its project reaches, on whichever machine."""
    project: str | None = None
    """The name of the project of a uv.lock."""
    python: str = ""
    """The Pythons it is meant for, as a specifier: `>=3.11`."""

    @property
    def hashed(self) -> bool:
        """Say whether requirements name the hashes of what they pin."""
        return any(pin.hashed for pin in self.pins)


def form_of(path: str) -> Form | None:
    """Return the form of a lock file by its name; None where there is none of this name."""
    name = path.rpartition("/")[2]
    if name == "uv.lock":
        return "uv"
    if re.fullmatch(r"pylock(\.[^.]+)?\.toml", name):
        return "pylock"
    return "requirements" if name.endswith((".txt", ".lock")) and name not in _OTHERS else None


def read(path: str, content: bytes) -> tuple[Lock | None, list[Problem]]:
    """Read a lock; return what it holds, None where there is a problem, and all problems, placed in the file."""
    form = form_of(path)
    if form is None:
        return None, [_unknown(path)]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, [_broken(path, "is not UTF-8 text")]
    if form == "requirements":
        pins, problems = requirements.read(path, text)
        return (None if problems else Lock(form, tuple(pins))), problems
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = _AT.search(str(error))
        place = Place(path, int(at[1]), int(at[2])) if at else Place(path)
        return None, [Problem("environment/form", f"this is no TOML: {error}", place)]
    try:
        return (_uv(value) if form == "uv" else _pylock(value)), []
    except KeyError as error:
        return None, [_broken(path, f"lacks `{error.args[0]}`, which every such file has")]
    except (TypeError, ValueError, AttributeError) as error:
        why = str(error) if isinstance(error, ValueError) else f"is no {path.rpartition('/')[2]} that is known"
        return None, [_broken(path, why)]


def lacking(lock: Lock, needed: Iterable[Requirement]) -> list[str]:
    """Return those of the needed packages that a lock does not bring, or only in versions that will not do."""
    versions: dict[str, list[str | None]] = {}
    for pin in lock.pins:
        versions.setdefault(pin.name, []).append(pin.version)
    return [f"{one.name}{one.specifier}" for one in needed if not _met(one, versions.get(canonicalize_name(one.name)))]


def _met(requirement: Requirement, versions: list[str | None] | None) -> bool:
    return any(
        version is None or requirement.specifier.contains(version, prereleases=True) for version in versions or ()
    )


def _pylock(value: Mapping[str, Any]) -> Lock:
    if str(value["lock-version"]).partition(".")[0] != "1":
        raise ValueError(f"has lock-version {value['lock-version']}; 1.0 is known")
    pins = []
    for package in value["packages"]:
        if "directory" in package or "vcs" in package:
            raise ValueError(f"locks `{package['name']}` to a folder or a repository, which nothing pins for good")
        marker = str(Marker(package["marker"])) if "marker" in package else None
        pins.append(Pin(canonicalize_name(package["name"]), _version(package), marker, hashed=True))
    return Lock("pylock", tuple(pins), python=_python(value))


def _uv(value: Mapping[str, Any]) -> Lock:
    if value["version"] != 1:
        raise ValueError(f"has version {value['version']}; 1 is known")
    project = next((one["name"] for one in value["package"] if one["source"] in _OWN), None)
    if project is None:
        raise ValueError("locks no project of its own folder: lock one with `uv lock` where its pyproject.toml is")
    canonicalize_name(project, validate=True)
    pins = tuple(_reached(project, value["package"]))
    return Lock("uv", pins, project, _python(value))


def _version(package: Mapping[str, Any]) -> str | None:
    return str(Version(package["version"])) if "version" in package else None


def _python(value: Mapping[str, Any]) -> str:
    return str(SpecifierSet(value.get("requires-python", "")))


def _reached(project: str, packages: list[Mapping[str, Any]]) -> Iterator[Pin]:
    """Yield what a project depends on, without the extras and groups that it offers; markers are left aside."""
    known: dict[str, list[Mapping[str, Any]]] = {}
    for package in packages:
        known.setdefault(package["name"], []).append(package)
    waiting: list[tuple[str, tuple[str, ...]]] = [(project, ())]
    seen = set(waiting)
    for name, extras in waiting:  # grows while it is walked
        for package in known.get(name, ()):
            if name != project:
                yield Pin(canonicalize_name(name), _version(package), hashed=True)
            offered = package.get("optional-dependencies", {})
            for wanted in (package.get("dependencies", ()), *(offered.get(extra, ()) for extra in extras)):
                for one in wanted:
                    step = (one["name"], tuple(one.get("extra", ())))
                    if step not in seen:
                        seen.add(step)
                        waiting.append(step)


def _unknown(path: str) -> Problem:
    name = path.rpartition("/")[2]
    way = f"; this one becomes such a file by: {_OTHERS[name]}" if name in _OTHERS else ""
    hint = f"name a uv.lock, a pylock.toml, or pinned requirements (.txt, .lock){way}"
    return Problem("environment/form", f"`{name}` is no lock of a known form", Place(path), hint)


def _broken(path: str, why: str) -> Problem:
    return Problem("environment/form", f"`{path.rpartition('/')[2]}` {why}", Place(path))
