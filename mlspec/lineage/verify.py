"""Verification: every record's digest and chain, heads against the log, and the branch's own history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from mlspec.core.fold import fold
from mlspec.core.head import Head
from mlspec.core.problem import Place, Problem
from mlspec.core.record import Record, digest_of, to_bytes
from mlspec.io.git import Repository
from mlspec.lineage.layout import FORMAT_PATH, HEADS, LOG, head_path


@dataclass(frozen=True, slots=True)
class Findings:
    """What verification found: damage of log and heads, the heads as the log says, files that don't belong."""

    records: tuple[Record, ...]
    log_damage: tuple[Problem, ...]
    head_damage: tuple[Problem, ...]
    heads: Mapping[str, Head]
    stray: tuple[str, ...]


def verify(repository: Repository, tip: str) -> Findings:
    """Check the lineage at a tip; the first damage named is the earliest in the log."""
    listing = repository.listing(tip)
    contents = dict(zip(listing, repository.contents(list(listing.values())), strict=True))
    records, damage = _records({path: content for path, content in contents.items() if path.startswith(LOG + "/")})
    damage += _history(repository, tip)
    chained = _Chained()
    for record in _in_chain_order(records):
        chained.add(record)
    damage += chained.problems + _left_over(records, chained)
    heads, stray = _heads(contents, chained.heads)
    return Findings(tuple(records), tuple(_by_place(damage)), tuple(heads), chained.heads, tuple(stray))


def _records(contents: Mapping[str, bytes | None]) -> tuple[list[Record], list[Problem]]:
    records, problems = [], []
    for path, content in sorted(contents.items()):
        try:
            record = Record.model_validate_json(content or b"")
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
class _Chained:
    """Records folded in the order of their chains."""

    heads: dict[str, Head] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def add(self, record: Record) -> None:
        source = record.moved_from or record.address
        head = self.heads.get(source) or Head(address=source)
        self.seen.add(record.digest)
        if record.generation != head.generation + 1 or record.previous != head.record:
            self.problems.append(_bad(record.path, "reordered", _out_of_order(record, head)))
            return
        for address, after in fold(self.heads, record).items():
            if after is None:
                self.heads.pop(address, None)
            else:
                self.heads[address] = after


def _out_of_order(record: Record, head: Head) -> str:
    return f"it says it is record {record.generation} of {record.address}, but {head.generation} are before it"


def _in_chain_order(records: Sequence[Record]) -> list[Record]:
    """Order records so that each follows the one it names; of two that name the same one, the first keeps its place."""
    followers: dict[str | None, list[Record]] = {}
    for record in records:
        followers.setdefault(record.previous, []).append(record)
    ordered: list[Record] = []
    frontier = sorted(followers.get(None, []), key=lambda record: (record.address, record.started))
    while frontier:
        record = frontier.pop()
        ordered.append(record)
        frontier += followers.get(record.digest, [])[:1]
    return ordered


def _left_over(records: Sequence[Record], chained: _Chained) -> list[Problem]:
    """Name what no chain reaches: a record whose predecessor is gone, or a second one in the same place."""
    known = {record.digest for record in records}
    problems = []
    for record in records:
        if record.digest in chained.seen:
            continue
        if record.previous is not None and record.previous not in known:
            why = f"the record before it ({record.previous[:19]}…) was dropped or altered"
            problems.append(_bad(record.path, "dropped", why))
        else:
            problems.append(_bad(record.path, "replayed", "another record already follows the one it names"))
    return problems


def _history(repository: Repository, tip: str) -> list[Problem]:
    """Name records that a commit of the branch changed or removed: records are only ever added."""
    argv = ["log", "--format=%H", "--diff-filter=MDT", "--name-only", "--no-renames", "-m", "-z", tip, "--", LOG]
    out = repository.run(*argv).decode("utf-8", "surrogateescape")
    touched = {entry.strip() for entry in out.replace("\n", "\0").split("\0") if entry.startswith(LOG + "/")}
    return [_bad(path, "altered", "a later commit of the branch changed or removed it") for path in sorted(touched)]


def _heads(contents: Mapping[str, bytes | None], folded: Mapping[str, Head]) -> tuple[list[Problem], list[str]]:
    expected = {head_path(address): to_bytes(head) for address, head in folded.items()}
    there = {path: content for path, content in contents.items() if path.startswith(HEADS + "/")}
    problems = []
    for path, content in sorted(expected.items()):
        if path not in there:
            problems.append(_bad(path, "head", "the head is missing"))
        elif there[path] != content:
            problems.append(_bad(path, "head", "the head is not what the log says"))
    stray = sorted(there.keys() - expected.keys())
    problems += [_bad(path, "head", "no record speaks of this head") for path in stray]
    if FORMAT_PATH not in contents:
        problems.append(_bad(FORMAT_PATH, "head", "it is missing"))
    return problems, stray


def _bad(path: str, kind: str, why: str) -> Problem:
    return Problem(f"lineage/{kind}", why, Place(path))


def _by_place(problems: list[Problem]) -> list[Problem]:
    unique = {(problem.place, problem.code): problem for problem in problems}
    return sorted(unique.values(), key=lambda problem: problem.place or Place(""))
