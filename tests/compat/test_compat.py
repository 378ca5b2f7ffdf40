"""What was written once is read for ever: files of each format version, never edited."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mlspec.commands.load import attempt
from mlspec.core import record as records
from mlspec.core.plan import Plan
from mlspec.core.record import Record
from mlspec.io.git import open_repository
from mlspec.io.trees import WorkTree
from mlspec.lineage.verify import verify
from tests.worlds import environment

VERSIONS = sorted(path for path in Path(__file__).parent.iterdir() if path.is_dir() and path.name.startswith("v"))


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def version(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


def test_records_are_read_and_written_again_byte_for_byte(version: Path) -> None:
    paths = sorted((version / "lineage/log").rglob("*.json"))
    assert paths
    for path in paths:
        found = Record.model_validate_json(path.read_bytes())
        assert records.digest_of(found) == found.digest
        assert records.to_bytes(found) == path.read_bytes()


def test_the_log_makes_the_heads_byte_for_byte(version: Path, tmp_path: Path) -> None:
    shutil.copytree(version / "lineage", tmp_path, dirs_exist_ok=True)
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Recorded"]):
        subprocess.run(["git", *argv], cwd=tmp_path, env=environment(), check=True)
    repository = open_repository(tmp_path)
    commit = repository.checkout().commit
    assert commit is not None
    found = verify(repository, commit)
    assert found.records
    assert [problem.message for problem in (*found.log_damage, *found.head_damage)] == []
    assert found.stray == ()


def test_a_plan_is_read_and_its_digest_holds(version: Path) -> None:
    content = (version / "plan.json").read_bytes()
    plan = Plan.model_validate_json(content)
    assert plan.model_dump(mode="json", by_alias=True, exclude_unset=True) == json.loads(content)


def test_specs_are_still_valid(version: Path) -> None:
    loaded, problems = attempt(WorkTree(version), None)
    assert loaded is not None
    assert problems == []
