"""One evaluation on its way: a version, its data, and what it said; what judging makes beside is gathered here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlspec.commands.probing import Asking
from mlspec.commands.session import Session
from mlspec.commands.tables import Table
from mlspec.core.head import Head, Run
from mlspec.core.record import Object
from mlspec.planner.view import ModelView
from mlspec.specs.model import Model
from mlspec.stats.evidence import Evidence
from mlspec.steps.predictions import Predictions


@dataclass(frozen=True, eq=False)
class Trial:
    """A version being judged: its run, the data it was trained and is tested on, and what it said of the test rows."""

    session: Session
    view: ModelView
    head: Head
    model: Model
    """With the task and positive value that the run was trained for."""
    run: Run
    table: Table
    predictions: Predictions
    evidence: Evidence
    asking: Asking
    repeats: Mapping[int, Evidence] = field(default_factory=dict)
    """What the same training said with the seeds that follow, by seed."""
    predicted: dict[str, Object] = field(default_factory=dict)
    """What champions, by their runs, were asked of these test rows, and put into the store."""
