"""The log read as a stream: every record held against its digest and its place, and a link of each kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from mlspec.core.address import Address
from mlspec.core.problem import Problem
from mlspec.core.record import FORMAT, Record, digest_of, to_bytes
from mlspec.io.git import Repository
from mlspec.lineage.chains import Link, bad
from mlspec.lineage.layout import LOG
from mlspec.lineage.top import refuse_newer
from mlspec.lineage.trees import FILE, Listing

UNREADABLE = "git cannot read its object"
_NAME = re.compile(rf"{LOG}/\d{{4}}/\d\d/[^/]+/\d+-[a-z]+-[^/]+\.json")

Note = Callable[[Record], None]
"""Takes note of each record, in the order of their paths."""


@dataclass
class Log:
    """What lies in the log: records by their links, files that are none, and what is wrong with either.

    `deploying` has the commits that were deployed, by the path of the record; `unreadable` the ids of objects.
    """

    links: list[Link] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    deploying: dict[str, str] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, repository: Repository, listing: Listing, note: Note) -> Log:
        """Read the log that a commit lists.

        Raises:
            MlspecError: a record is of a newer mlspec.
        """
        log = cls()
        for folder, oid in listing.unreadable.items():
            if f"{folder}/".startswith(f"{LOG}/"):
                log.unreadable.append(oid)
                log.problems.append(bad(folder, "unreadable", "git cannot read the tree of this folder"))
        found = {path: entry for path, entry in listing.files.items() if path.startswith(f"{LOG}/")}
        log.stray = [path for path in found if not _NAME.fullmatch(path)]
        named = [(path, entry) for path, entry in found.items() if _NAME.fullmatch(path)]
        contents = repository.contents([entry.oid for _, entry in named])
        for (path, entry), content in zip(named, contents, strict=True):
            if entry.mode != FILE:
                log.problems.append(bad(path, "altered", "it is no plain file"))
            elif content is None:
                log.unreadable.append(entry.oid)
                log.problems.append(bad(path, "unreadable", UNREADABLE))
            else:
                log._take(path, entry.oid, content, note)
        return log

    def _take(self, path: str, oid: str, content: bytes, note: Note) -> None:
        try:
            record = Record.model_validate_json(content)
        except ValidationError as error:
            refuse_newer(path, content, FORMAT)
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            self.problems.append(bad(path, "altered", f"it is no record: {where}: {first['msg']}"))
            return
        if not _is_address(record.address):
            self.problems.append(bad(path, "altered", f"`{record.address}` is no address"))
            return
        if to_bytes(record) != content or digest_of(record) != record.digest:
            self.problems.append(bad(path, "altered", "its content is not what its digest says"))
        elif record.path != path:
            self.problems.append(bad(path, "replayed", f"it belongs at {record.path}"))
        self.links.append(Link.of(path, oid, record))
        if record.origin.deploys:
            self.deploying[path] = record.origin.commit
        note(record)


def _is_address(text: str) -> bool:
    try:
        return bool(Address.parse(text))
    except ValueError:
        return False
