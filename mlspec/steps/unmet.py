"""What the packages of an environment ask for and do not find there, read from their metadata: none of them is run."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name


def unmet(site_packages: Path) -> Iterator[str]:
    """Yield what is missing or of another version than a package asks for, its extras left aside.

    The environment is of the running Python's version.
    """
    found = {canonicalize_name(one.name): one for one in distributions(path=[str(site_packages)])}
    for name, distribution in sorted(found.items()):
        for requirement in _asked(distribution):
            other = found.get(canonicalize_name(requirement.name))
            wanted = f"{name} needs {requirement.name}{requirement.specifier}"
            if other is None:
                yield f"{wanted}, which is not locked"
            elif not requirement.specifier.contains(other.version, prereleases=True):
                yield f"{wanted}, and {other.version} is locked"


def _asked(distribution: Distribution) -> Iterator[Requirement]:
    for text in distribution.requires or ():
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # of a time before there were rules
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement
