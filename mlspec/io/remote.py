"""The door to a remote: look at its refs, fetch objects, push refs; which ones is the business of others.

Every call takes bounded time and says in the remote's own words what went wrong: `remote/unreachable`,
`remote/denied`, `remote/failed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from mlspec.core.problem import MlspecError, Problem
from mlspec.io.git import RemoteConfig, Repository, Said, hidden

PATIENCE_S = 60.0
"""How long a remote may take to say what refs it has."""
_TRANSFER_S = 600.0
_QUIET_S = 30
_CARRIED = ("http.", "url.", "credential.", "ssh.", "protocol.", "user.", "author.", "committer.")
_CARRIED_KEYS = {"core.sshcommand", "core.askpass", "core.gitproxy"}
_OWN_KEYS = ("fetch", "push", "mirror", "tagopt", "prune", "prunetags", "promisor", "partialclonefilter")
_AWAY = re.compile(
    r"could ?n[o']t (resolve|connect|read from remote)|connection (refused|reset|timed out|closed)|no route to host"
    r"|unreachable|hung up|early eof|timed out|unexpected disconnect|no answer within|rpc failed|broken pipe|too slow"
    r"|temporary failure|HTTP 5\d\d|error: 5\d\d|does not appear to be a git repository|bad band|unpack-objects"
    r"|expected (flush|response end|packfile|shallow|wanted-ref|no other)|protocol error|invalid packet|remote unpack"
    r"|error processing (acks|shallow|wanted)",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"authentication failed|permission (to .* )?denied|could not read (username|password)|HTTP 40[13]|error: 40[13]"
    r"|access denied|not authorized|host key verification failed|repository not found",
    re.IGNORECASE,
)
_NOISE = ("To ", "hint: ", "Please make sure you have the correct access rights", "and the repository exists.")
"""What git says besides, and would read as if it were the cause."""
_RACE = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "cannot lock ref",
    "failed to update ref",
    "incorrect old value",
)


class RemoteError(MlspecError):
    """A remote did not do what it was asked; `words` are its own, `passing` says whether a later try may go well."""

    def __init__(self, code: str, message: str, help: str, words: str, *, passing: bool) -> None:
        """Carry one problem."""
        super().__init__(Problem(code, message, None, help))
        self.words, self.passing = words, passing

    @property
    def is_race(self) -> bool:
        """Say whether it is a push that others came before."""
        return self.problems[0].code == "remote/refused" and self.passing


@dataclass(frozen=True)
class Remote:
    """A remote as one repository sees it; `filter` says how little is fetched."""

    config: RemoteConfig
    repository: Repository
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    filter: str | None = None

    @property
    def name(self) -> str:
        """Return what people call it."""
        return self.config.name

    def tips(self, *patterns: str) -> dict[str, str]:
        """Return the ids of the remote's refs that match, by full name.

        Raises:
            RemoteError: it cannot be asked.
        """
        said = self._say(["ls-remote", "--refs", "--quiet", self.name, *patterns], b"", PATIENCE_S)
        if said.code != 0:
            raise self._error("ls-remote", said)
        rows = (line.split("\t", 1) for line in said.out.decode("utf-8", "replace").splitlines() if "\t" in line)
        return {name: oid for oid, name in rows}

    def fetch(self, *wanted: str) -> None:
        """Fetch objects by their ids, or refs by refspecs, with what they reach.

        Raises:
            RemoteError: it cannot be asked, or has no such object.
        """
        self._fetch(self._filtered, wanted)

    def fetch_top(self, commit: str, depth: int) -> None:
        """Fetch a commit without those before it, and its trees as deep as that, where the remote counts depths.

        Errors as `fetch`.
        """
        try:
            self._fetch(["--depth=1", f"--filter=tree:{depth}"], [commit])
        except RemoteError as error:
            if error.problems[0].code != "remote/failed":
                raise
            self._fetch(["--depth=1", *self._filtered], [commit])

    def fetch_history(self, *wanted: str) -> None:
        """Fetch commits without anything they hold: enough to say which comes after which. Errors as `fetch`."""
        self._fetch(["--filter=tree:0"], wanted)

    def fetch_branches(self, *, history_only: bool) -> None:
        """Fetch what all branches hold, or the commits alone: asked for by name, as any remote allows.

        Errors as `fetch`.
        """
        branches = sorted(self.tips("refs/heads/*"))
        if branches:
            self._fetch(["--filter=tree:0"] if history_only else self._filtered, branches)

    def complete(self, *wanted: str) -> None:
        """Fetch what was cut off or left out of the history of commits, but for files. Errors as `fetch`."""
        options = ["--unshallow"] if self.repository.is_shallow else []
        self._fetch([*options, "--refetch", *self._filtered], wanted)

    def bring(self, objects: Sequence[str]) -> None:
        """Fetch these very objects in one request. Errors as `fetch`."""
        self._fetch(["--filter=blob:none"], objects, "-c", "fetch.negotiationAlgorithm=noop")

    def push(self, *refspecs: str, expected: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """Push refs; return those that were not taken, each with the remote's reason.

        A ref moves forward only, but for those of `expected`: they move from that id (None: they must not exist),
        wherever to.

        Raises:
            RemoteError: what became of the push is not known.
        """
        leases = [f"--force-with-lease={ref}:{oid or ''}" for ref, oid in (expected or {}).items()]
        argv = ["push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"]
        said = self._say([*argv, "--no-thin", *leases, self.name, *refspecs], b"", _TRANSFER_S)
        rows = [line.split("\t") for line in said.out.decode("utf-8", "replace").splitlines()]
        told = {row[1].partition(":")[2]: row for row in rows if len(row) == 3}
        if (
            said.code not in (0, 1)
            or len(told) < len(refspecs)
            or any("[remote failure]" in r[2] for r in told.values())
        ):
            raise self._error("push", said)
        remarks = _remarks(said.err)
        reasons = {ref: hidden(row[2], self.config.addresses) for ref, row in told.items() if row[0] == "!"}
        return {ref: f"{reason}; {remarks}" if remarks else reason for ref, reason in reasons.items()}

    @property
    def _filtered(self) -> list[str]:
        return [f"--filter={self.filter}"] if self.filter else []

    def _fetch(self, options: Sequence[str], wanted: Sequence[str], *config: str) -> None:
        argv = ["--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-prune"]
        argv += ["--no-auto-maintenance", "--no-write-commit-graph", "--no-show-forced-updates", *options]
        with self.repository.fetching() if self.filter else nullcontext():
            said = self._say([*config, "fetch", *argv, "--stdin", self.name], _lines(wanted), _TRANSFER_S)
        if said.code != 0:
            raise self._error("fetch", said)

    def _say(self, argv: Sequence[str], stdin: bytes, timeout_s: float) -> Said:
        own = [f"remote.{self.name}.mirror=false", "push.gpgSign=false", f"http.lowSpeedTime={_QUIET_S}"]
        own += ["http.lowSpeedLimit=1"]
        if self.filter:
            own += [f"remote.{self.name}.promisor=true", f"remote.{self.name}.partialclonefilter={self.filter}"]
        options = [part for setting in own for part in ("-c", setting)]
        said = self.repository.talk([*options, *argv], stdin, self.env, timeout_s)
        return replace(said, err=hidden(said.err, self.config.addresses))

    def _error(self, what: str, said: Said) -> RemoteError:
        words = "; ".join(_sentences(said.err)) or f"git ended with {said.code}"
        where = f"the remote `{self.name}`"
        if _DENIED.search(said.err):
            hint = f"see that this machine may {'write to' if what == 'push' else 'read'} it: git {what} {self.name}"
            return RemoteError("remote/denied", f"{where} says no: {words}", hint, words, passing=False)
        away = said.code is None or _AWAY.search(said.err) is not None
        code = "remote/unreachable" if away else "remote/failed"
        hint = f"see whether it answers: git ls-remote {self.name}"
        return RemoteError(
            code, f"{where} cannot be reached: {words}" if away else f"{where}: {words}", hint, words, passing=away
        )


def remote_of(repository: Repository, config: RemoteConfig) -> Remote:
    """Return a remote as its own repository sees it."""
    return Remote(config, repository)


def remote_for(apart: Repository, repository: Repository, config: RemoteConfig) -> Remote:
    """Return a remote of one repository as another sees it that fetches as little as it can.

    Addresses, credentials and proxies are those of the first; they travel in the environment, never in arguments.
    """
    carried = _carried(repository, config.name)
    env = {"GIT_CONFIG_COUNT": str(len(carried))}
    for number, (key, value) in enumerate(carried):
        env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return Remote(config, apart, env, "blob:none")


def is_race(words: str) -> bool:
    """Say whether a ref was not taken because someone else moved it meanwhile."""
    return any(word in words for word in _RACE)


def refusal(remote: Remote, what: str, words: str) -> RemoteError:
    """Make the error of a push that was answered, and not taken."""
    return RemoteError(
        "remote/refused",
        f"the remote `{remote.name}` refuses {what}: {words}",
        "everything is recorded here; when the remote allows it: mlspec push",
        words,
        passing=is_race(words),
    )


def lending(remote: Remote) -> Remote:
    """Return the remote with its repository asking it for objects that are not here."""
    return replace(remote, repository=replace(remote.repository, bring=remote.bring))


def _carried(repository: Repository, name: str) -> list[tuple[str, str]]:
    out = repository.run("config", "--list", "--includes", "-z").decode("utf-8", "surrogateescape")
    carried = []
    for entry in out.split("\0"):
        key, _, value = entry.partition("\n")
        lower = key.lower()
        own = key.startswith(f"remote.{name}.") and not lower.endswith(tuple(f".{ours}" for ours in _OWN_KEYS))
        if own or lower in _CARRIED_KEYS or lower.startswith(_CARRIED):
            carried.append((key, value))
    return carried


def _lines(names: Sequence[str]) -> bytes:
    return ("\n".join(names) + "\n").encode()


def _sentences(err: str) -> list[str]:
    lines = (line.strip().removeprefix("fatal: ").removeprefix("error: ") for line in err.splitlines())
    return [line.rstrip(".") for line in lines if line and not line.startswith(_NOISE)][:6]


def _remarks(err: str) -> str:
    """Return what the other side itself said."""
    lines = [line.removeprefix("remote:").strip() for line in err.splitlines() if line.startswith("remote:")]
    return " ".join(line for line in lines if line)[:600]
