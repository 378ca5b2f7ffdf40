"""`mlspec diff`: two recorded versions of a model side by side, from heads and store objects alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlspec.commands.recorded import Recorded, Tell, open_recorded, unheard
from mlspec.commands.versions import find_model, find_version
from mlspec.core.comparison import Change, ColumnChange, Comparison, Side
from mlspec.core.head import Head, Run, Version, newest
from mlspec.core.heads import of_kind
from mlspec.core.ports import Store
from mlspec.core.problem import MlspecError
from mlspec.planner import compare
from mlspec.planner.compact import object_of

_PARTS = ("params", "training", "data", "code", "environment", "metrics")
_OF_RUN = {"train": ("params", "training"), "code": ("code",)}
_OF_DATA = {"schema": ("data",)}
"""Which parts are not comparable where a group of fields went to the store and is not there."""


def run(start: Path, model: str, before: str, after: str, tell: Tell = unheard) -> Comparison:
    """Return how two versions of a model differ; an object that the store lacks is said in it.

    Raises:
        MlspecError: no project or repository, a damaged lineage, or no such model or version.
    """
    recorded = open_recorded(start, tell)
    head = find_model(recorded, model)
    pair = [_one(recorded, head, find_version(head, wanted)) for wanted in (before, after)]
    return _Reader(recorded.store).compared(head, *pair)


@dataclass(frozen=True, slots=True)
class _One:
    """A version with its run and the head of the dataset it was trained on, where that is recorded."""

    version: Version
    run: Run
    data: Head | None

    @property
    def name(self) -> str:
        return f"v{self.version.n}"

    @property
    def dataset(self) -> str:
        return self.data.address if self.data else "dataset"

    def side(self, head: Head) -> Side:
        return Side(
            version=self.version.n,
            run=self.version.fingerprint,
            at=self.run.at,
            ref=self.run.ref,
            dataset=self.dataset,
            data=self.run.dataset,
            stages=tuple(stage for stage, state in head.stages.items() if state.version == self.version.n),
        )


@dataclass(frozen=True, slots=True)
class _Fields:
    """Recorded fields, and the version that they are of."""

    name: str
    fields: Mapping[str, Any]


def _one(recorded: Recorded, head: Head, version: Version) -> _One:
    run = head.runs[version.fingerprint]
    owners = (data for data in of_kind(recorded.state.heads, "dataset") if run.dataset in data.snapshots)
    return _One(version, run, next(owners, None))


@dataclass
class _Reader:
    """Reads what lies in the store; what cannot be read is told in `unknown`, and its part is not compared."""

    store: Store
    unknown: list[str] = field(default_factory=list)
    gaps: set[str] = field(default_factory=set)

    def compared(self, head: Head, one: _One, other: _One) -> Comparison:
        """Compare everything."""
        parts = compare.fields(*self._pair(_runs(one), _runs(other), _OF_RUN))
        data, columns = self._data(one, other)
        environment = (*parts["environment"], *compare.plain(*self._environments(one, other)))
        metrics = compare.metrics(one.run.metrics, other.run.metrics)
        differ = any(pair.before != pair.after for pair in metrics)
        found: dict[str, tuple[Any, ...]] = {**parts, "data": data, "environment": environment}
        found["metrics"] = metrics if differ else ()
        same_data = one.run.dataset == other.run.dataset
        equal = [part for part in _PARTS if not found[part] and part not in self.gaps]
        return Comparison(
            model=head.address,
            before=one.side(head),
            after=other.side(head),
            columns=columns,
            same_test=same_data,
            same=tuple(part for part in equal if metrics or part != "metrics"),
            unknown=tuple(dict.fromkeys(self.unknown)),
            **found,
        )

    def _data(self, one: _One, other: _One) -> tuple[tuple[Change, ...], tuple[ColumnChange, ...]]:
        if one.run.dataset == other.run.dataset:
            return (), ()
        listed = compare.plain(*self._pair(self._snapshot(one), self._snapshot(other), _OF_DATA))
        first, second = self._profile(one), self._profile(other)
        if first is None or second is None:
            return listed, ()
        hidden = self._sensitive(one, first) | self._sensitive(other, second)
        return (*compare.rows(first, second), *listed), compare.columns(first, second, hidden)

    def _snapshot(self, one: _One) -> _Fields:
        known = one.data.snapshots[one.run.dataset].fields if one.data else {}
        if one.data is None:
            self._gap("data", f"the dataset version of {one.name} is not recorded")
        return _Fields(one.name, known)

    def _profile(self, one: _One) -> Mapping[str, Any] | None:
        contracts = one.data.contracts if one.data else {}
        own = {key: known for key, known in contracts.items() if known.fingerprint == one.run.dataset and known.profile}
        found = newest(own)
        if found is None or found.profile is None:
            self._gap("data", f"no profile is recorded of the data of {one.name}")
            return None
        return self._object(("data",), f"the profile of the data of {one.name}", found.profile)

    def _sensitive(self, one: _One, profile: Mapping[str, Any]) -> set[str]:
        """Return the columns that the recorded facts call sensitive now; all of them where that cannot be read."""
        facts = one.data.facts if one.data else {}
        kept = object_of(facts, "schema")
        more = self._object(("data",), f"what is recorded of {one.dataset}", kept) if kept else {}
        if more is None:
            return set(profile.get("columns", {}))
        prefix, suffix = "schema.", ".sensitive"
        told = [name for name, value in {**facts, **more}.items() if value is True and name.endswith(suffix)]
        return {name.removeprefix(prefix).removesuffix(suffix) for name in told}

    def _environments(self, one: _One, other: _One) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Return where both were trained; nothing where one of them is not known, for then nothing is comparable."""
        first, second = self._environment(one), self._environment(other)
        return (first, second) if first is not None and second is not None else ({}, {})

    def _environment(self, one: _One) -> Mapping[str, Any] | None:
        manifest = self._object(("environment",), f"the manifest of {one.name}", one.run.manifest)
        if manifest is None:
            return None
        kept = str(manifest.get("packages"))
        packages = self._object(("environment",), f"the list of packages of {one.name}", kept)
        return (
            None
            if packages is None
            else {"python": manifest.get("python"), "platform": manifest.get("platform")} | dict(packages)
        )

    def _pair(
        self, one: _Fields, other: _Fields, groups: Mapping[str, tuple[str, ...]]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the fields of both with those that went to the store; a group that one of them lacks, of neither."""
        whole = dict(one.fields), dict(other.fields)
        for group, parts in groups.items():
            kept = [object_of(side.fields, group) for side in (one, other)]
            if kept[0] == kept[1]:
                continue
            read = [
                self._object(parts, f"the `{group}` fields of {side.name}", digest) if digest else {}
                for side, digest in zip((one, other), kept, strict=True)
            ]
            for fields, more in zip(whole, read, strict=True):
                fields.pop(f"{group}.object", None)
                fields.update(more or {})
                if None in read:
                    for name in [name for name in fields if name.partition(".")[0] == group]:
                        del fields[name]
        return whole

    def _object(self, parts: tuple[str, ...], what: str, digest: str) -> Mapping[str, Any] | None:
        """Return a JSON object of the store; None where it cannot be read, which is a gap in these parts."""
        why = "it is no JSON object"
        try:
            read: Any = json.loads(self.store.read(digest))
            if isinstance(read, Mapping):
                return read
        except MlspecError as error:
            why = error.problems[0].message
        except ValueError:
            pass
        for part in parts:
            self._gap(part, f"{what} cannot be read: {why}")
        return None

    def _gap(self, part: str, why: str) -> None:
        self.gaps.add(part)
        self.unknown.append(why)


def _runs(one: _One) -> _Fields:
    return _Fields(one.name, one.run.fields)
