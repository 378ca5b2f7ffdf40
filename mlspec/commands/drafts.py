"""Drafts: records as apply hands them to the lineage, which fills in the chain."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlspec.commands.leases import TTL_S
from mlspec.commands.workspace import Workspace
from mlspec.core.address import Address
from mlspec.core.intent import Intent
from mlspec.core.plan import Action
from mlspec.core.ports import Clock
from mlspec.core.problem import fail
from mlspec.core.record import Actor, Failure, Origin, Record, Verb
from mlspec.io.clock import stamp
from mlspec.io.machine import this_machine, this_process
from mlspec.version import __version__


@dataclass(frozen=True)
class Author:
    """What all records of one apply share."""

    apply: str
    actor: Actor
    origin: Origin
    clock: Clock
    workspace: Workspace
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draft(self, verb: Verb, action: Action, started: datetime, **facts: Any) -> Record:
        """Return the record of an action, not chained yet."""
        effect = None if verb == "register" else action.effect
        return self.record(verb, action.address, started, effect=effect, **facts)

    def record(self, verb: Verb, address: str, started: datetime, **facts: Any) -> Record:
        """Return a record that is not chained yet."""
        with self._lock:
            number = next(self._numbers)
        return Record(
            address=address,
            verb=verb,
            apply=self.apply,
            n=number,
            generation=0,
            started=stamp(started),
            finished=stamp(self.clock.now()),
            actor=self.actor,
            origin=self.origin,
            blobs=self._blobs(address),
            mlspec=__version__,
            **facts,
        )

    def intent(self, action: Action, started: datetime, environ: Mapping[str, str]) -> Intent:
        """Return the intent to carry out an action."""
        return Intent(
            address=action.address,
            verb=action.verb,
            fingerprint=action.run or action.effect,
            owner=self.actor.name,
            run=run_url(environ),
            apply=self.apply,
            started=stamp(started),
            ttl_s=TTL_S,
            machine=this_machine(),
            process=this_process(),
        )

    def failure(self, action: Action, started: datetime, failure: Failure) -> Record:
        """Return the record of a step that failed and is not to be tried again until an input changes."""
        return self.draft(action.verb, action, started, status="failed", failure=failure, fingerprint=action.run)

    def _blobs(self, address: str) -> dict[str, str]:
        document = self.workspace.specs.where.get(Address.parse(address))
        return {document.file: document.blob} if document else {}


def run_url(environ: Mapping[str, str]) -> str | None:
    """Return where the run of a continuous integration can be watched, as its environment says."""
    if all(environ.get(name) for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")):
        return "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format(**environ)
    return environ.get("CI_JOB_URL") or environ.get("BUILD_URL") or None


def author(workspace: Workspace, deploys: bool, clock: Clock) -> Author:
    """Name the apply and its actor.

    Raises:
        MlspecError: git has no identity, or there is no commit yet.
    """
    name, email = workspace.repository.identity()
    now, commit = clock.now(), workspace.checkout.commit
    if commit is None:
        raise fail(
            "git/no-commit", "nothing is committed yet, and a record names a commit", help="commit the specs first"
        )
    unique = workspace.repository.blob_id(f"{name}{email}{commit}{now.isoformat()}{clock.monotonic()}".encode())[:8]
    origin = Origin(commit=commit, branch=workspace.checkout.branch, dirty=bool(workspace.dirty), deploys=deploys)
    return Author(f"{now:%Y%m%dT%H%M%SZ}-{unique}", Actor(name=name, email=email), origin, clock, workspace)
