"""A git repository: its refs, trees and objects; how git is run is the business of `program`."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mlspec.core.problem import fail, suggest
from mlspec.io.files import sync_folder
from mlspec.io.git.locks import clear, outlive
from mlspec.io.git.objects import batch, pack
from mlspec.io.git.program import Program, in_a_line
from mlspec.io.git.values import Checkout, RemoteConfig

_PACKED_LOCK = "packed-refs.lock"
"""Git takes it to delete a ref, for a moment."""
_MANY = 2000
_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True)
class Repository(Program):
    """A git repository, opened by `open_repository`. Methods that write are durable when they return."""

    algorithm: str = "sha1"
    remotes: tuple[RemoteConfig, ...] = ()
    bring: Callable[[Sequence[str]], None] | None = field(repr=False, compare=False, default=None)
    """Asks a remote for objects that are not here, by their ids; None where all of them are."""

    def checkout(self) -> Checkout:
        """Return where HEAD is."""
        commit = self.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        name = self.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return Checkout(commit or None, name or None)

    def refs(self, *names: str) -> dict[str, str]:
        """Return the object ids of the refs that exist, by full name."""
        out = self.run("for-each-ref", "--format=%(objectname) %(refname)", *names)
        rows = (line.split(" ", 1) for line in out.decode().splitlines())
        return {name: oid for oid, name in rows}

    def commit_of(self, revision: str) -> str:
        """Return the commit that a revision names.

        Raises:
            MlspecError: git knows no such commit.
        """
        found = self.ask("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
        if not found:
            names = self.run("for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
            near = suggest(revision, names.decode("utf-8", "replace").splitlines())
            hint = near or "git log --oneline --all shows those that are here; git fetch brings those of the remote"
            raise fail("git/unknown-revision", f"git knows no commit `{revision}`", help=hint)
        return found

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        """Say whether a commit is in the history of another; a commit that is not here is in nobody's."""
        return self.says("merge-base", "--is-ancestor", ancestor, descendant)

    def knows_commit(self, commit: str) -> bool:
        """Say whether a commit is here."""
        return self.says("cat-file", "-e", commit + "^{commit}")

    def merge_base(self, one: str, other: str) -> str | None:
        """Return the newest commit that two share, or None."""
        return self.ask("merge-base", one, other) or None

    def changed(self, prefix: str) -> list[str]:
        """Return the tracked files below a folder that differ from HEAD, staged or not, as repository paths.

        A file that git was told not to look at (assume-unchanged, skip-worktree) counts as changed where it exists.
        """
        argv = ["status", "--porcelain=v1", "-z", "--untracked-files=no", "--ignore-submodules=all", "--no-renames"]
        changed = [entry[3:] for entry in self._entries(*argv, "--", prefix or ".")]
        listed = self._entries("ls-files", "-v", "-z", "--", prefix or ".")
        hidden = [entry[2:] for entry in listed if entry[0].islower() or entry[0] == "S"]
        return changed + [path for path in hidden if (self.root / path).exists()]

    def _entries(self, *argv: str) -> list[str]:
        return [entry for entry in self.run(*argv).decode("utf-8", "surrogateescape").split("\0") if entry]

    def tracks(self, path: str) -> bool:
        """Say whether git tracks a file, a link or anything below a folder, given as a repository path."""
        return bool(self.run("ls-files", "-z", "--", path))

    def tracked(self, prefix: str) -> frozenset[str]:
        """Return the files below a folder that git tracks, as repository paths."""
        return frozenset(self._entries("ls-files", "-z", "--", prefix or "."))

    def untracked(self, paths: Sequence[str]) -> list[str]:
        """Return which files at or below these repository paths git does not track, ignored ones too."""
        return self._entries("ls-files", "-z", "--others", "--", *paths) if paths else []

    def listing(self, commit: str, prefix: str = "") -> dict[str, str]:
        """Return the regular files of a commit below a folder: path and blob id. Links and submodules are left out."""
        out = self.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *([prefix] if prefix else []))
        files = {}
        for entry in out.decode("utf-8", "surrogateescape").split("\0"):
            meta, _, path = entry.partition("\t")
            if meta.startswith(("100644", "100755")):
                files[path] = meta.split(" ")[2]
        return files

    def contents(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """Return the content of many objects, in order; None for one that is missing or damaged.

        Each is held against its id, which git itself does only in fsck. One process reads them all; it ends at an
        object it cannot unpack, and another one reads on behind that. Many are read in parts, so that memory is flat.
        Where objects may lie with a remote, those that are not here are asked for first, in one request.
        """
        if self.bring is not None and names and (absent := self._absent(names)):
            self.bring(absent)
        for start in range(0, len(names), _MANY):
            yield from self._contents(list(names[start : start + _MANY]))

    def _contents(self, rest: list[str]) -> Iterator[bytes | None]:
        while rest:
            _, out, _ = self._execute(["cat-file", "--batch", "--buffer"], ("\n".join(rest) + "\n").encode())
            count = 0
            for content in batch(out, self.object_id):
                yield content
                count += 1
            if count < len(rest):
                yield None
            rest = rest[count + 1 :]

    def _absent(self, names: Sequence[str]) -> list[str]:
        """Return the ids of the objects that are named and not here."""
        _, out, _ = self._execute(["cat-file", "--batch-check", "--buffer"], ("\n".join(names) + "\n").encode())
        missing = [line.removesuffix(" missing") for line in out.decode().splitlines() if line.endswith(" missing")]
        ids = [name for name in missing if ":" not in name]
        by_path = [
            found for name in missing if ":" in name and (found := self.ask("rev-parse", "--verify", "-q", name))
        ]
        return [*dict.fromkeys((*ids, *by_path))]

    def sizes(self, names: Sequence[str]) -> list[int | None]:
        """Return the sizes of objects in bytes, in order; None for one that is not here. Nothing is fetched for it."""
        stdin = "".join(f"{name}\n" for name in names).encode()
        _, out, _ = self._execute(["cat-file", "--batch-check=%(objectsize)", "--buffer"], stdin)
        return [int(line) if line.isdigit() else None for line in out.decode().splitlines()]

    def content(self, name: str) -> bytes | None:
        """Return the content of one object, or None."""
        return next(self.contents([name]))

    def identity(self) -> tuple[str, str]:
        """Return the name and e-mail address that git would commit with.

        Raises:
            MlspecError: none is configured.
        """
        found = self.ask("var", "GIT_COMMITTER_IDENT")
        if not found:
            raise fail(
                "git/no-identity",
                "git does not know who you are, and a record names who applied",
                help='run: git config user.name "Your Name" && git config user.email you@example.org',
            )
        name, _, rest = found.partition(" <")
        return name, rest.partition(">")[0]

    def blob_id(self, content: bytes) -> str:
        """Return the id git would give to a blob, without asking it."""
        return self.object_id("blob", content)

    def object_id(self, kind: str, content: bytes) -> str:
        """Return the id of an object of this repository's hash algorithm."""
        framed = f"{kind} {len(content)}\0".encode() + content
        return hashlib.new(self.algorithm, framed, usedforsecurity=False).hexdigest()

    def write_objects(self, kind: str, contents: Sequence[bytes]) -> list[str]:
        """Write objects of one kind, durable; return their ids. They go to git as a pack: no file of ours is left."""
        if contents:
            self.run("unpack-objects", "-q", stdin=pack(kind, contents, self.algorithm))
        ids = [self.object_id(kind, content) for content in contents]
        self._sync_names(ids)
        return ids

    def write_files(self, kind: str, paths: Sequence[Path]) -> list[str]:
        """Write the contents of files as objects of one kind, durable; return their ids."""
        listed = b"".join(os.fsencode(path) + b"\n" for path in paths)
        ids = self.run("hash-object", "-w", "-t", kind, "--no-filters", "--stdin-paths", stdin=listed).decode().split()
        self._sync_names(ids)
        return ids

    def _sync_names(self, ids: Sequence[str]) -> None:
        """Make the names of objects durable; git syncs their bytes only."""
        for directory in {self.common_dir / "objects" / oid[:2] for oid in ids}:
            if directory.is_dir():  # what is in a pack is not written again
                sync_folder(directory)
        sync_folder(self.common_dir / "objects")

    def drop_loose(self, oid: str) -> None:
        """Remove an object that lies in a file of its own: a damaged one, in whose place git would write no other."""
        (self.common_dir / "objects" / oid[:2] / oid[2:]).unlink(missing_ok=True)

    def swap_ref(self, name: str, new: str, old: str | None) -> bool:
        """Move a ref from `old` (None: it must not exist) to `new`; False when it was somewhere else."""
        expected = old or "0" * len(new)
        path = self.common_dir / name
        outlive(path.with_name(path.name + ".lock"))
        code, _, err = self._execute(["update-ref", "--no-deref", "-m", "mlspec apply", name, new, expected], None)
        if code != 0:
            if b"but expected" in err or b"already exists" in err or b"reference already exists" in err:
                return False
            raise self._failed(f"git could not move {name}", in_a_line(err))
        for folder in path.parents[: name.count("/")]:
            sync_folder(folder)
        return True

    def delete_ref(self, name: str, old: str) -> bool:
        """Delete a ref that is at `old`; False when it was somewhere else."""
        for lock in (name + ".lock", _PACKED_LOCK):
            outlive(self.common_dir / lock)
        return self.says("update-ref", "--no-deref", "-d", name, old)

    @property
    def is_shallow(self) -> bool:
        """Say whether history is cut off in this clone."""
        return (self.common_dir / "shallow").exists()

    @property
    def home(self) -> Path:
        """Return the work tree that stays when linked ones are removed: the main one, else this one."""
        is_linked = self.git_dir != self.common_dir
        return self.common_dir.parent if is_linked and self.common_dir.name == ".git" else self.root

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold mlspec's own lock on this repository; the kernel frees it when the holder dies."""
        with self._held("mlspec.lock"):
            clear(self.common_dir / _PACKED_LOCK)  # of a git that was killed while it deleted a ref
            yield

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Have one fetch at a time: then a lock on where history is cut off is a dead one's, and is removed."""
        with self._held("mlspec-fetch.lock"):
            (self.common_dir / "shallow.lock").unlink(missing_ok=True)
            yield

    @contextmanager
    def making_apart(self) -> Iterator[None]:
        """Have one repository made below this one at a time, also by who holds the lock of this one."""
        with self._held("mlspec-apart.lock"):
            yield

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        with (self.common_dir / name).open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(handle, fcntl.LOCK_UN)
