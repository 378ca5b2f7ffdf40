"""Wheels that a test writes itself, so that uv makes real environments with no package index and no network."""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from zipfile import ZipFile

NEEDED = ("pandas", "pyarrow", "scikit-learn", "scipy", "skops")
"""What a step's child needs of an environment: the packages of mlspec's extra `run`."""
HIGH = "99.0"
BORROWED = {"borrowed.pth": sysconfig.get_path("purelib") + "\n"}
"""Makes an environment find the packages of this one behind its own: installing pandas itself would take a while."""


def wheel(folder: Path, name: str, version: str, files: Mapping[str, str], requires: Sequence[str] = ()) -> Path:
    """Write a wheel of pure Python."""
    stem = f"{name.replace('-', '_')}-{version}"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Requires-Dist: {one}\n" for one in requires)
    info = {
        "METADATA": metadata,
        "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    written = {**files, **{f"{stem}.dist-info/{one}": text for one, text in info.items()}}
    record = "".join(f"{one},,\n" for one in (*written, f"{stem}.dist-info/RECORD"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        for one, text in {**written, f"{stem}.dist-info/RECORD": record}.items():
            archive.writestr(one, text)
    return path


def shelf(folder: Path) -> Path:
    """Write wheels by the names of what a step needs, and `tiny` in two versions; return their folder."""
    for name in NEEDED:
        wheel(folder, name, HIGH, BORROWED if name == "pandas" else {})
    for version in ("1.0", "2.0"):
        wheel(folder, "tiny", version, {"tiny.py": f'VERSION = "{version}"\n'})
    return folder


def lock(*others: str) -> str:
    """Return requirements that pin what a step needs, and others."""
    return "".join(f"{line}\n" for line in (*(f"{name}=={HIGH}" for name in NEEDED), *others))


def hash_of(path: Path) -> str:
    """Return the hash of a wheel as requirements write it."""
    return f"--hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def variables(wheels: Path, cache: Path) -> dict[str, str]:
    """Return what makes uv look for packages in a folder alone, with a cache of its own."""
    return {"UV_FIND_LINKS": str(wheels), "UV_NO_INDEX": "1", "UV_OFFLINE": "1", "UV_CACHE_DIR": str(cache)}


def environ(wheels: Path, cache: Path) -> dict[str, str]:
    """Return the variables of this process, with uv kept to a folder."""
    return {**os.environ, **variables(wheels, cache)}
