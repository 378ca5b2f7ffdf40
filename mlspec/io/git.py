"""The door to git: GitPython finds the repository and runs git with hardened options, argv lists only."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import signal
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mlspec.core.problem import MlspecError, fail
from mlspec.io.files import FULL, in_words, sync_folder, told, write_all

try:
    import git
    from git.exc import InvalidGitRepositoryError, NoSuchPathError
except ImportError as error:  # GitPython looks for git as soon as it is imported
    raise fail("git/not-installed", "git is not installed or not on PATH", help="install git 2.36 or newer") from error

_HARDENED = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "core.pager=cat",
    "core.fsync=all",
    "core.fsyncMethod=fsync",
    "gc.auto=0",
    "maintenance.auto=false",
    "log.showSignature=false",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
)
_STALE_S = 10.0
_PACKED_LOCK = "packed-refs.lock"
"""Git takes it to delete a ref, for a moment."""
_MANY = 2000
_PACKED = {"commit": 1, "tree": 2, "blob": 3}
_ID = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where HEAD is: the commit (None before the first), the branch (None when detached)."""

    commit: str | None
    branch: str | None


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """What a repository is configured to know of a remote."""

    name: str
    url: str | None = None
    fetches: tuple[str, ...] = ()
    lends: bool = False
    """Whether objects that are not here are fetched from it when they are needed: a partial clone."""

    def told(self, what: str, value: str) -> RemoteConfig:
        """Return what is known after one more line of configuration."""
        match what:
            case "url":
                return replace(self, url=self.url or value)
            case "fetch":
                return replace(self, fetches=(*self.fetches, value))
            case "promisor":
                return replace(self, lends=value.lower() != "false")
        return self

    def brings(self, ref: str) -> bool:
        """Say whether the user's own `git fetch` brings a ref of the remote."""
        sources = [spec.lstrip("+").partition(":")[0] for spec in self.fetches]
        return any(fnmatchcase(ref, source) for source in sources)


@dataclass(frozen=True, slots=True)
class Said:
    """How a command that spoke with a remote ended: `code` is None when it was out of time."""

    code: int | None
    out: bytes
    err: str


@dataclass(frozen=True)
class Repository:
    """A git repository, opened by `open_repository`. Methods that write are durable when they return."""

    root: Path
    git_dir: Path
    common_dir: Path
    _git: git.cmd.Git = field(repr=False, compare=False)
    _options: tuple[str, ...] = field(repr=False, compare=False, default=())
    algorithm: str = "sha1"
    remotes: tuple[RemoteConfig, ...] = ()
    bring: Callable[[Sequence[str]], None] | None = field(repr=False, compare=False, default=None)
    """Asks a remote for objects that are not here, by their ids; None where all of them are."""

    def run(self, *argv: str, stdin: bytes | None = None) -> bytes:
        """Run git and return its standard output.

        Raises:
            MlspecError: git ended with an error, in git's own words.
        """
        code, out, err = self._execute(argv, stdin)
        if code != 0:
            raise self._failed(f"git {argv[0]}", _words(err) or f"exit code {code}")
        return out

    def ask(self, *argv: str) -> str | None:
        """Return the stripped output of a git command, or None when git says no."""
        code, out, _ = self._execute(argv, None)
        return out.decode("utf-8", "surrogateescape").strip() if code == 0 else None

    def says(self, *argv: str) -> bool:
        """Return whether a git command ends with exit code 0."""
        return self._execute(argv, None)[0] == 0

    def talk(self, argv: Sequence[str], stdin: bytes, env: Mapping[str, str], timeout_s: float) -> Said:
        """Run a git command that speaks with a remote, at most so many seconds; then it is killed, its children too.

        It has no terminal, so nothing can prompt on one, and a Ctrl-C meant for mlspec does not cut it off.
        """
        with _spooled(stdin) as spool:
            started: Any = self._git.execute(
                self._command(argv),
                istream=spool,
                as_process=True,
                env=dict(env),
                start_new_session=True,
            )
            child = started.proc
            try:
                out, err = child.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                return Said(None, b"", f"no answer within {timeout_s:.0f} s")
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        return Said(child.returncode, out, err.decode("utf-8", "replace"))

    def _command(self, argv: Sequence[str]) -> list[str]:
        command = ["git", "--no-optional-locks", "--literal-pathspecs"]
        for option in (*_HARDENED, *self._options):
            command += ["-c", option]
        return [*command, *argv]

    def _execute(self, argv: Sequence[str], stdin: bytes | None) -> tuple[int, bytes, bytes]:
        with _spooled(stdin) if stdin is not None else nullcontext() as spool:
            result: Any = self._git.execute(
                self._command(argv),
                istream=spool,
                with_extended_output=True,
                with_exceptions=False,
                stdout_as_string=False,
                strip_newline_in_stdout=False,
                start_new_session=True,  # a Ctrl-C is for mlspec, which lets git finish what it writes
            )
        code, out, err = result
        return int(code), _bytes(out), _bytes(err)

    def _failed(self, what: str, words: str) -> MlspecError:
        """Tell an error in git's own words; a full disk as everywhere else."""
        full = next((number for number in FULL if os.strerror(number) in words), None)
        return told(OSError(full, words), self.common_dir) if full else fail("git/failed", f"{what}: {words}")

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
            raise fail("git/unknown-revision", f"git knows no commit `{revision}`", help="fetch it first")
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
            for content in _batch(out, self.object_id):
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
            self.run("unpack-objects", "-q", stdin=_pack(kind, contents, self.algorithm))
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
        _outlive(path.with_name(path.name + ".lock"))
        code, _, err = self._execute(["update-ref", "--no-deref", "-m", "mlspec apply", name, new, expected], None)
        if code != 0:
            if b"but expected" in err or b"already exists" in err or b"reference already exists" in err:
                return False
            raise self._failed(f"git could not move {name}", _words(err))
        for folder in path.parents[: name.count("/")]:
            sync_folder(folder)
        return True

    def delete_ref(self, name: str, old: str) -> bool:
        """Delete a ref that is at `old`; False when it was somewhere else."""
        for lock in (name + ".lock", _PACKED_LOCK):
            _outlive(self.common_dir / lock)
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
            packed = self.common_dir / _PACKED_LOCK
            if (_age(packed) or 0.0) > _STALE_S:  # of a git that was killed while it deleted a ref
                packed.unlink(missing_ok=True)
            yield

    @contextmanager
    def fetching(self) -> Iterator[None]:
        """Have one fetch at a time: then a lock on where history is cut off is a dead one's, and is removed."""
        with self._held("mlspec-fetch.lock"):
            (self.common_dir / "shallow.lock").unlink(missing_ok=True)
            yield

    @contextmanager
    def _held(self, name: str) -> Iterator[None]:
        with (self.common_dir / name).open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(handle, fcntl.LOCK_UN)


def open_repository(start: Path) -> Repository:
    """Find the repository that holds a folder.

    Raises:
        MlspecError: there is none, it is bare, it belongs to someone else, or git is not installed.
    """
    try:
        repo = git.Repo(start, search_parent_directories=True)
    except (InvalidGitRepositoryError, NoSuchPathError):
        raise fail("git/no-repository", f"{start} is not in a git repository", help="run: git init -b main") from None
    if repo.bare or repo.working_tree_dir is None:
        raise fail("git/bare", "this repository is bare: it has no files to plan from", help="work in a clone of it")
    root, git_dir, common = Path(repo.working_tree_dir), Path(repo.git_dir).resolve(), Path(repo.common_dir).resolve()
    opened = Repository(root.resolve(), git_dir, common, repo.git)
    _refused(opened)
    repo.git.update_environment(**_environment(root, git_dir, common))
    options, algorithm, remotes = _own_options(opened)
    return replace(opened, _options=options, algorithm=algorithm, remotes=remotes)


def _refused(repository: Repository) -> None:
    """Let git say what it has against this repository, such as another owner; with GIT_DIR set it asks nothing.

    Raises:
        MlspecError: in git's own words.
    """
    code, _, err = repository._execute(["rev-parse", "--git-dir"], None)  # noqa: SLF001 -- same door
    if code != 0:
        raise fail("git/refused", _words(err), help="git refuses this repository; see `git status` there")


def _environment(root: Path, git_dir: Path, common: Path) -> dict[str, str]:
    """Pin down what a hook or the user's shell may have set, and never prompt."""
    return {
        "GIT_DIR": str(git_dir),
        "GIT_COMMON_DIR": str(common),
        "GIT_WORK_TREE": str(root),
        "GIT_INDEX_FILE": str(git_dir / "index"),
        "GIT_OBJECT_DIRECTORY": str(common / "objects"),
        "GIT_NAMESPACE": "",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def open_apart(repository: Repository, name: str, *, make: bool) -> Repository | None:
    """Open a bare repository below another one, for what must not show in that; None where there is none.

    It knows no configuration but its own and what a remote passes on to it (`io.remote`).

    Raises:
        MlspecError: it cannot be made.
    """
    home = repository.common_dir / "mlspec" / f"{name}.git"
    if not home.exists():
        if not make:
            return None
        _make_apart(repository, home)
    return Repository(repository.root, home, home, _bare(repository, home), (), repository.algorithm)


def _make_apart(repository: Repository, home: Path) -> None:
    with repository.lock(), in_words(home):
        if home.exists():
            return
        home.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent, prefix="new-") as name:
            new = Path(name) / home.name
            program: Any = _bare(repository, new)
            argv = [
                "git",
                "init",
                "--bare",
                "--quiet",
                f"--object-format={repository.algorithm}",
                "--template=",
                str(new),
            ]
            code, _, err = program.execute(argv, with_extended_output=True, with_exceptions=False)
            if code != 0:
                raise fail("git/failed", f"git init: {err}")
            new.rename(home)


def _bare(repository: Repository, home: Path) -> git.cmd.Git:
    program = git.cmd.Git(str(repository.root))
    environment = {**_environment(repository.root, home, home), "GIT_CONFIG_GLOBAL": os.devnull}
    environment |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "0"}
    del environment["GIT_WORK_TREE"]
    program.update_environment(**environment)
    return program


def _own_options(repository: Repository) -> tuple[tuple[str, ...], str, tuple[RemoteConfig, ...]]:
    """Read, in one look at the configuration, the filters to be switched off, the hash algorithm, and the remotes."""
    wanted = r"^(filter\..*|extensions\.objectformat|remote\..*)$"
    out = repository.ask("config", "--null", "--get-regexp", wanted) or ""
    options, algorithm = set[str](), "sha1"
    remotes: dict[str, RemoteConfig] = {}
    for entry in out.split("\0"):
        key, _, value = entry.partition("\n")
        if key == "extensions.objectformat":
            algorithm = value.strip()
        elif key.startswith("filter."):
            driver = key.rpartition(".")[0]
            options |= {f"{driver}.clean=", f"{driver}.smudge=", f"{driver}.process=", f"{driver}.required=false"}
        elif key.startswith("remote.") and key.count(".") > 1:
            name, what = key.removeprefix("remote.").rsplit(".", 1)
            remotes[name] = remotes.get(name, RemoteConfig(name)).told(what, value)
    return tuple(sorted(options)), algorithm, tuple(remote for remote in remotes.values() if remote.url)


def _outlive(lock: Path) -> None:
    """Wait for git's lock on a branch; one that has stood longer than any move takes was left by a git that died."""
    deadline = time.monotonic() + _STALE_S
    while (age := _age(lock)) is not None:
        if age > _STALE_S or time.monotonic() > deadline:
            lock.unlink(missing_ok=True)
            return
        time.sleep(0.05)


def _age(path: Path) -> float | None:
    try:
        return time.time() - path.stat().st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None


def _batch(out: bytes, object_id: Callable[[str, bytes], str]) -> Iterator[bytes | None]:
    """Take apart what `cat-file --batch` wrote, up to where it broke off; None for what is not what its id says."""
    stream = io.BytesIO(out)
    while header := stream.readline().split():
        if len(header) != 3:
            yield None
            continue
        oid, kind, size = header
        content = stream.read(int(size))
        if stream.read(1) != b"\n":
            return
        yield content if object_id(kind.decode(), content) == oid.decode() else None


@contextmanager
def _spooled(content: bytes) -> Iterator[Any]:
    """Lend a file without a name that holds what git is to read."""
    with ExitStack() as stack:
        with in_words(Path(tempfile.gettempdir(), "stdin"), len(content)):
            spool = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            write_all(spool.fileno(), memoryview(content))
            spool.seek(0)
        yield spool


def _pack(kind: str, contents: Sequence[bytes], algorithm: str) -> bytes:
    """Return objects as a pack (git help gitformat-pack)."""
    parts = [b"PACK" + (2).to_bytes(4, "big") + len(contents).to_bytes(4, "big")]
    for content in contents:
        size = len(content)
        head, size = [_PACKED[kind] << 4 | size & 15], size >> 4
        while size:
            head[-1] |= 0x80
            head.append(size & 0x7F)
            size >>= 7
        parts += [bytes(head), zlib.compress(content, 1)]
    pack = b"".join(parts)
    return pack + hashlib.new(algorithm, pack, usedforsecurity=False).digest()


def _words(err: bytes) -> str:
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    return "; ".join(line.removeprefix("fatal: ").removeprefix("error: ") for line in lines)[:500]


def _bytes(out: Any) -> bytes:
    return out if isinstance(out, bytes) else str(out).encode("utf-8", "surrogateescape")
