"""Asking a model again for its gates: in a child process, once; what it said is an object of the store, by its key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlspec.commands import surroundings
from mlspec.commands.kept_as import kept_as
from mlspec.commands.of_model import cost_of
from mlspec.commands.session import Session
from mlspec.commands.tables import Table
from mlspec.core.head import Head, Run
from mlspec.core.ports import JobResult, Store, Stored
from mlspec.core.probe import Probe, probe_key
from mlspec.core.problem import MlspecError
from mlspec.core.record import Cost, Object
from mlspec.specs.model import Model
from mlspec.stats.asked import Changed, Perturbed, Rival, Timed
from mlspec.steps.frames import fields_of, typed
from mlspec.steps.perturb import changes, sampled
from mlspec.steps.predict import Limits, PredictRequest, predict
from mlspec.steps.score import SEED, evidence
from mlspec.steps.timing import TimeRequest, clocked, timed_of
from mlspec.steps.variants import Answered, read_variants

Make = Callable[[], tuple[Stored, JobResult]]


@dataclass(frozen=True, eq=False)
class Asking:
    """A run that may be asked again; what that leaves for its record: objects by key, and what it cost."""

    session: Session
    model: Model
    run: Run
    table: Table
    found: dict[str, Object] = field(default_factory=dict)
    costs: list[Cost] = field(default_factory=list)

    def perturbed(self, probe: Probe) -> Perturbed:
        """Return what the model says of a draw of test rows, as they are and with each change.

        Raises:
            MlspecError: it cannot be asked, or says nothing of the rows as they are.
        """
        tested = self.table.tested
        rows = tested.iloc[sampled(len(tested), probe.asks["rows"], SEED)].reset_index(drop=True)
        with self.session.folder() as folder:
            digest = self._answer(probe, None, lambda: self._predicted(probe, folder))
            self.session.workspace.store.fetch(digest, folder / "answer.parquet")
            base, answered = read_variants(folder / "answer.parquet", len(rows))

        def joined(one: Answered) -> Changed:
            try:
                said = None if one.said is None else evidence(self.model, self.table.dataset, rows, one.said)
            except MlspecError as error:  # such as classes that the target does not have
                return Changed(one.perturbation, one.column, None, error.problems[0].message)
            return Changed(one.perturbation, one.column, said, one.words)

        of_rows = evidence(self.model, self.table.dataset, rows, base)
        return Perturbed(of_rows, tuple(joined(one) for one in answered))

    def timed(self, probe: Probe, rival: Run | None) -> Timed:
        """Return the model by the clock, and the champion beside it where one is given.

        Raises:
            MlspecError: the model cannot be asked.
        """
        with self.session.folder() as folder:
            digest = self._answer(probe, rival.artifact if rival else None, lambda: self._clocked(probe, rival, folder))
        return timed_of(self.session.workspace.store.read(digest), probe.asks["repeats"])

    def size(self) -> int:
        """Return how many bytes the model takes as it is kept.

        Raises:
            MlspecError: the store does not hold it.
        """
        lent = self.session.workspace.store.lend(self.run.artifact)
        if lent is not None:
            return lent.stat().st_size
        with self.session.folder() as folder:
            return self._fetched(self.run, folder / "model.artifact").stat().st_size

    def _answer(self, probe: Probe, rival: str | None, make: Make) -> str:
        """Return the object that says what was answered: one that is kept, or else a new one."""
        key = probe_key(probe, self.run.dataset, rival)
        if key in self.found:
            return self.found[key].digest
        known = self.run.probes.get(key)
        if known is not None and self.session.workspace.store.has(known):
            return known
        stored, result = make()
        self.found[key] = Object(name="probe", digest=stored.digest, size=stored.size)
        self.costs.append(cost_of(result))
        return stored.digest

    def _predicted(self, probe: Probe, folder: Path) -> tuple[Stored, JobResult]:
        features = self.table.dataset.with_role("feature")
        fields = fields_of(features)
        tested, trained = (typed(frame, fields) for frame in (self.table.tested, self.table.trained))
        rows = tested.iloc[sampled(len(tested), probe.asks["rows"], SEED)].reset_index(drop=True)
        predicted = predict(
            PredictRequest(
                task=self.model.task,
                fields=fields,
                features=rows,
                artifact=self._fetched(self.run, folder / "model.artifact"),
                kept=kept_as(self.run, self.session.workspace.store),
                folder=folder,
                environ=self.session.environ,
                limits=self._limits,
                python=self._python,
                variants=changes(probe.asks, features, rows, trained, SEED),
            ),
            self.session.executor,
            self.session.cancel,
        )
        return self.session.workspace.store.put(predicted.path), predicted.result

    def _clocked(self, probe: Probe, rival: Run | None, folder: Path) -> tuple[Stored, JobResult]:
        store, features = self.session.workspace.store, self.table.dataset.with_role("feature")
        runs = [self.run] if rival is None else [self.run, rival]
        request = TimeRequest(
            task=self.model.task,
            fields=fields_of(features),
            features=self.table.tested[[column.name for column in features]],
            models=tuple(
                (self._fetched(run, folder / f"{n}.artifact"), kept_as(run, store)) for n, run in enumerate(runs)
            ),
            asks=probe.asks,
            folder=folder,
            environ=self.session.environ,
            limits=self._limits,
            python=self._python,
        )
        content, result = clocked(request, self.session.executor, self.session.cancel)
        return store.put_bytes(content), result

    def _fetched(self, run: Run, path: Path) -> Path:
        self.session.workspace.store.fetch(run.artifact, path)
        return path

    @property
    def _python(self) -> Path | None:
        return surroundings.to_ask(self.run, self.session.workspace.store, surroundings.means(self.session))

    @property
    def _limits(self) -> Limits:
        return Limits(self.model.train.seed, self.model.train.threads, self.model.train.timeout)


def champion_of(head: Head, champion: str) -> tuple[str, Run] | None:
    """Return the run of a champion, and what it is called; None where there is none."""
    run, version = head.runs.get(champion), head.version_of(champion)
    return (f"v{version.n}" if version else "the champion", run) if run else None


def rival_of(store: Store, run: Run, champion: tuple[str, Run] | None) -> Rival | None:
    """Return the champion of a run as a check sees it, with why it cannot be asked beside it where it cannot."""
    if champion is None:
        return None
    name, other = champion
    if other.expired is not None:
        return Rival(name, "its model is no longer kept")
    if not (store.has(other.artifact) and store.has(other.manifest)):
        return Rival(name, "the store does not hold its model")
    locks = [surroundings.trained_under(one, store) for one in (run, other)]
    return Rival(name, "" if locks[0] == locks[1] else "it was trained with another lock: no one environment has both")
