"""What a model was asked for its gates is kept with its run, and goes with it, or with the rows it was asked of."""

from __future__ import annotations

from typing import Any

import pytest

from mlspec.core.head import Head
from mlspec.core.record import Actor, Object, Origin, Record
from mlspec.lineage.write import chain
from mlspec.planner.garbage import Kept, Names, erasure, expiring, objects_kept

LATER = "2027-01-01T00:00:00Z"


def draft(verb: Any, address: str, outputs: dict[str, str], **facts: Any) -> Record:
    return Record(
        address=address,
        verb=verb,
        apply="20261123T060000Z-0a1b2c3d",
        n=0,
        generation=0,
        started="2026-11-23T06:00:00Z",
        finished="2026-11-23T06:00:30Z",
        actor=Actor(name="Ada", email="ada@example.org"),
        origin=Origin(commit="9f0c12ab" * 5, branch="main", dirty=False, deploys=True),
        outputs=tuple(Object(name=name, digest=digest, size=1) for name, digest in outputs.items()),
        mlspec="1.0.0",
        **facts,
    )


@pytest.fixture
def recorded() -> tuple[dict[str, Head], Names]:
    """A model that was asked again, and one that was asked nothing."""
    drafts = [draft("snapshot", "dataset/adult", {"content": "rows"}, fingerprint="data")]
    for run in ("a", "b"):
        made = {"model": f"model {run}", "manifest": f"manifest {run}"}
        drafts.append(draft("train", "model/income", made, fingerprint=run, inputs={"dataset": "data"}))
    said = {"predictions": "predictions a", "probe": "answer a"}
    facts = {"fingerprint": "a", "inputs": {"test": "data"}, "probes": {"noise": "answer a"}, "rows": 10}
    records, heads = chain({}, [*drafts, draft("evaluate", "model/income", said, **facts)])
    names = Names()
    for record in records:
        names.add(record)
    return {address: head for address, head in heads.items() if head is not None}, names


@pytest.mark.parametrize("run", ["a", "b"])
def test_answers_stay_as_long_as_their_run(recorded: tuple[dict[str, Head], Names], run: str) -> None:
    heads, names = recorded
    keeps = Kept(frozenset({run}), frozenset({"data"}))
    stays = objects_kept(heads, names, keeps, LATER)
    gone = {name for one in expiring(heads, names, keeps, stays) for name in one.objects}
    assert ("answer a" in stays) is (run == "a")
    assert gone == ({"model b"} if run == "a" else {"model a", "predictions a", "answer a"})


def test_answers_about_rows_go_with_them(recorded: tuple[dict[str, Head], Names]) -> None:
    heads, _ = recorded
    found = erasure(heads, {"rows"})
    assert [(one.address, one.objects) for one in found.gone] == [
        ("dataset/adult", ("rows",)),
        ("model/income", ("answer a", "predictions a")),
    ]
