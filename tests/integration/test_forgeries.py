"""Twelve forgeries at every record, clumsy and careful ones: verify finds each, and names a record that was touched."""

from __future__ import annotations

import pytest

from mlspec.commands import verify
from mlspec.commands.verify import VerifyRequest
from tests.damages import Damage, Target
from tests.forgeries import FORGERIES, Forger, Forgery
from tests.worlds import LINEAGE, World

PLACES = 2
"""How many records each forgery is tried at in every run; `make torture` tries all."""


@pytest.fixture
def forger(world: World, in_its_environment: None) -> Forger:
    return Forger.of(world)


def findings(world: World) -> list[str]:
    report = verify.run(world.root, VerifyRequest(store=True))
    return [f"{problem.place}: {problem.message}" for problem in report.damage]


def try_out(forger: Forger, forgery: Forgery, path: str) -> int:
    """Forge in three ways: clumsily where nobody saw the branch before, with care on top of it, with care instead."""
    log = forgery(forger.log, path)
    touched = {key for key in {**forger.log, **log} if log.get(key) != forger.log.get(key)}
    seen = forger.world.git("for-each-ref", "--format=%(objectname) %(refname)", "refs/mlspec/seen").split()
    forger.clumsily(forgery, path)
    assert findings(forger.world), (forgery, path)
    forger.undo()
    forger.world.git("update-ref", seen[1], seen[0])
    forger.with_care(forgery, path, onto=True)
    said = "\n".join(findings(forger.world))
    assert any(key in said for key in touched), (forgery, path, said)
    forger.undo()
    forger.with_care(forgery, path, onto=False)
    (first, *_) = findings(forger.world)
    assert "does not build on" in first, (forgery, path, first)
    forger.undo()
    return 3


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_forged_records(forger: Forger, forgery: Forgery) -> None:
    paths = sorted(forger.log)
    for path in paths[1 :: len(paths) // PLACES]:
        try_out(forger, forgery, path)
    assert findings(forger.world) == []


@pytest.mark.torture
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_forged_records_everywhere(
    forger: Forger, forgery: Forgery, request: pytest.FixtureRequest, record_property: pytest.RecordProperty
) -> None:
    found = sum(try_out(forger, forgery, path) for path in sorted(forger.log))
    record_property("figure", f"forgeries, {request.node.callspec.id}: {found} of {found} found")


def test_pushed_back(forger: Forger) -> None:
    """To every commit that the branch ever was at."""
    for commit in forger.world.git("rev-list", f"{forger.tip}~1").splitlines():
        forger.world.git("update-ref", LINEAGE, commit)
        (first, *_) = findings(forger.world)
        assert "does not build on" in first
        forger.undo()
    assert findings(forger.world) == []


def test_an_object_instead_of_another(world: World, in_its_environment: None) -> None:
    target = Target.of(world)
    for digest in target.stored:
        with target.done(Damage("store", digest, "replaced", 0)):
            (said,) = findings(world)
            assert digest in said
    assert findings(world) == []
