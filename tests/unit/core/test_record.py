"""Records: where they lie, the one form of their bytes, their own digest, and how large one may be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mlspec.core import digest
from mlspec.core.head import Head
from mlspec.core.problem import MlspecError
from mlspec.core.record import MAX_BYTES, Actor, Cost, Object, Origin, Record, digest_of, sealed, to_bytes, to_json
from mlspec.core.verdict import Estimate
from mlspec.lineage.write import chain


def record(**facts: Any) -> Record:
    known: dict[str, Any] = {
        "address": "model/income",
        "verb": "train",
        "apply": "20261123T060000Z-0a1b2c3d",
        "n": 3,
        "generation": 1,
        "started": "2026-11-23T06:00:00Z",
        "finished": "2026-11-23T06:00:41Z",
        "actor": Actor(name="Example", email="example@example.org"),
        "origin": Origin(commit="9f0c" * 10, branch="main", dirty=False, deploys=True),
        "mlspec": "1.0.0",
    }
    return Record(**{**known, **facts})


@pytest.mark.parametrize(
    ("facts", "path"),
    [
        ({}, "log/2026/11/20261123T060000Z-0a1b2c3d/0003-train-model.income.json"),
        ({"n": 12345}, "log/2026/11/20261123T060000Z-0a1b2c3d/12345-train-model.income.json"),
        (
            {"address": "dataset/adult-1", "verb": "check", "started": "2027-01-01T00:00:00Z"},
            "log/2027/01/20261123T060000Z-0a1b2c3d/0003-check-dataset.adult-1.json",
        ),
    ],
)
def test_where_a_record_lies(facts: dict[str, Any], path: str) -> None:
    assert record(**facts).path == path


def test_the_bytes_of_a_record() -> None:
    written = to_bytes(sealed(record(fingerprint="sha256:é", outputs=(Object(name="model", digest="d", size=2),))))
    plain = json.loads(written)
    assert list(plain) == sorted(plain)
    assert "é".encode() in written
    assert written.endswith(b"\n}\n")
    assert plain["format"] == "mlspec.record/1"
    assert plain["outputs"] == [{"digest": "d", "name": "model", "size": 2}]


def test_what_is_empty_is_not_written() -> None:
    """So that a record of today has the same bytes, and digest, when records can say more."""
    named = {"address", "verb", "apply", "n", "generation", "started", "finished", "actor", "origin", "mlspec"}
    assert to_json(record()).keys() == {"format", *named}


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
records = st.builds(
    record,
    verb=st.sampled_from(["train", "evaluate", "promote", "retire"]),
    status=st.sampled_from(["done", "failed", "rejected"]),
    fingerprint=st.none() | texts,
    fields=st.dictionaries(texts, st.none() | st.booleans() | st.integers() | numbers | texts, max_size=4),
    inputs=st.dictionaries(texts, texts, max_size=2),
    version=st.none() | st.integers(1, 9),
    metrics=st.dictionaries(
        texts, st.builds(Estimate, value=st.none() | numbers, n=st.integers(0), method=texts), max_size=2
    ),
    cost=st.none() | st.builds(Cost, wall_s=numbers, cpu_s=numbers, peak_memory_bytes=st.integers(0)),
)


@given(records)
def test_a_sealed_record_reads_back_byte_for_byte_and_holds_its_digest(made: Record) -> None:
    written = to_bytes(sealed(made))
    again = Record.model_validate_json(written)
    assert to_bytes(again) == written
    assert digest_of(again) == again.digest
    assert sealed(again) == again


@given(records, st.sampled_from(["actor", "fields", "finished", "previous", "generation", "version"]))
def test_any_change_breaks_the_digest(made: Record, field: str) -> None:
    kept = sealed(made)
    changes: dict[str, Any] = {
        "actor": Actor(name="Another", email="another@example.org"),
        "fields": {**kept.fields, "one more": 1},
        "finished": "2026-11-23T06:00:42Z",
        "previous": digest.of("another"),
        "generation": kept.generation + 1,
        "version": (kept.version or 0) + 1,
    }
    assert digest_of(kept.model_copy(update={field: changes[field]})) != kept.digest


@pytest.mark.parametrize(("name", "found"), [("model", 1), ("log", 2), ("profile", None)])
def test_outputs_go_by_name(name: str, found: int | None) -> None:
    made = record(outputs=(Object(name="model", digest="m", size=1), Object(name="log", digest="l", size=2)))
    output = made.output(name)
    assert (output.size if output else None) == found


def test_a_field_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError, match="surprise"):
        record(surprise=1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_json_has_no_form_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        sealed(record(fields={"learning_rate": value}))


def test_a_record_may_fill_its_cap_and_not_a_byte_more() -> None:
    def filled(size: int) -> Record:
        return record(inputs={"dataset": "d"}, fields={"text": "x" * size})

    room = MAX_BYTES - len(to_bytes(sealed(filled(0))))
    [kept], _ = chain({}, [filled(room)])
    assert len(to_bytes(kept)) == MAX_BYTES == 16 * 1024
    with pytest.raises(MlspecError, match=r"the record of train model/income is 16385 bytes; the limit is 16384"):
        chain({}, [filled(room + 1)])


def test_a_chain_names_the_record_before() -> None:
    drafts = [record(n=n, verb="update", fields={"owner": owner}) for n, owner in enumerate(("risk", "data"))]
    chained, changed = chain({}, drafts)
    assert [one.generation for one in chained] == [1, 2]
    assert [one.previous for one in chained] == [None, chained[0].digest]
    head = changed["model/income"]
    assert isinstance(head, Head)
    assert (head.record, head.generation) == (chained[1].digest, 2)
