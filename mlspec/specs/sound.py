"""Sound models: documents known to be valid, which are not judged again; and what is asked of every model at once.

Whether the document of a model is valid follows from its text, from mlspec.yaml, and from the documents of the dataset
and the gates it names. A key is the digest of all of these. So a key that was once of a valid model is of a valid one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlspec.core import digest
from mlspec.core.address import Address
from mlspec.core.document import Document
from mlspec.specs.model import Model


@dataclass(frozen=True, slots=True)
class Outline:
    """What is asked of every model of a project, read off its document: the names it uses and the code it reaches."""

    dataset: str
    gates: tuple[str, ...]
    entrypoint: str | None
    command: str | None
    predict: str | None
    code: tuple[str, ...]
    environment: str | None
    """The path of its lock file."""
    current: bool
    """Whether it runs in the environment of mlspec itself, lock or no lock."""
    format: str | None
    waivers: tuple[str, ...] = ()
    """The last days of its waivers."""


def outline(value: Any) -> Outline | None:
    """Return the outline of a model's document; None of what has no such form, and so is no valid model."""
    try:
        train, stages = value["train"], value.get("stages", {})
        lock, current = _environment(train.get("environment"))
        gates = {gate for stage in stages.values() for gate in stage.get("gates", ())}
        return Outline(
            dataset=value["dataset"],
            gates=tuple(sorted(gates)),
            entrypoint=train.get("entrypoint"),
            command=train.get("command"),
            predict=train.get("predict"),
            code=tuple(train.get("code", ())),
            environment=lock,
            current=current,
            format=train.get("format"),
            waivers=tuple(waiver["expires"] for waiver in value.get("waivers", ())),
        )
    except (AttributeError, KeyError, TypeError):
        return None


def _environment(written: Any) -> tuple[str | None, bool]:
    """Return the path of the lock file, and whether steps run in the environment of mlspec."""
    if isinstance(written, str):
        return written, False
    return (None, True) if written is None else (written["lock"], written.get("use") == "current")


def key(document: Document, project: Document, where: Mapping[Address, Document]) -> str | None:
    """Return the key of a model's document; None where something it names is not declared."""
    seen = outline(document.value)
    if seen is None:
        return None
    named = [("dataset", seen.dataset), *(("gate", gate) for gate in seen.gates)]
    used = [where.get(Address(kind, name)) for kind, name in named]
    if None in used:
        return None
    return digest.of_lines(f"{one.blob} {one.index}" for one in (document, project, *used) if one is not None)


class Models(Mapping[str, Model]):
    """Models by name: those that were judged, and sound ones, each of which is read when it is asked for."""

    def __init__(self, judged: Mapping[str, Model], sound: Mapping[str, Document]) -> None:
        """Take the models that were judged, and the documents of the sound ones."""
        self.judged, self._sound = judged, sound

    def __getitem__(self, name: str) -> Model:
        if name in self.judged:
            return self.judged[name]
        value = self._sound[name].value
        return Model.model_validate_json(json.dumps({field: part for field, part in value.items() if field != "kind"}))

    def __iter__(self) -> Iterator[str]:
        yield from self.judged
        yield from self._sound

    def __len__(self) -> int:
        return len(self.judged) + len(self._sound)

    def __contains__(self, name: object) -> bool:
        return name in self.judged or name in self._sound
