"""Finding a recorded version by what a person calls it: `income@v3`, `income@production`, `income`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlspec.commands.fields import recorded_dataset
from mlspec.commands.recorded import Tell, open_recorded, unheard
from mlspec.commands.versions import instead, refuse_expired
from mlspec.commands.workspace import cache_folder
from mlspec.core.head import Head, Run
from mlspec.core.heads import of_kind
from mlspec.core.ports import Store
from mlspec.core.problem import fail
from mlspec.specs.dataset import Column, Dataset

_REFERENCE = re.compile(r"(?:model/)?(?P<name>[a-z][a-z0-9-]*)(?:@(?:v(?P<version>\d+)|(?P<stage>[a-z][a-z0-9-]*)))?")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A recorded version and where its bytes are."""

    head: Head
    version: int | None
    run: Run
    fingerprint: str
    store: Store
    cache: Path
    """The folder of caches of the project."""
    dataset: Dataset | None
    """What the run was trained on, as it was read and split."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns of that dataset."""
        return self.dataset.columns if self.dataset else ()

    @property
    def manifest(self) -> dict[str, Any]:
        """Return what training wrote beside the model."""
        read_back: dict[str, Any] = json.loads(self.store.read(self.run.manifest))
        return read_back


def choose(start: Path, reference: str, tell: Tell = unheard) -> Chosen:
    """Find `income@v3`, `income@production`, or `income`: what holds the last stage, else the newest version.

    Raises:
        MlspecError: no such model, version or stage; or nothing holds the stage.
    """
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise fail("export/reference", f"`{reference}` names no version", help="write MODEL, MODEL@v3 or MODEL@STAGE")
    recorded = open_recorded(start, tell)
    heads, project = recorded.state.heads, recorded.project
    head = heads.get(f"model/{match['name']}")
    if head is None:
        why = f"no model `{match['name']}` is recorded"
        raise fail("export/unknown-model", why, help=instead(recorded, match["name"]))
    number = _number(head, match["version"], match["stage"], project.stages)
    version = head.version(number)
    if version is None:
        listed = ", ".join(f"v{known.n}" for known in head.versions) or "none"
        raise fail("export/unknown-version", f"{head.address} has no v{number}; versions: {listed}")
    run = head.runs[version.fingerprint]
    refuse_expired(head, version)
    dataset = _dataset(heads, run, recorded.store)
    return Chosen(head, number, run, version.fingerprint, recorded.store, cache_folder(recorded.root), dataset)


def _number(head: Head, version: str | None, stage: str | None, order: tuple[str, ...]) -> int:
    if version is not None:
        return int(version)
    if stage is not None:
        state = head.stages.get(stage)
        if state is None or state.version is None:
            held = ", ".join(name for name, known in head.stages.items() if known.version) or "none"
            raise fail("export/empty-stage", f"nothing holds {stage} of {head.address}; stages held: {held}")
        return state.version
    held_last = [head.stages[name].version for name in order if name in head.stages]
    numbers = [number for number in held_last if number] or [known.n for known in head.versions]
    if not numbers:
        raise fail("export/no-version", f"{head.address} has no version yet", help="run: mlspec apply")
    return numbers[-1]


def _dataset(heads: Mapping[str, Head], run: Run, store: Store) -> Dataset | None:
    for head in of_kind(heads, "dataset"):
        if run.dataset in head.snapshots:
            return recorded_dataset(store, "recorded", head.snapshots[run.dataset].fields)
    return None
