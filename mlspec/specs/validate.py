"""Checks that cross documents: owners, references, stages, renames, and that what is used together fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from mlspec.core.address import Address
from mlspec.core.document import Finding
from mlspec.core.globs import matcher
from mlspec.core.problem import suggest
from mlspec.specs.base import Spec, repeats
from mlspec.specs.dataset import Dataset
from mlspec.specs.fit import (
    Misfit,
    gate_misfits,
    model_misfits,
    reference_misfits,
    unjudged_metric,
    unknown_metric,
    waiver_misfits,
)
from mlspec.specs.gate import Gate
from mlspec.specs.messages import MAX_FINDINGS
from mlspec.specs.model import Model
from mlspec.specs.parse import PROJECT_FILE, Catalog, Specs
from mlspec.specs.project import Project
from mlspec.specs.store import FOLDER

_KINDS = ("dataset", "gate", "model")
_DANGLING = {f"spec/unknown-{kind}" for kind in _KINDS}


def validate(project: Project, specs: Specs, catalog: Catalog, *, complete: bool = True) -> list[Finding]:
    """Return everything that is wrong between the documents of a project; sound models are known to fit.

    A reference to a resource that is declared but invalid is not reported: its own document is. Where not every
    document could be read (`complete` is false), no reference is called dangling.
    """
    findings = [_finding(misfit, PROJECT_FILE, 0) for misfit in islice(_project(project, specs, catalog), MAX_FINDINGS)]
    files = sorted({PROJECT_FILE, *(document.file for document in specs.where.values())})
    for spec in (*specs.datasets.values(), *specs.gates.values(), *specs.models.judged.values()):
        document = specs.where[spec.address]
        misfits = islice(_spec(spec, project, specs, files), MAX_FINDINGS)
        findings += [_finding(misfit, document.file, document.index) for misfit in misfits]
    return [finding for finding in findings if complete or finding.code not in _DANGLING]


def _finding(misfit: Misfit, file: str, index: int) -> Finding:
    return Finding(file, index, misfit.path, misfit.code, misfit.message, misfit.help, misfit.on_key)


def _spec(spec: Spec, project: Project, specs: Specs, files: Sequence[str]) -> Iterator[Misfit]:
    if spec.owner not in project.teams:
        advice = _nearest(spec.owner, project.teams, "teams of mlspec.yaml")
        yield Misfit(("owner",), "spec/unknown-team", f"unknown team `{spec.owner}`", advice)
    if isinstance(spec, Dataset):
        yield from _source(spec, project, files)
        yield from _references(spec, specs)
    elif isinstance(spec, Gate):
        yield from _gate(spec)
    elif isinstance(spec, Model):
        yield from _model(spec, project, specs)


def _source(dataset: Dataset, project: Project, files: Sequence[str]) -> Iterator[Misfit]:
    source, means = dataset.source.path.casefold(), matcher(dataset.source.path)
    own = next((file for file in files if source == file.casefold()), None)  # some file systems ignore case
    among = next(filter(means, files), None)
    if own is not None:
        yield Misfit(("source",), "dataset/source", f"the source is the spec {own}; it must be a file of rows")
    elif among is not None:
        message = f"the spec {among} is among the files of the source; they must be files of rows"
        yield Misfit(("source",), "dataset/source", message, "keep the data in a folder of its own")
    store = project.store.path.casefold()
    if project.store.scheme == FOLDER and f"{source}/".startswith(f"{store}/"):
        message = f"the source lies in the store, {project.store.path} (`store` in {PROJECT_FILE})"
        yield Misfit(("source",), "dataset/source", message, "the store is mlspec's own; keep the source elsewhere")


def _references(dataset: Dataset, specs: Specs) -> Iterator[Misfit]:
    for n, reference in enumerate(dataset.checks.references):
        path = ("checks", "references", n)
        if Address("dataset", reference.dataset) not in specs.where:
            yield _dangling("dataset", reference.dataset, (*path, "dataset"), specs)
        other, column = specs.datasets.get(reference.dataset), dataset.column(reference.column)
        if other is not None and column is not None:
            yield from reference_misfits(column, other, reference.target, path)


def _gate(gate: Gate) -> Iterator[Misfit]:
    for n, check in enumerate(gate.checks):
        for name in check.metric_names():
            misfit = unknown_metric(name, ("checks", n, "metric"), check.criteria)
            if misfit is not None:
                yield misfit
        unjudged = unjudged_metric(check, ("checks", n, "metric"))
        if unjudged is not None:
            yield unjudged


def _model(model: Model, project: Project, specs: Specs) -> Iterator[Misfit]:
    for n, name in enumerate(model.metrics):
        misfit = unknown_metric(name, ("metrics", n))
        if misfit is not None:
            yield misfit
    for n in repeats(model.metrics):
        yield Misfit(("metrics", n), "metric/twice", f"`{model.metrics[n]}` is listed twice")
    yield from _params(model)
    yield from _stages(model, project)
    yield from _gate_references(model, specs)
    if Address("dataset", model.dataset) not in specs.where:
        yield _dangling("dataset", model.dataset, ("dataset",), specs)
    yield from _waivers(model, project, specs)
    dataset = specs.datasets.get(model.dataset)
    if dataset is not None:
        yield from model_misfits(model, dataset)
        yield from _used_gates(model, dataset, specs)


def _params(model: Model) -> Iterator[Misfit]:
    if model.train.estimator is not None and "random_state" in model.train.params:
        path = ("train", "params", "random_state")
        message = "`random_state` clashes with `train.seed`, which sets it"
        yield Misfit(path, "model/params", message, "give the number as `seed` of `train`", on_key=True)


def _stages(model: Model, project: Project) -> Iterator[Misfit]:
    for stage in model.stages:
        if stage not in project.stages:
            declare = f"mlspec.yaml lists no stages; add to it: stages: [{', '.join(model.stages)}]"
            advice = _nearest(stage, project.stages, "stages of mlspec.yaml") if project.stages else declare
            yield Misfit(("stages", stage), "model/unknown-stage", f"unknown stage `{stage}`", advice, on_key=True)


def _gate_references(model: Model, specs: Specs) -> Iterator[Misfit]:
    for stage, wanted in model.stages.items():
        for n, name in enumerate(wanted.gates):
            path = ("stages", stage, "gates", n)
            if Address("gate", name) not in specs.where:
                yield _dangling("gate", name, path, specs)
        for n in repeats(wanted.gates):
            message = f"gate/{wanted.gates[n]} is listed twice"
            yield Misfit(("stages", stage, "gates", n), "model/gate-twice", message)


def _waivers(model: Model, project: Project, specs: Specs) -> Iterator[Misfit]:
    used = sorted({name for stage in model.stages.values() for name in stage.gates})
    for n, waiver in enumerate(model.waivers):
        path = ("waivers", n)
        if waiver.owner not in project.teams:
            advice = _nearest(waiver.owner, project.teams, "teams of mlspec.yaml")
            yield Misfit((*path, "owner"), "spec/unknown-team", f"unknown team `{waiver.owner}`", advice)
        elif waiver.owner == model.owner:
            message = f"`{waiver.owner}` owns model/{model.name}, so it cannot waive its own checks"
            yield Misfit((*path, "owner"), "waiver/own-team", message, "name another team, which answers for this")
        if waiver.gate not in used:
            message = f"no stage of model/{model.name} has gate/{waiver.gate}: there is nothing to waive"
            yield Misfit((*path, "gate"), "waiver/nothing", message, _nearest(waiver.gate, used, "its gates"))
        elif waiver.gate in specs.gates:
            yield from waiver_misfits(waiver, specs.gates[waiver.gate], path)


def _used_gates(model: Model, dataset: Dataset, specs: Specs) -> Iterator[Misfit]:
    judged: set[str] = set()
    for stage, wanted in model.stages.items():
        for n, name in enumerate(wanted.gates):
            gate = specs.gates.get(name)
            if gate is not None and name not in judged:
                judged.add(name)
                yield from gate_misfits(gate, model, dataset, ("stages", stage, "gates", n))


def _project(project: Project, specs: Specs, catalog: Catalog) -> Iterator[Misfit]:
    if project.store.scheme not in catalog.stores:
        message = f"no store is installed for `{project.store.scheme}://`"
        yield Misfit(("store",), "project/unknown-store", message, f"stores: {', '.join(catalog.stores)}")
    for n in repeats(project.stages):
        yield Misfit(("stages", n), "project/stage-twice", f"stage `{project.stages[n]}` is listed twice")
    yield from _moves(project, specs)
    for n, text in enumerate(project.retire):
        address = Address.parse(text)
        yield from _kind(address, ("retire", n))
        if address in specs.where:
            message = f"{address} is to be retired, and its spec is still in {specs.where[address].file}"
            yield Misfit(("retire", n), "project/retire", message, "remove the spec or this line")


def _moves(project: Project, specs: Specs) -> Iterator[Misfit]:
    sources, targets = [move.from_ for move in project.moved], [move.to for move in project.moved]
    for ends, field in ((sources, "from"), (targets, "to")):
        for n in repeats(ends):
            yield Misfit(("moved", n, field), "project/moved", f"{ends[n]} is in two moves, both times as `{field}`")
    known = {*sources, *project.retire}
    for n, (source, target) in enumerate(zip(sources, targets, strict=True)):
        yield from _move(n, Address.parse(source), Address.parse(target), specs, leads_on=target in known)


def _move(n: int, start: Address, end: Address, specs: Specs, *, leads_on: bool) -> Iterator[Misfit]:
    unknown = [*_kind(start, ("moved", n, "from")), *_kind(end, ("moved", n, "to"))]
    yield from unknown
    if unknown:
        return
    if start.kind != end.kind or start == end:
        message = f"{start} cannot become {end}: a move gives the same kind another name"
        yield Misfit(("moved", n, "to"), "project/moved", message)
    elif start in specs.where:
        message = f"{start} is moved away, and its spec is still in {specs.where[start].file}"
        yield Misfit(("moved", n, "from"), "project/moved", message, "rename the spec or remove this line")
    elif end not in specs.where and not leads_on:
        yield _dangling(end.kind, end.name, ("moved", n, "to"), specs)


def _kind(address: Address, path: tuple[str | int, ...]) -> Iterator[Misfit]:
    if address.kind not in _KINDS:
        message = f"unknown kind `{address.kind}` in {address}"
        yield Misfit(path, "project/unknown-kind", message, _nearest(address.kind, _KINDS, "kinds"))


def _dangling(kind: str, name: str, path: tuple[str | int, ...], specs: Specs) -> Misfit:
    known = [address.name for address in specs.where if address.kind == kind]
    advice = _nearest(name, known, f"declared {kind}s")
    return Misfit(path, f"spec/unknown-{kind}", f"unknown {kind} `{name}`: no spec declares {kind}/{name}", advice)


def _nearest(word: str, known: Iterable[str], what: str) -> str:
    return _near(word, tuple(sorted(known)), what)


@lru_cache(maxsize=64)  # a renamed dataset is missed by each of its models, with the same words
def _near(word: str, names: tuple[str, ...], what: str) -> str:
    listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "") or "none"
    return suggest(word, names) or f"{what}: {listed}"
