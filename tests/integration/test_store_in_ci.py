"""A runner of continuous integration throws its disk away: an apply there keeps nothing in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlspec.io.ci import in_ci
from tests.worlds import World


@pytest.mark.parametrize("ci", ["true", "1", "woodpecker"])
def test_a_folder_of_the_runner_is_refused_before_anything_is_written(fresh: World, ci: str) -> None:
    assert fresh.mlspec("plan", CI=ci).code == 0
    done = fresh.mlspec("apply", "--yes", CI=ci)
    assert (done.code, done.out) == (1, "")
    assert "error[store/lost-in-ci]" in done.err
    assert "`.mlspec/store`" in done.err
    assert "store: git" in done.err
    assert fresh.tip == ""
    assert not (fresh.root / ".mlspec" / "store").exists()


def test_a_folder_that_is_shared_is_used(fresh: World, tmp_path: Path) -> None:
    shared = tmp_path / "mounted" / "models"
    fresh.edit("mlspec.yaml", "version: 1\n", f"version: 1\nstore: {{path: {shared}, shared: true}}\n")
    fresh.commit("Share the store")
    missing = fresh.mlspec("apply", "--yes", CI="true")
    assert (missing.code, fresh.tip) == (1, "")
    assert "error[store/not-there]" in missing.err
    assert str(shared) in missing.err
    shared.mkdir(parents=True)
    done = fresh.mlspec("apply", "--yes", CI="true")
    assert done.code == 0, done
    assert len(list(shared.glob("sha256/??/*"))) > 5
    assert not (fresh.root / ".mlspec" / "store").exists()


@pytest.mark.parametrize(("value", "expected"), [("", False), ("false", False), ("0", False), ("true", True)])
def test_what_says_so(value: str, expected: bool) -> None:
    assert in_ci({"CI": value}) is expected
    assert not in_ci({})
