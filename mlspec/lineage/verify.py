"""Verification: every record's digest and chain, heads against the log, and the branch's own history."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from mlspec.core.fold import fold
from mlspec.core.head import Head
from mlspec.core.problem import MlspecError, Place, Problem
from mlspec.core.record import Record, digest_of, to_bytes
from mlspec.io.git import Repository
from mlspec.lineage.layout import FORMAT_PATH, HEADS, LOG, Layout, head_path
from mlspec.lineage.top import parse_layout

_UNREADABLE = "git cannot read its object"


@dataclass(frozen=True, slots=True)
class Findings:
    """What verification found; damage of the log cannot be mended, that of what follows from it can.

    `heads` and `deployed` are what the log says, `layout` what format.json does, `stray` files that don't belong.
    """

    records: tuple[Record, ...] = ()
    log_damage: tuple[Problem, ...] = ()
    head_damage: tuple[Problem, ...] = ()
    heads: Mapping[str, Head] = field(default_factory=dict)
    layout: Layout | None = None
    deployed: str | None = None
    stray: tuple[str, ...] = ()


def verify(repository: Repository, tip: str) -> Findings:
    """Check the lineage at a tip; the first damage named is the earliest in the log.

    Raises:
        MlspecError: the lineage is of a newer mlspec.
    """
    try:
        listing = repository.listing(tip)
        touched = _history(repository, tip)
    except MlspecError as error:
        return Findings(log_damage=(_unreadable(error),))
    contents = dict(zip(listing, repository.contents(list(listing.values())), strict=True))
    records, altered = _records({path: content for path, content in contents.items() if path.startswith(LOG + "/")})
    chains = _Chains.of(records)
    log_damage = [*altered, *touched, *chains.problems, *_left_over(records, chains.seen)]
    deployed = [record for record in records if record.origin.deploys]
    layout, head_damage = _layout(contents.get(FORMAT_PATH), deployed)
    stray = [path for path in contents if path != FORMAT_PATH and not path.startswith((f"{HEADS}/", f"{LOG}/"))]
    head_damage += [_bad(path, "stray", "it does not belong on this branch") for path in stray]
    if not log_damage:  # heads follow from the log: of a damaged one, nothing can be said
        heads = _Heads.compared(contents, chains.heads)
        log_damage += heads.dropped
        head_damage += heads.altered
        stray += heads.stray
    return Findings(
        records=tuple(records),
        log_damage=tuple(_with_help(_by_place(log_damage))),
        head_damage=tuple(_by_place(head_damage)),
        heads=chains.heads,
        layout=layout,
        deployed=max(deployed, key=lambda record: (record.apply, record.n)).origin.commit if deployed else None,
        stray=tuple(stray),
    )


def _unreadable(error: MlspecError) -> Problem:
    why = f"git cannot read the tree of the branch: {error.problems[0].message}"
    return Problem("lineage/damaged", why, help="bring its objects back: git fetch from a clone that has them")


def _with_help(problems: list[Problem]) -> list[Problem]:
    hint = "nothing mends a log: bring the branch back from a clone where mlspec verify finds it whole"
    return [replace(problem, help=None if number else hint) for number, problem in enumerate(problems)]


def _layout(content: bytes | None, deployed: Sequence[Record]) -> tuple[Layout | None, list[Problem]]:
    try:
        layout = parse_layout(content)
    except MlspecError as error:
        if error.problems[0].code == "lineage/newer":
            raise
        return None, [_bad(FORMAT_PATH, "head", error.problems[0].message)]
    if layout.commit in {None, *(record.origin.commit for record in deployed)}:
        return layout, []
    return None, [_bad(FORMAT_PATH, "head", f"no record was deployed from its commit {layout.commit}")]


def _records(contents: Mapping[str, bytes | None]) -> tuple[list[Record], list[Problem]]:
    records, problems = [], []
    for path, content in sorted(contents.items()):
        if content is None:
            problems.append(_bad(path, "dropped", _UNREADABLE))
            continue
        try:
            record = Record.model_validate_json(content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            problems.append(_bad(path, "altered", f"it is no record: {where}: {first['msg']}"))
            continue
        if digest_of(record) != record.digest or to_bytes(record) != content:
            problems.append(_bad(path, "altered", "its content is not what its digest says"))
        elif record.path != path:
            problems.append(_bad(path, "replayed", f"it belongs at {record.path}"))
        records.append(record)
    return records, problems


@dataclass
class _Chains:
    """Records followed from the first of each address to its last, and folded on the way."""

    followers: Mapping[str | None, Sequence[Record]]
    heads: dict[str, Head] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    @classmethod
    def of(cls, records: Sequence[Record]) -> _Chains:
        """Follow all chains; of two records that name the same one before them, the first by path keeps its place."""
        followers: dict[str | None, list[Record]] = {}
        for record in records:
            followers.setdefault(record.previous, []).append(record)
        chains = cls(followers)
        for first in followers.get(None, []):
            chains._follow(first)
        return chains

    def _follow(self, first: Record) -> None:
        head = Head(address=first.address)
        record: Record | None = first
        while record is not None and record.digest not in self.seen:
            self.seen.add(record.digest)
            head = self._fold(head, record)
            record = next(iter(self.followers.get(record.digest, ())), None)
        if head.address in self.heads:
            self.problems.append(_bad(first.path, "replayed", f"{head.address} has a first record already"))
        else:
            self.heads[head.address] = head

    def _fold(self, head: Head, record: Record) -> Head:
        if (record.moved_from or record.address, record.generation) != (head.address, head.generation + 1):
            named = f"record {record.generation} of {record.moved_from or record.address}"
            why = f"it says it is {named}, and follows record {head.generation} of {head.address}"
            self.problems.append(_bad(record.path, "reordered", why))
        try:
            return fold({head.address: head}, record)[record.address] or head
        except KeyError:
            self.problems.append(_bad(record.path, "reordered", "no record before it made the run it speaks of"))
            return head.model_copy(update={"record": record.digest, "generation": record.generation})


def _left_over(records: Sequence[Record], seen: Collection[str]) -> list[Problem]:
    """Name what no chain reaches: a record whose predecessor is gone, or a second one in the same place.

    What follows such a record is not named: it is as good as that.
    """
    known = {record.digest for record in records}
    problems = []
    for record in records:
        if record.digest in seen:
            continue
        if record.previous in seen:
            problems.append(_bad(record.path, "replayed", "another record already follows the one it names"))
        elif record.previous not in known:
            why = f"the record before it ({str(record.previous)[:19]}…) was dropped or altered"
            problems.append(_bad(record.path, "dropped", why))
    return problems


def _history(repository: Repository, tip: str) -> list[Problem]:
    """Name records that a commit of the branch changed or removed: records are only ever added."""
    argv = ["log", "--format=%H", "--diff-filter=MDT", "--name-only", "--no-renames", "-m", "-z", tip, "--", LOG]
    out = repository.run(*argv).decode("utf-8", "surrogateescape")
    touched = {entry.strip() for entry in out.replace("\n", "\0").split("\0") if entry.startswith(LOG + "/")}
    return [_bad(path, "altered", "a later commit of the branch changed or removed it") for path in sorted(touched)]


@dataclass
class _Heads:
    """The heads that lie on the branch beside those that the log folds to."""

    dropped: list[Problem] = field(default_factory=list)
    altered: list[Problem] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    @classmethod
    def compared(cls, contents: Mapping[str, bytes | None], folded: Mapping[str, Head]) -> _Heads:
        """Compare them byte for byte."""
        found = cls()
        expected = {head_path(address): head for address, head in folded.items()}
        there = {path for path in contents if path.startswith(HEADS + "/")}
        for path in sorted(there | expected.keys()):
            head, content = expected.get(path), contents.get(path)
            if head is None or content != to_bytes(head):
                found._name(path, head, content, path in there)
        return found

    def _name(self, path: str, head: Head | None, content: bytes | None, there: bool) -> None:
        said, held = _generation(content), head.generation if head else 0
        if said > held:
            why = f"it speaks of record {said}, the log ends at record {held}: what came after was dropped"
            self.dropped.append(_bad(path, "dropped", why))
        elif head is None:
            self.stray.append(path)
            self.altered.append(_bad(path, "head", "no record speaks of this head"))
        else:
            lost = f"{_UNREADABLE}; see git fsck" if there else "the head is missing"
            why = lost if content is None else "the head is not what the log says"
            self.altered.append(_bad(path, "head", why))


def _generation(content: bytes | None) -> int:
    """Return how many records a head says were folded into it; 0 of what is no head."""
    try:
        return Head.model_validate_json(content or b"").generation
    except ValidationError:
        return 0


def _bad(path: str, kind: str, why: str) -> Problem:
    return Problem(f"lineage/{kind}", why, Place(path))


def _by_place(problems: list[Problem]) -> list[Problem]:
    unique = {(problem.place, problem.code): problem for problem in problems}
    return sorted(unique.values(), key=lambda problem: problem.place or Place(""))
