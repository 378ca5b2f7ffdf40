"""Verification: every way to tamper with the lineage branch or the store is named, and what can be mended is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlspec.core.record import Record, sealed, to_bytes
from tests.worlds import GATE, World

Changes = Mapping[str, bytes | None]
Tampering = Callable[[World], Changes]


def altered(world: World, what: str, **fields: Any) -> bytes:
    """Return a record with other fields under its old digest."""
    return (
        json.dumps({**json.loads(world.content(world.record(what))), **fields}, indent=2, sort_keys=True).encode()
        + b"\n"
    )


def forged(world: World, what: str, **fields: Any) -> Record:
    """Return a record with other fields and the digest that goes with them."""
    return sealed(Record.model_validate_json(world.content(world.record(what))).model_copy(update=fields))


def digest(world: World, what: str) -> str:
    return Record.model_validate_json(world.content(world.record(what))).digest


def swapped(world: World, one: str, other: str) -> Changes:
    first, second = world.record(one), world.record(other)
    return {first: world.content(second), second: world.content(first)}


def reordered(world: World) -> Changes:
    """Chain the evaluation before the registration, every digest right."""
    evaluated = forged(world, "evaluate-model.answer", previous=digest(world, "train-model.answer"))
    registered = forged(world, "register-model.answer", previous=evaluated.digest)
    promoted = forged(world, "promote-model.answer", previous=registered.digest)
    return {record.path: to_bytes(record) for record in (evaluated, registered, promoted)}


def replayed(world: World) -> Changes:
    """Record the promotion once more, as a record of its own."""
    again = forged(world, "promote-model.answer", n=99)
    return {again.path: to_bytes(again)}


def untrained(world: World) -> Changes:
    """Evaluate a run that was never trained, every digest right."""
    evaluated = forged(world, "evaluate-model.answer", fingerprint="sha256:" + "0" * 64)
    promoted = forged(world, "promote-model.answer", previous=evaluated.digest)
    return {record.path: to_bytes(record) for record in (evaluated, promoted)}


@dataclass(frozen=True)
class Case:
    """What was done to the log, and the first damage that verify must name."""

    tamper: Tampering
    first: str
    code: str
    why: str


CASES = {
    "altered": Case(
        lambda world: {world.record("train-model.answer"): altered(world, "train-model.answer", rows=1)},
        "train-model.answer",
        "altered",
        "its content is not what its digest says",
    ),
    "altered, its digest too": Case(
        lambda world: {world.record("train-model.answer"): to_bytes(forged(world, "train-model.answer", rows=1))},
        "register-model.answer",
        "dropped",
        "was dropped or altered",
    ),
    "laid out anew": Case(
        lambda world: {
            world.record("train-model.answer"): json.dumps(
                json.loads(world.content(world.record("train-model.answer")))
            ).encode()
        },
        "train-model.answer",
        "altered",
        "its content is not what its digest says",
    ),
    "an unknown field": Case(
        lambda world: {world.record("train-model.answer"): altered(world, "train-model.answer", trusted=True)},
        "train-model.answer",
        "altered",
        "it is no record: trusted",
    ),
    "not a record": Case(
        lambda world: {world.record("train-model.answer"): b"\xff\x00 nothing"},
        "train-model.answer",
        "altered",
        "it is no record",
    ),
    "a chain into itself": Case(
        lambda world: {
            world.record("train-model.answer"): altered(
                world, "train-model.answer", digest=digest(world, "update-model.answer")
            )
        },
        "train-model.answer",
        "altered",
        "its content is not what its digest says",
    ),
    "dropped from the middle": Case(
        lambda world: {world.record("register-model.answer"): None},
        "evaluate-model.answer",
        "dropped",
        "was dropped or altered",
    ),
    "dropped from the start": Case(
        lambda world: {world.record("update-model.answer"): None},
        "train-model.answer",
        "dropped",
        "was dropped or altered",
    ),
    "dropped from the end": Case(
        lambda world: {world.record("promote-model.answer"): None},
        "heads/model/0d/answer.json",
        "dropped",
        "it speaks of record 5, the log ends at record 4",
    ),
    "dropped, all of an address": Case(
        lambda world: {world.record("update-gate.better-than-chance"): None},
        "heads/gate/0d/better-than-chance.json",
        "dropped",
        "it speaks of record 1, the log ends at record 0",
    ),
    "replayed as it was": Case(
        lambda world: {
            "log/2099/01/later/0001-promote-model.answer.json": world.content(world.record("promote-model.answer"))
        },
        "log/2099/01/later/0001-promote-model.answer.json",
        "replayed",
        "it belongs at log/",
    ),
    "replayed as a new record": Case(
        replayed, "0099-promote-model.answer", "replayed", "another record already follows"
    ),
    "exchanged": Case(
        lambda world: swapped(world, "register-model.answer", "evaluate-model.answer"),
        "register-model.answer",
        "replayed",
        "it belongs at log/",
    ),
    "reordered": Case(
        reordered, "register-model.answer", "reordered", "it says it is record 3 of model/answer, and follows record 3"
    ),
    "evaluated before it was trained": Case(
        untrained, "evaluate-model.answer", "reordered", "no record before it made the run it speaks of"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_first_damage_is_named(world: World, case: Case) -> None:
    """Even where the branch's history was rewritten, so that only the records themselves can tell."""
    world.tamper(case.tamper(world))
    found = world.mlspec("verify")
    assert (found.code, found.err) == (3, "")
    first = found.out.splitlines()[0]
    place, _, message = first.partition(": ")
    assert case.first in place
    assert message.startswith(f"error[lineage/{case.code}]: ")
    assert case.why in message


@pytest.mark.parametrize("name", ["altered, its digest too", "dropped from the end", "exchanged"])
def test_history_tells_what_was_touched(world: World, name: str) -> None:
    changes = CASES[name].tamper(world)
    world.tamper(changes, onto=True)
    found = world.mlspec("verify")
    assert found.code == 3
    for path in changes:
        assert f"{path}: error[lineage/altered]: a later commit of the branch changed or removed it" in found.out


HEAD = "heads/model/0d/answer.json"
MENDED: dict[str, Tampering] = {
    "a stage that moved": lambda world: {HEAD: world.content(HEAD).replace(b'"version": 1', b'"version": 7')},
    "a head that is gone": lambda world: {HEAD: None},
    "a head that is none": lambda world: {HEAD: b"{"},
    "a head of nothing": lambda world: {"heads/model/aa/nobody.json": b"{}"},
    "every head": lambda world: {path: None for path in world.recorded() if path.startswith("heads/")},
    "no format.json": lambda world: {"format.json": None},
    "format.json in pieces": lambda world: {"format.json": b'{"format"'},
    "a deployed commit that never was": lambda world: {
        "format.json": world.content("format.json").replace(world.git("rev-parse", "main").encode(), b"0" * 40)
    },
    "files of another branch": lambda world: {"README.md": b"Hello\n", "src/train.py": b"pass\n"},
}


@pytest.mark.parametrize("tamper", MENDED.values(), ids=MENDED.keys())
def test_repair_rebuilds_what_follows_from_the_log(world: World, tamper: Tampering) -> None:
    before, changes = world.recorded(), tamper(world)
    world.tamper(changes, onto=True)
    damaged = world.recorded()
    assert damaged != before
    found = world.mlspec("verify")
    assert found.code == 3
    assert [path for path in changes if f"{path}: error[lineage/" not in found.out] == []
    assert world.recorded() == damaged
    repaired = world.mlspec("verify", "--repair")
    assert (repaired.code, repaired.err) == (0, "")
    assert [line.split()[1] for line in repaired.out.splitlines()[:-1]] == sorted(changes)
    assert world.recorded() == before
    assert "No changes." in world.mlspec("plan").out


def test_repair_of_a_whole_lineage_writes_nothing(world: World) -> None:
    tip = world.tip
    assert world.mlspec("verify", "--repair").out == "Whole: 9 records, 3 heads.\n"
    assert world.tip == tip


def test_repair_keeps_off_a_damaged_log(world: World) -> None:
    """Heads rebuilt from a log that was cut would hide the cut."""
    world.tamper({**CASES["dropped from the end"].tamper(world), "format.json": None})
    tip = world.tip
    found = world.mlspec("verify", "--repair")
    assert found.code == 3
    assert "repaired" not in found.out
    assert "help: nothing mends a log: bring the branch back from a clone" in found.out
    assert world.tip == tip


def loose(world: World, name: str) -> Path:
    oid = world.git("rev-parse", name)
    return world.root / ".git" / "objects" / oid[:2] / oid[2:]


def remove(path: Path) -> None:
    path.unlink()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.chmod(0o644)
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:20])


DAMAGES = {"removed": remove, "flipped": flip, "cut off": truncate}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("what", ["record", "head", "folder"])
def test_objects_of_git_that_rot(world: World, what: str, damage: Callable[[Path], None]) -> None:
    path = {"record": world.record("train-model.answer"), "head": HEAD, "folder": "log"}[what]
    damage(loose(world, f"{world.tip}:{path}"))
    found = world.mlspec("verify")
    assert (found.code, found.err) == (3, "")
    assert "git cannot read" in found.out.splitlines()[0]
    assert path in found.out.splitlines()[0] or what == "folder"


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_nothing_is_planned_from_a_head_that_cannot_be_read(world: World, damage: Callable[[Path], None]) -> None:
    damage(loose(world, f"{world.tip}:{HEAD}"))
    for command in (["plan"], ["apply", "--yes"], ["show"]):
        done = world.mlspec(*command)
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith(f"{HEAD}: error[lineage/damaged]: ")
        assert "help: run: mlspec verify" in done.err


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize(("what", "name"), [("snapshot-dataset.questions", "content"), ("train-model.answer", "model")])
def test_objects_of_the_store_that_rot(world: World, what: str, name: str, damage: Callable[[Path], None]) -> None:
    damage(world.stored(what, name))
    assert world.mlspec("verify").code == 0
    found = world.mlspec("verify", "--store")
    assert (found.code, found.err) == (3, "")
    first, help_, last = found.out.splitlines()
    kind = "missing" if damage is remove else "damaged"
    assert first.startswith(f"{world.record(what)}: error[store/{kind}]: ")
    assert f"; it is the {name} of {what.partition('-')[2].replace('.', '/')}: model/answer v1, in staging" in first
    assert "back from" in help_
    assert last == "1 damaged of 9 records, 3 heads, 9 objects."


def test_a_newer_layout_is_refused(world: World) -> None:
    world.tamper({"format.json": b'{"format": "mlspec.lineage/2", "layout": 2, "shape": "unheard of"}'}, onto=True)
    tip = world.tip
    for command in (["plan"], ["apply", "--yes"], ["show"], ["verify", "--repair"]):
        done = world.mlspec(*command)
        assert (done.code, done.out) == (1, "")
        assert "error[lineage/newer]: the lineage has layout 2; this mlspec reads up to 1" in done.err
    assert world.tip == tip


def test_whole(world: World) -> None:
    assert world.mlspec("verify", "--store").out == "Whole: 9 records, 3 heads, 9 objects.\n"


def test_nothing_recorded(fresh: World) -> None:
    done = fresh.mlspec("verify", "--store", "--repair")
    assert (done.code, done.out) == (0, "Whole: 0 records, 0 heads, 0 objects.\n")
    assert fresh.tip == ""


def test_an_address_that_was_given_anew(fresh: World) -> None:
    """A gate is renamed, and another one gets its old name: two chains, each its own."""
    (fresh.root / "specs" / "answer.yaml").unlink()
    fresh.commit("Only data")
    fresh.apply()
    fresh.edit("specs/gate.yaml", "name: better-than-chance", "name: good")
    fresh.edit("mlspec.yaml", "teams:", "moved: [{from: gate/better-than-chance, to: gate/good}]\nteams:")
    fresh.commit("Rename")
    assert "gate/better-than-chance is gate/good now" in fresh.apply().out
    fresh.edit("mlspec.yaml", "moved: [{from: gate/better-than-chance, to: gate/good}]\n", "")
    fresh.write({"specs/again.yaml": GATE})
    fresh.commit("Again")
    fresh.apply()
    assert fresh.mlspec("verify").out.startswith("Whole: ")
    before = fresh.recorded()
    fresh.tamper({path: None for path in before if path.startswith("heads/gate/")}, onto=True)
    assert fresh.mlspec("verify", "--repair").code == 0
    assert fresh.recorded() == before
