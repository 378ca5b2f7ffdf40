"""The objects that records name: read side by side, and the damaged ones told with what they serve."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from mlspec.core.digest import short
from mlspec.core.finished import note_of
from mlspec.core.garbage import Mentions
from mlspec.core.head import Head
from mlspec.core.ports import Store
from mlspec.core.problem import MlspecError, Place, Problem
from mlspec.core.record import Record

Progress = Callable[[str, int, int | None], None]
"""Is told what is read, how many are, and of how many."""

_THREADS = 8
_PART = 256
_DAMAGE = {"store/missing", "store/damaged"}


class _Named(NamedTuple):
    """What names an object: the path of the record, its address, and what the object is there."""

    path: str
    address: str
    role: str


@dataclass
class Census:
    """The objects that records name, by digest, and the notes of finished trainings, by their name in the store.

    The first record that names an object stands for it.
    """

    named: dict[str, _Named] = field(default_factory=dict)
    mentions: Mentions = field(default_factory=Mentions)
    notes: dict[str, _Named] = field(default_factory=dict)

    def note(self, record: Record) -> None:
        """Take note of a record's objects."""
        if record.verb == "train" and record.fingerprint is not None:
            name = note_of(record.fingerprint)
            self.notes.setdefault(name, _Named(record.path, record.address, "note of a finished training"))
        for output in record.outputs:
            self.named.setdefault(output.digest, _Named(record.path, record.address, output.name))
        self.mentions.add(record)

    def forget(self, heads: Mapping[str, Head]) -> None:
        """Leave out what was said to be gone, unless it was named again since, or is needed by what is recorded now."""
        gone = {name for name in self.mentions.expired if self.mentions.is_gone(name)}
        needed = {name for head in heads.values() for name in _needed(head)} if gone else set()
        for name in gone - needed:
            self.named.pop(name, None)

    def check(self, store: Store, progress: Progress) -> dict[str, Problem]:
        """Read every object and hold it against its digest; return what is wrong, by digest or by the name of a note.

        A note that is not there is none that is damaged: what it said is recorded.

        Raises:
            MlspecError: the store cannot be read at all.
        """
        wrong: dict[str, Problem] = {}
        names, done = iter(sorted([*self.named, *self.notes])), 0
        with ThreadPoolExecutor(_THREADS, thread_name_prefix="object") as pool:
            while part := list(islice(names, _PART)):
                store.gather(part)
                found = pool.map(lambda name: _check(store, name, is_note=name in self.notes), part)
                wrong |= {name: problem for name, problem in zip(part, found, strict=True) if problem}
                done += len(part)
                progress("objects", done, len(self.named) + len(self.notes))
        return wrong

    def told(self, wrong: Mapping[str, Problem], heads: Mapping[str, Head]) -> Iterator[Problem]:
        """Tell what each damaged object is, and which versions and stages rest on it."""
        for digest, problem in wrong.items():
            named = self.named.get(digest) or self.notes[digest]
            said = f"{problem.message}; it is the {named.role} of {named.address}"
            served = "; ".join(_served(heads, digest))
            yield replace(problem, message=f"{said}: {served}" if served else said, place=Place(named.path))


def _check(store: Store, name: str, *, is_note: bool) -> Problem | None:
    try:
        if is_note:
            return _strange(name, store.noted(name))
        store.check(name)
    except MlspecError as error:
        if error.problems[0].code not in _DAMAGE:
            raise
        return error.problems[0]
    return None


def _strange(name: str, note: bytes | None) -> Problem | None:
    """Say of a note that it speaks of another training than its name does."""
    try:
        known = note is None or note_of(json.loads(note)["fingerprint"]) == name
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    why = f"the note {name} of the store is damaged: it is that of something else"
    return None if known else Problem("store/damaged", why, help="remove it: a note is made again when it is needed")


def _needed(head: Head) -> Iterator[str]:
    for run in head.runs.values():
        yield from () if run.expired else run.objects
    for snapshot in head.snapshots.values():
        yield from () if snapshot.expired else (snapshot.content, *snapshot.packs)


def _served(heads: Mapping[str, Head], digest: str) -> Iterator[str]:
    """Say which versions have an object: as a file of their own, or as the rows they were trained on."""
    rows = {
        fingerprint: address
        for address, head in heads.items()
        for fingerprint, snapshot in head.snapshots.items()
        if digest in (snapshot.content, *snapshot.packs)
    }
    for address, head in heads.items():
        for version in head.versions:
            run = head.runs.get(version.fingerprint)
            if run is None:
                continue
            stages = [name for name, state in head.stages.items() if state.version == version.n]
            held = f", in {' and '.join(stages)}" if stages else ""
            if digest in run.objects:
                yield f"{address} v{version.n}{held}"
            elif run.dataset in rows:
                yield f"{address} v{version.n}{held} was trained on version {short(run.dataset, 8)}"
