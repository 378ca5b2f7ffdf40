"""Folding: what each record makes of a head, and that a log rebuilds all heads byte for byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlspec.core import digest
from mlspec.core.fold import fold, reference
from mlspec.core.head import Head, contract_key, newest, verdict_key
from mlspec.core.problem import StaleError
from mlspec.core.record import (
    Actor,
    Cost,
    Expiry,
    Failure,
    Object,
    Origin,
    Override,
    Record,
    sealed,
    to_bytes,
    to_json,
)
from mlspec.core.verdict import CheckVerdict, Estimate, GateVerdict, Outcome, Violation
from mlspec.lineage.write import chain

MODEL, DATASET = "model/income", "dataset/adult"


def draft(verb: str, address: str = MODEL, **facts: Any) -> Record:
    """Return a record that is not chained yet, of the minute that `at` says."""
    at, deploys = facts.pop("at", 0), facts.pop("deploys", True)
    known: dict[str, Any] = {
        "address": address,
        "verb": verb,
        "apply": "20261123T060000Z-0a1b2c3d",
        "n": 1,
        "generation": 0,
        "started": "2026-11-23T06:00:00Z",
        "finished": f"2026-11-23T06:{at:02}:30Z",
        "actor": Actor(name="Example", email="example@example.org"),
        "origin": Origin(commit="9f0c12ab" * 5, branch="main", dirty=False, deploys=deploys),
        "mlspec": "1.0.0",
    }
    return Record(**{**known, **facts})


def trained(run: str, **facts: Any) -> Record:
    outputs = tuple(Object(name=name, digest=f"{name} of {run}", size=1) for name in ("model", "manifest"))
    return draft("train", fingerprint=run, inputs={"dataset": "rows"}, outputs=outputs, **facts)


def registered(run: str) -> Record:
    return draft("register", fingerprint=run)


def judged(run: str, outcome: Outcome, **facts: Any) -> Record:
    checks = tuple(
        CheckVerdict(check="metric", outcome=one, reason=f"it is {one.value}") for one in (Outcome.PASS, outcome)
    )
    verdict = GateVerdict(gate="gate/quality", digest="bar", outcome=outcome, checks=checks)
    outputs = (Object(name="predictions", digest=f"predictions of {run}", size=1),)
    metrics = {"roc_auc": Estimate(value=0.9, n=10, method="by decree")}
    return draft(
        "evaluate",
        fingerprint=run,
        inputs={"test": "rows"},
        outputs=outputs,
        metrics=metrics,
        verdicts=(verdict,),
        **facts,
    )


def entered(verb: str, run: str, replaces: int | None, **facts: Any) -> Record:
    return draft(verb, fingerprint=run, stage="staging", replaces=replaces, **facts)


def hold(at: int) -> Override:
    return Override(until=f"2026-11-23T06:{at:02}:30Z", reason="It went wrong", declared="latest")


def folded(*drafts: Record) -> dict[str, Head]:
    """Chain drafts as an apply would, and return the heads."""
    _, changed = chain({}, drafts)
    return {address: head for address, head in changed.items() if head is not None}


def test_a_snapshot_and_its_check() -> None:
    content = Object(name="content", digest="bytes", size=45)
    snapshot = draft("snapshot", DATASET, fingerprint="v", fields={"content": "bytes"}, outputs=(content,))
    check = draft("check", DATASET, fingerprint="v", fields={"checks.min_rows": 10}, rows=20, at=1)
    head = folded(snapshot, check)[DATASET]
    assert (head.snapshots["v"].content, head.snapshots["v"].size, head.snapshots["v"].ref) == (
        "bytes",
        45,
        "main@9f0c12ab",
    )
    contract = head.contracts[contract_key("v", digest.of({"checks.min_rows": 10}))]
    assert (contract.outcome, contract.rows, contract.at) == ("passed", 20, "2026-11-23T06:01:30Z")
    assert head.current == "v"


@pytest.mark.parametrize(("status", "deploys"), [("rejected", True), ("done", False)])
def test_a_version_that_is_rejected_or_seen_on_a_branch_is_not_current(status: str, deploys: bool) -> None:
    broken = tuple(Violation(rule="range", count=n, message=f"rule {n}") for n in range(5))
    violations = broken if status == "rejected" else ()
    check = draft("check", DATASET, fingerprint="v", status=status, deploys=deploys, violations=violations)
    head = folded(check)[DATASET]
    assert head.current is None
    [contract] = head.contracts.values()
    assert contract.summary == ("rule 0; rule 1; rule 2" if violations else "")


def test_a_run_gets_its_number_by_a_record_of_its_own() -> None:
    head = folded(trained("a"), trained("b"), registered("b"), registered("a"))[MODEL]
    assert {version.n: version.fingerprint for version in head.versions} == {1: "b", 2: "a"}
    assert head.runs["a"].artifact == "model of a"
    version = head.version(2)
    assert version is not None
    assert head.version_of("a") == version
    assert (head.version(3), head.version_of("c")) == (None, None)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_a_verdict_keeps_its_outcome_and_what_decided_it(outcome: Outcome) -> None:
    head = folded(trained("a"), judged("a", outcome))[MODEL]
    fact = head.verdicts[verdict_key("a", "bar", "rows")]
    reason = "it is pass; it is pass" if outcome is Outcome.PASS else f"it is {outcome.value}"
    assert (fact.outcome, fact.reason) == (outcome, reason)
    assert head.runs["a"].predictions == {"rows": "predictions of a"}
    assert head.runs["a"].metrics["roc_auc"].value == 0.9


def test_answers_of_a_model_are_kept_by_what_was_asked_until_they_expire() -> None:
    first = judged("a", Outcome.PASS, probes={"noise": "answer 1", "time": "answer 2"})
    higher = GateVerdict(gate="gate/quality", digest="higher bar", outcome=Outcome.PASS, checks=())
    again = judged("a", Outcome.PASS, probes={"time": "answer 3"}).model_copy(update={"verdicts": (higher,)})
    head = folded(trained("a"), first, again)[MODEL]
    assert head.runs["a"].probes == {"noise": "answer 1", "time": "answer 3"}
    assert {"answer 1", "answer 3", "model of a"} <= set(head.runs["a"].objects)
    gone = draft("expire", expiry=Expiry(objects=("answer 1",), reason="Age"))
    assert folded(trained("a"), first, again, gone)[MODEL].runs["a"].probes == {"time": "answer 3"}
    assert "probes" not in to_json(folded(trained("a"), judged("a", Outcome.PASS))[MODEL].runs["a"])


def test_stages_remember_what_held_them() -> None:
    runs = [trained("a"), registered("a"), trained("b"), registered("b")]
    moves = [entered("promote", "a", None), entered("promote", "b", 1), entered("rollback", "a", 2, at=5)]
    state = folded(*runs, *moves)[MODEL].stages["staging"]
    assert (state.version, state.held, state.by, state.since) == (1, (1, 2), "Example", "2026-11-23T06:05:30Z")


def test_an_override_holds_its_stage_until_a_record_says_that_it_is_over() -> None:
    runs = [trained("a"), registered("a"), trained("b"), registered("b")]
    moves = [entered("promote", "a", None), entered("promote", "b", 1)]
    held = [*runs, *moves, entered("rollback", "a", 2, override=hold(40))]
    state = folded(*held)[MODEL].stages["staging"]
    assert (state.version, state.override) == (1, hold(40))
    judged_again = folded(*held, draft("update", conforming={"staging": False}))[MODEL].stages["staging"]
    assert judged_again.override == hold(40), "other facts leave it"
    elsewhere = draft("update", released={"staging": hold(41).until, "production": hold(40).until})
    assert folded(*held, elsewhere)[MODEL].stages["staging"] == state, "another override than the one that is over"
    over = folded(*held, draft("update", released={"staging": hold(40).until}))[MODEL].stages["staging"]
    assert over == state.model_copy(update={"override": None})


@pytest.mark.parametrize("verb", ["promote", "rollback", "demote"])
def test_nothing_moves_a_held_stage_without_knowing_of_the_override(verb: str) -> None:
    runs = [trained("a"), registered("a"), trained("b"), registered("b"), entered("promote", "a", None)]
    held = [*runs, entered("rollback", "a", 1, override=hold(40))]
    assert folded(*held)[MODEL].stages["staging"].override == hold(40), "the version it holds already may be held"
    with pytest.raises(StaleError, match="held by override until 2026-11-23 06:40 UTC meanwhile"):
        folded(*held, entered(verb, "b", 1, released={"staging": hold(39).until}))
    knowing = folded(*held, entered(verb, "b", 1, released={"staging": hold(40).until}))[MODEL].stages["staging"]
    assert (knowing.version, knowing.override) == (None if verb == "demote" else 2, None)
    known = entered("rollback", "b", 1, override=hold(41), released={"staging": hold(40).until})
    again = folded(*held, known)[MODEL].stages["staging"]
    assert (again.version, again.override) == (2, hold(41)), "another override takes its place"


@pytest.mark.parametrize("leaving", ["demote", "retire"])
def test_a_stage_that_is_left_is_held_no_more(leaving: str) -> None:
    held = [trained("a"), registered("a"), entered("rollback", "a", None, override=hold(40))]
    away = draft("retire") if leaving == "retire" else entered("demote", "a", 1, released={"staging": hold(40).until})
    assert folded(*held, away)[MODEL].stages["staging"].override is None


def test_what_has_no_override_is_written_as_it_ever_was() -> None:
    head = folded(trained("a"), registered("a"), entered("promote", "a", None))[MODEL]
    assert b"override" not in to_bytes(head)
    for name in (b"override", b"released"):
        assert name not in to_bytes(sealed(entered("promote", "a", None)))


@pytest.mark.parametrize("leaving", ["demote", "retire"])
def test_a_version_that_left_its_stage_has_held_it(leaving: str) -> None:
    away = entered("demote", "a", 1, at=3) if leaving == "demote" else draft("retire", at=3)
    head = folded(trained("a"), registered("a"), entered("promote", "a", None), away)[MODEL]
    state = head.stages["staging"]
    assert (state.version, state.held, state.since) == (None, (1,), "2026-11-23T06:03:30Z")
    assert head.retired == (leaving == "retire")
    assert folded(trained("a"), registered("a"), entered("promote", "a", None), away, away)[MODEL] == head


def test_conformity_changes_by_a_verdict_or_an_update_only_where_said() -> None:
    before = [trained("a"), registered("a"), entered("promote", "a", None, conforming={"staging": True})]
    failed = judged("a", Outcome.FAIL, conforming={"staging": False, "production": False})
    after = folded(*before, failed)[MODEL].stages
    assert {stage: state.conforming for stage, state in after.items()} == {"staging": False}
    again = folded(*before, failed, draft("update", fields={"owner": "risk"}, conforming={"staging": True}))[MODEL]
    assert again.stages["staging"].conforming
    assert again.facts == {"owner": "risk"}


def test_a_failure_is_kept_by_its_effect_until_it_is_done() -> None:
    failure = Failure(code="train/raised", message="ValueError")
    failed = draft("train", status="failed", effect="e", failure=failure, fingerprint="a")
    head = folded(failed)[MODEL]
    assert (head.failed["e"].failure, head.runs) == (failure, {})
    assert folded(failed, trained("b", effect="other"))[MODEL].failed.keys() == {"e"}
    assert folded(failed, trained("a", effect="e"))[MODEL].failed == {}


def test_a_move_takes_everything_along() -> None:
    heads = folded(trained("a"), registered("a"))
    moved = sealed(draft("move", "model/earnings", moved_from=MODEL))
    changed = fold(heads, moved)
    after = changed["model/earnings"]
    assert changed.keys() == {MODEL, "model/earnings"}
    assert changed[MODEL] is None
    assert after is not None
    kept = after.model_copy(update={"address": MODEL, "generation": 2, "record": heads[MODEL].record})
    assert kept == heads[MODEL]


def test_a_retired_resource_comes_back_with_an_update() -> None:
    head = folded(trained("a"), draft("retire"), draft("update", fields={"owner": "risk", "protect": True}))[MODEL]
    assert (head.retired, head.protect, head.runs.keys()) == (False, True, {"a"})


def test_the_last_time_of_each_verb_is_kept_for_estimates() -> None:
    costs = [Cost(wall_s=wall, cpu_s=1.0, peak_memory_bytes=1) for wall in (40.0, 41.5)]
    head = folded(trained("a", cost=costs[0]), trained("b", cost=costs[1]), judged("b", Outcome.PASS))[MODEL]
    assert head.seconds == {"train": 41.5}


@pytest.mark.parametrize(
    ("branch", "dirty", "written"),
    [("main", False, "main@9f0c12ab"), (None, False, "detached@9f0c12ab"), ("fix/x", True, "fix/x@9f0c12ab+dirty")],
)
def test_where_a_record_came_from(branch: str | None, dirty: bool, written: str) -> None:
    origin = Origin(commit="9f0c12ab" * 5, branch=branch, dirty=dirty, deploys=False)
    assert reference(draft("train", origin=origin)) == written


@pytest.mark.parametrize("last", ["a", "m", "z"])
def test_the_newest_is_by_time_and_survives_being_written(last: str) -> None:
    head = folded(*(trained(run, at=9 if run == last else 1) for run in ("z", "a", "m")))[MODEL]
    again = Head.model_validate_json(to_bytes(head))
    assert list(again.runs) == ["a", "m", "z"]
    assert newest(again.runs) == newest(head.runs) == head.runs[last]
    assert newest({}) is None


runs = st.sampled_from(["a", "b", "c"])


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """Drafts of three resources in the order of some applies; a model may change its name."""
    drafts: list[Record] = []
    for n in range(draw(st.integers(0, 12))):
        run, at = draw(runs), draw(st.integers(0, 59))
        kind = draw(
            st.sampled_from(
                ["train", "evaluate", "promote", "hold", "release", "update", "failed", "snapshot", "gate", "retire"]
            )
        )
        drafts += {
            "train": [trained(run, at=at), registered(run)],
            "evaluate": [trained(run), judged(run, draw(st.sampled_from(list(Outcome))), at=at)],
            "promote": [trained(run), registered(run), *_promoted(drafts, run, at)],
            "hold": [trained(run), registered(run), *_promoted(drafts, run, at, "rollback", override=hold(at))],
            "release": [draft("update", released=_overrides(drafts))],
            "update": [draft("update", fields={"owner": draw(st.sampled_from(["risk", "data"]))})],
            "failed": [draft("train", status="failed", effect=run, failure=Failure(code="x", message=f"{n}"))],
            "snapshot": [
                draft("snapshot", DATASET, fingerprint=run, outputs=(Object(name="content", digest=run, size=n),))
            ],
            "gate": [draft("update", "gate/quality", fields={"checks.0.min": at / 60})],
            "retire": [draft("retire")],
        }[kind]
    return [one.model_copy(update={"n": n}) for n, one in enumerate(drafts)]


def _promoted(before: list[Record], run: str, at: int, verb: str = "promote", **facts: Any) -> list[Record]:
    head = folded(*before, trained(run), registered(run))[MODEL]
    state = head.stages.get("staging")
    return [entered(verb, run, state.version if state else None, at=at, released=_overrides(before), **facts)]


def _overrides(before: list[Record]) -> dict[str, str]:
    head = folded(*before).get(MODEL, Head(address=MODEL))
    return {stage: state.override.until for stage, state in head.stages.items() if state.override}


def rebuilt(records: list[Record]) -> dict[str, bytes]:
    """Fold written records one by one, as verify does, from nothing."""
    heads: dict[str, Head] = {}
    for record in records:
        for address, head in fold(heads, Record.model_validate_json(to_bytes(record))).items():
            heads.pop(address, None)
            if head is not None:
                heads[address] = head
    return {address: to_bytes(head) for address, head in heads.items()}


@settings(deadline=None)
@given(logs(), st.randoms())
def test_a_log_rebuilds_its_heads_in_any_order_that_keeps_each_chain(drafts: list[Record], random: Any) -> None:
    records, changed = chain({}, drafts)
    rename = sealed(draft("move", "model/earnings", moved_from=MODEL, generation=len(records) + 1))
    heads = {address: head for address, head in changed.items() if head is not None}
    if MODEL in heads:
        records.append(rename)
        heads |= {address: head for address, head in fold(heads, rename).items() if head is not None}
        del heads[MODEL]
    expected = {address: to_bytes(head) for address, head in heads.items()}
    assert rebuilt(records) == expected
    assert rebuilt(interleaved(records, random)) == expected


def interleaved(records: list[Record], random: Any) -> list[Record]:
    """Shuffle records, keeping the order within each chain."""
    chains: dict[str, list[Record]] = {}
    for record in records:
        chains.setdefault(record.moved_from or record.address, []).append(record)
    order = [address for address, chain in chains.items() for _ in chain]
    random.shuffle(order)
    waiting = {address: iter(chain) for address, chain in chains.items()}
    return [next(waiting[address]) for address in order]


def test_an_evaluation_that_another_apply_made_is_left_out() -> None:
    records, _ = chain({}, [trained("a"), registered("a"), judged("a", Outcome.PASS), judged("a", Outcome.PASS, at=1)])
    assert [record.verb for record in records] == ["train", "register", "evaluate"]


def test_an_evaluation_that_found_something_else_is_recorded() -> None:
    again = judged("a", Outcome.PASS, at=1)
    other = again.model_copy(update={"metrics": {"roc_auc": Estimate(value=0.8, n=10, method="by decree")}})
    records, _ = chain({}, [trained("a"), judged("a", Outcome.PASS), other])
    assert [record.verb for record in records] == ["train", "evaluate", "evaluate"]


def test_an_override_that_nobody_knew_of_is_not_displaced() -> None:
    before = [trained("a"), registered("a"), trained("b"), registered("b"), entered("promote", "a", None)]
    held = [*before, entered("rollback", "a", 1, override=hold(40))]
    with pytest.raises(StaleError, match="held by override until 2026-11-23 06:40 UTC meanwhile"):
        folded(*held, entered("rollback", "a", 1, override=hold(50)))


def test_a_negative_verdict_of_an_older_release_does_not_tell_what_failed() -> None:
    head = folded(trained("a"), judged("a", Outcome.PASS))[MODEL]
    assert all(fact.tells for fact in head.verdicts.values())
    head = folded(trained("a"), judged("a", Outcome.FAIL))[MODEL]
    assert not any(fact.tells for fact in head.verdicts.values())
