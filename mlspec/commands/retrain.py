"""Training a recorded version once more, and comparing what comes out with what is recorded; nothing is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from mlspec.commands import surroundings
from mlspec.commands.kept_as import refuse_unasked
from mlspec.commands.of_model import cost_of
from mlspec.commands.original import Original
from mlspec.commands.restore import is_lost
from mlspec.commands.session import Reader
from mlspec.commands.tables import Table, load_table
from mlspec.core.ports import Cancel, Executor, Store
from mlspec.core.problem import MlspecError
from mlspec.core.record import Cost
from mlspec.core.reproduction import MOST, Artifact, Difference, Predicted, Reproduction, first, judged
from mlspec.core.verdict import Estimate
from mlspec.formats import canonical
from mlspec.io.files import hash_file
from mlspec.planner.fields import changes
from mlspec.steps import sameness
from mlspec.steps.frames import fields_of
from mlspec.steps.predict import Limits, PredictRequest, predict
from mlspec.steps.predictions import read_predictions
from mlspec.steps.score import evidence, score
from mlspec.steps.source import Source
from mlspec.steps.train import Trained, TrainRequest
from mlspec.steps.train import train as run_training
from mlspec.steps.uv import Means

_MACHINE = ("python", "platform")


@dataclass(frozen=True, slots=True)
class Lab:
    """Where a version is trained again: what reads its data, what runs its children, and the environment to pick from.

    `tolerance` is the absolute difference within which numbers are equal.
    """

    reader: Reader
    executor: Executor
    cancel: Cancel
    environ: Mapping[str, str]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Again:
    """What came out: the verdict, what it cost, what training warned of, and the files by their recorded digests."""

    found: Reproduction
    cost: Cost
    warnings: tuple[str, ...]
    files: Mapping[str, tuple[str, Path]] = field(default_factory=dict)
    """What may be put back: the name of each, and its file, by the digest that is recorded; only while it is lent."""


def again(lab: Lab, first_time: Original, stack: ExitStack) -> Again:
    """Train a version as it was trained, have it predict the test rows, and compare; its files last as long as `stack`.

    Of a version with repeats only the first, which is the model, is trained.

    Raises:
        StepFailed: training or predicting failed.
        MlspecError: the store does not hold the data, or a variable of `train.env` is not set.
    """
    source, run, store = first_time.source, first_time.run, lab.reader.workspace.store
    table = load_table(lab.reader, first_time.snapshot.fields, source.dataset)
    folder = stack.enter_context(lab.reader.folder())
    python = _python(lab, source)
    trained = _trained(lab, first_time, table, folder, python)
    artifact = _artifact(store, run.artifact, trained.artifact, folder)
    refuse_unasked(trained.kept, source.model.train.format)
    said = _asked(lab, first_time, table, trained, stack.enter_context(lab.reader.folder()), python)
    recorded = run.predictions.get(run.dataset)
    predictions = _predictions(lab, recorded, said, source.model.task, folder)
    measured = _measured(first_time, table, said)
    same, differ = sameness.metrics(run.metrics, measured, lab.tolerance)
    environment = _environment(store, first_time, trained)
    found = Reproduction(
        outcome=judged(artifact, predictions, same),
        tolerance=lab.tolerance,
        source=first_time.place,
        artifact=artifact,
        predictions=predictions,
        metrics=differ,
        metrics_same=same,
        environment=first(environment),
        environment_differ=len(environment),
    )
    files = {run.artifact: ("model", trained.artifact), **({recorded: ("predictions", said)} if recorded else {})}
    return Again(found, cost_of(trained.result), trained.warnings, files)


def _python(lab: Lab, source: Source) -> Path | None:
    """Return the Python of the environment that the lock kept with a version describes; None for mlspec's own."""
    means = Means(surroundings.folder_in(lab.reader.workspace.cache), lab.environ, lab.executor, lab.cancel)
    return surroundings.python_for(source.model, surroundings.lock_file(source.model, source.lock), means)


def _trained(lab: Lab, first_time: Original, table: Table, folder: Path, python: Path | None) -> Trained:
    (folder / "run").mkdir()
    request = TrainRequest(
        model=first_time.source.model,
        dataset=table.dataset,
        frame=table.trained,
        code=first_time.source.code,
        folder=folder / "run",
        environ=lab.environ,
        python=python,
    )
    return run_training(request, lab.executor, lab.cancel)


def _artifact(store: Store, recorded: str, now: Path, folder: Path) -> Artifact:
    """Compare the model that was trained now with the recorded one: by its bytes, else member by member."""
    made = hash_file(now).digest
    if made == recorded:
        return Artifact(digest=made, same="equal")
    before = folder / "recorded"
    try:
        store.fetch(recorded, before)
    except MlspecError as error:
        if not is_lost(error):
            raise
        return Artifact(digest=made, same="unknown")
    differ = canonical.differing(canonical.members(before), canonical.members(now))
    listed = tuple(name[:80] for name in differ[:MOST])
    return Artifact(digest=made, same="different" if differ else "close", members=listed, members_differ=len(differ))


def _asked(lab: Lab, first_time: Original, table: Table, trained: Trained, folder: Path, python: Path | None) -> Path:
    """Have the model that was trained now predict the test rows; return the file it left."""
    model, fields = first_time.source.model, fields_of(table.dataset.with_role("feature"))
    request = PredictRequest(
        task=model.task,
        fields=fields,
        features=table.tested[[one.name for one in fields]],
        artifact=trained.artifact,
        kept=trained.kept,
        folder=folder,
        environ=lab.environ,
        limits=Limits(model.train.seed, model.train.threads, model.train.timeout),
        python=python,
    )
    return predict(request, lab.executor, lab.cancel).path


def _predictions(lab: Lab, recorded: str | None, said: Path, task: str, folder: Path) -> Predicted:
    now = read_predictions(said)
    rows = len(now.predicted)
    if recorded is None:
        return Predicted(same="none", rows=rows)
    if hash_file(said).digest == recorded:
        return Predicted(same="equal", rows=rows)
    before = folder / "predictions.parquet"
    try:
        lab.reader.workspace.store.fetch(recorded, before)
    except MlspecError as error:
        if not is_lost(error):
            raise
        return Predicted(same="unknown", rows=rows)
    return sameness.predictions(read_predictions(before), now, task, lab.tolerance)


def _measured(first_time: Original, table: Table, said: Path) -> dict[str, Estimate]:
    """Measure again what is recorded of the version."""
    model = first_time.source.model.model_copy(update={"metrics": tuple(first_time.run.metrics)})
    return score(model, evidence(model, table.dataset, table.tested, read_predictions(said)))


def _environment(store: Store, first_time: Original, trained: Trained) -> dict[str, Difference]:
    """Return where Python, the platform and the packages are not those of the recorded training.

    What is not in the store any more is not compared.
    """
    try:
        manifest = json.loads(store.read(first_time.run.manifest))
        packages = json.loads(store.read(manifest["packages"]))
    except MlspecError as error:
        if not is_lost(error):
            raise
        return {}
    machine = changes({name: manifest[name] for name in _MACHINE}, {name: getattr(trained, name) for name in _MACHINE})
    differ = (*machine, *changes(packages, trained.packages))
    return {one.field: Difference(before=one.before, after=one.after) for one in differ}
