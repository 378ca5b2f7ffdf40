"""The wheel holds all it needs and nothing else, and runs from an empty directory without this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def test_it_carries_templates_and_schemas_and_nothing_of_the_tests(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel).namelist()
    assert "mlspec/_data/schemas/model.schema.json" in held
    assert "mlspec/_data/templates/classifier/mlspec.yaml" in held
    assert "mlspec/py.typed" in held
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert {name.partition("/")[0] for name in held} == {
        "mlspec",
        next(n for n in held if "dist-info" in n).split("/")[0],
    }
    assert not [name for name in held if "__pycache__" in name or "/.mlspec/" in name]


def test_it_runs_from_an_empty_directory(wheel: Path, tmp_path: Path) -> None:
    """Its own files come from the wheel, what it depends on from this environment."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    site = home / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    zipfile.ZipFile(wheel).extractall(site)
    depends = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "zz-depends.pth").write_text(depends + "\n")
    work = tmp_path / "empty"
    work.mkdir()
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "GIT_"))}
    env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "NO_COLOR": "1"}

    def mlspec(*argv: str, cwd: Path = work) -> str:
        code = "import sys; from mlspec.cli.main import run; sys.argv[0] = 'mlspec'; run()"
        done = subprocess.run(
            [str(home / "bin/python"), "-c", code, *argv], cwd=cwd, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert mlspec("version").startswith("mlspec ")
    assert '"$id": "mlspec/model.schema.json"' in mlspec("schema", "model")
    mlspec("init", "tumours")
    project = work / "tumours"
    for argv in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "Declare"]):
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", *identity, *argv], cwd=project, env=env, check=True)
    assert "Valid." in mlspec("validate", cwd=project)
    assert "1 to train" in mlspec("plan", cwd=project)
