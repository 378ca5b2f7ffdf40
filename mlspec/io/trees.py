"""Where specs and code are read from: the work tree, or the objects of a commit that nobody checked out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlspec.io.git import Repository

PROJECT_FILE = "mlspec.yaml"
SPECS_FOLDER = "specs"
_SPEC_SUFFIXES = (".yaml", ".yml")
SKIPPED = {".git", ".mlspec", ".venv", "venv", "node_modules", "__pycache__"}


class WorkTree:
    """The files below a folder as they are now. Links that lead out of the folder are not followed."""

    def __init__(self, root: Path) -> None:
        """Read below `root`, the folder of mlspec.yaml."""
        self.root = root
        self._folders: dict[str, Path] = {}

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None where there is no regular file inside the folder."""
        folder, _, name = path.rpartition("/")
        try:
            if folder not in self._folders:  # links on the way are followed once for all files of a folder
                self._folders[folder] = (self.root / folder).resolve()
            file = self._folders[folder] / name
            if file.is_symlink() or name == "..":
                file = file.resolve()
            if not file.is_relative_to(self.root) or not file.is_file():
                return None
            return file.read_bytes()
        except OSError:
            return None

    def blob(self, _path: str, content: bytes) -> str:
        """Return the git blob id of content."""
        return hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()

    def paths(self) -> Collection[str]:
        """Return all files, relative to the folder; environments and mlspec's own folder are left out."""
        return self._paths

    @cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(_walk(self.root, self.root))

    def spec_paths(self) -> list[str]:
        """Return mlspec.yaml and the files below specs/, sorted."""
        specs = [path for path in _walk(self.root / SPECS_FOLDER, self.root) if path.endswith(_SPEC_SUFFIXES)]
        return [PROJECT_FILE, *sorted(specs)]


class CommitTree:
    """The files of a commit, read from git objects."""

    def __init__(self, repository: Repository, commit: str, prefix: str) -> None:
        """Read a commit below `prefix`, the project's folder in the repository ("" or "sub/folder/")."""
        self.repository, self.commit, self.prefix = repository, commit, prefix
        self._read: dict[str, bytes | None] = {}

    @cached_property
    def blobs(self) -> dict[str, str]:
        """Return the blob id of every file."""
        listed = self.repository.listing(self.commit, self.prefix.rstrip("/"))
        return {path[len(self.prefix) :]: blob for path, blob in listed.items() if path.startswith(self.prefix)}

    def read(self, path: str) -> bytes | None:
        """Return the content of a file, or None."""
        if path not in self._read:
            blob = self.blobs.get(path)
            self._read[path] = self.repository.content(blob) if blob else None
        return self._read[path]

    def blob(self, path: str, content: bytes) -> str:
        """Return the git blob id of a file."""
        return self.blobs.get(path) or self.repository.blob_id(content)

    def paths(self) -> Collection[str]:
        """Return all files, relative to the project's folder."""
        return self.blobs.keys()

    def spec_paths(self) -> list[str]:
        """Return mlspec.yaml and the files below specs/, sorted; their contents are read in one go."""
        specs = sorted(
            path for path in self.blobs if path.startswith(f"{SPECS_FOLDER}/") and path.endswith(_SPEC_SUFFIXES)
        )
        listed = [PROJECT_FILE, *specs]
        wanted = [path for path in listed if path in self.blobs]
        contents = self.repository.contents([self.blobs[path] for path in wanted])
        self._read |= dict(zip(wanted, contents, strict=True))
        return listed


Tree = WorkTree | CommitTree


def _walk(folder: Path, root: Path) -> list[str]:
    found: list[str] = []
    for directory, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in SKIPPED]
        relative = Path(directory).relative_to(root).as_posix()
        found += [name if relative == "." else f"{relative}/{name}" for name in files]
    return found
