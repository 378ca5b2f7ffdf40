"""Explaining one resource: its fingerprints field by field, and each step that is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlspec.core.digest import short
from mlspec.core.explanation import About, Row, Section, Step
from mlspec.core.head import contract_key, newest
from mlspec.core.moment import moment
from mlspec.core.plan import Action
from mlspec.planner import fingerprint, models
from mlspec.planner.datasets import DatasetView
from mlspec.planner.diff import Outlook
from mlspec.planner.fields import DERIVED
from mlspec.planner.view import ModelView
from mlspec.planner.world import World


def sections(seen: Outlook, address: str) -> tuple[Section, ...]:
    """Return what is recorded of a declared resource beside what is asked for; the places are left out."""
    kind, _, name = address.partition("/")
    if kind == "dataset":
        return tuple(_of_dataset(seen.world, seen.datasets[name], name))
    if kind == "model":
        return tuple(_of_model(seen.world, model_view(seen, name)))
    spec = seen.world.specs.gates[name]
    return (_facts(seen.world, address, seen.world.facts(spec)),)


def quiet(seen: Outlook, address: str, actions: Sequence[Action]) -> tuple[Step, ...]:
    """Return what there is no need to do about a resource, given its actions, and why."""
    kind, _, name = address.partition("/")
    if kind == "dataset" and name in seen.datasets:
        return tuple(_missing(actions, _quiet_dataset(seen.world, seen.datasets[name])))
    if kind == "model" and name in seen.world.specs.models:
        return tuple(_missing(actions, _quiet_model(model_view(seen, name))))
    if kind == "gate" and name in seen.world.specs.gates:
        return tuple(_missing(actions, [_NO_UPDATE]))
    return ()


def users(world: World, address: str) -> tuple[str, ...]:
    """Return the declared models that use a dataset or a gate, sorted."""
    kind, _, name = address.partition("/")
    found = [
        f"model/{model}"
        for model, outline in world.specs.outlines.items()
        if (kind == "dataset" and outline.dataset == name) or (kind == "gate" and name in outline.gates)
    ]
    return tuple(sorted(found))


def model_view(seen: Outlook, name: str) -> ModelView:
    """Return the view of a model, made anew where nothing has to be done about it."""
    if name in seen.models:
        return seen.models[name]
    return models.view(seen.world, seen.world.specs.models[name], seen.datasets, seen.world.bars())


def _of_dataset(world: World, view: DatasetView, name: str) -> Iterator[Section]:
    head = world.head(view.address)
    if view.version is not None:
        base = (
            head.snapshots.get(view.version.digest) or head.snapshots.get(head.current or "") or newest(head.snapshots)
        )
        basis = f"what was recorded {moment(base.at)} from {base.ref}" if base else None
        yield _section("version", base.fields if base else {}, view.version.fields, basis, view.version.digest)
    if view.version is not None and view.contract is not None:
        key = contract_key(view.version.digest, view.contract.digest)
        judged = head.contracts.get(key) or newest(head.contracts)
        basis = f"what version {short(judged.fingerprint, 8)} {judged.outcome} {moment(judged.at)}" if judged else None
        yield _section("contract", judged.fields if judged else {}, view.contract.fields, basis)
    yield _facts(world, view.address, fingerprint.facts(world.specs.datasets[name]).fields)


def _of_model(world: World, view: ModelView) -> Iterator[Section]:
    if view.wanted is not None:
        run = view.head.runs.get(view.wanted.digest) or models.base_run(view)
        basis = None
        if run is not None:
            number = next((f"v{one.n}, " for one in view.head.versions if view.head.runs[one.fingerprint] is run), "")
            basis = f"{number}trained {moment(run.at)} from {run.ref}"
        yield _section("run", run.fields if run else {}, view.wanted.fields, basis, view.wanted.digest)
    rows = tuple(_stage_row(view, stage) for stage in dict.fromkeys((*view.stages, *view.head.stages)))
    yield Section(about="stages", rows=tuple(row for row in rows if row is not None))
    yield _facts(world, view.address, fingerprint.facts(view.model).fields)


def _stage_row(view: ModelView, stage: str) -> Row | None:
    state = view.head.stages.get(stage)
    recorded = f"v{state.version}" if state and state.version else None
    field = f"stages.{stage}.version"
    if stage not in view.stages:
        return Row(field=field, recorded=recorded, same=False) if recorded else None
    asked = view.model.stages[stage].version
    written = f"v{view.expected_version} (latest)" if asked == "latest" else f"v{asked}"
    target = view.target(stage)
    return Row(
        field=field, recorded=recorded, asked=written, same=target is not None and target == view.occupant(stage)
    )


def _facts(world: World, address: str, fields: Mapping[str, Any]) -> Section:
    head = world.head(address)
    return _section("facts", head.facts, fields, "recorded" if head.facts else None)


def _section(
    about: About, recorded: Mapping[str, Any], asked: Mapping[str, Any], basis: str | None, wanted: str | None = None
) -> Section:
    names = sorted({*recorded, *asked} - {DERIVED})
    rows = tuple(_row(name, recorded.get(name), asked.get(name)) for name in names)
    return Section(about=about, wanted=wanted, basis=basis, rows=rows)


def _row(name: str, recorded: Any, asked: Any) -> Row:
    same = recorded == asked and type(recorded) is type(asked)
    return Row(field=name, recorded=recorded, asked=asked, same=same)


_Quiet = tuple[str, str | None, str]
"""A verb, the stage it is for, and why there is no need of it."""
_NO_UPDATE: _Quiet = ("update", None, "what is recorded is what is declared")


def _missing(actions: Sequence[Action], quiet: Iterable[_Quiet]) -> Iterator[Step]:
    there = {(action.verb, action.stage) for action in actions}
    stages = {action.stage for action in actions}
    for verb, stage, why in quiet:
        if (verb, stage) not in there and (stage is None or stage not in stages):
            yield Step(action=f"{verb} to {stage}" if stage else verb, state="not needed", why=why)


def _quiet_dataset(world: World, view: DatasetView) -> Iterator[_Quiet]:
    head = world.head(view.address)
    known = head.snapshots.get(view.version.digest) if view.version else None
    if view.version is not None and known is not None and known.expired is None:
        yield "snapshot", None, f"version {short(view.version.digest, 8)} is recorded since {moment(known.at)}"
    judged = None
    if view.version is not None and view.contract is not None:
        judged = head.contracts.get(contract_key(view.version.digest, view.contract.digest))
    if judged is not None:
        yield "check", None, f"these rows ({judged.rows:,}) {judged.outcome} this contract {moment(judged.at)}"
    yield _NO_UPDATE


def _quiet_model(view: ModelView) -> Iterator[_Quiet]:
    run = view.head.runs.get(view.fingerprint or "")
    if run is not None and run.expired is None and view.fingerprint is not None:
        yield (
            "train",
            None,
            f"run {short(view.fingerprint, 8)} has this fingerprint, trained {moment(run.at)} from {run.ref}",
        )
        gates = view.judged_by(view.fingerprint)
        found = [(one, view.standing(view.fingerprint, one)) for one in gates]
        judged = [f"{view.shown(one)} {known.outcome.value}" for one, known in found if known]
        asks = bool(gates or view.model.metrics)
        done = "all metrics and gates of the spec are recorded" + (f": {', '.join(judged)}" if judged else "")
        yield "evaluate", None, done if asks else "the spec names no metric and no gate"
    for stage in view.stages:
        state = view.head.stages.get(stage)
        if state is not None and view.target(stage) == view.occupant(stage):
            asked = view.model.stages[stage].version
            yield "promote", stage, f"it holds v{state.version}, which the spec asks for (version: {asked})"
    yield _NO_UPDATE
