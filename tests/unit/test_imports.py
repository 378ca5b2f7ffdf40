"""The command line starts light: nothing heavy is imported before it is needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"git", "numpy", "pandas", "pyarrow", "scipy", "sklearn", "skops"}
RUN = "import sys; sys.argv = ['mlspec', *{argv!r}]\nfrom mlspec.cli.main import run\ntry:\n    run()\nfinally:\n    "
TELL = "print('loaded', *sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"


def loaded(argv: list[str], folder: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(argv=argv) + TELL], cwd=folder, capture_output=True, text=True, check=False
    )
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("loaded "), done.stderr
    return set(line.split()[1:])


@pytest.mark.parametrize(
    ("argv", "allowed"),
    [
        (["version"], set()),
        (["--help"], set()),
        (["apply", "--help"], set()),
        (["schema", "model"], set()),
        (["validate"], set()),
        (["plan"], {"git"}),
        (["show"], {"git"}),
    ],
    ids=str,
)
def test_a_command_imports_nothing_heavy(argv: list[str], allowed: set[str], tmp_path: Path) -> None:
    (tmp_path / "mlspec.yaml").write_text("version: 1\nproject: empty\ndeploy: main\nstages: [production]\nteams: {}\n")
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    assert loaded(argv, tmp_path) & HEAVY <= allowed
