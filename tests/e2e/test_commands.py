"""Every command is documented with all its options (`--update-golden` writes the tables), and ends as it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from mlspec.cli.main import cli
from mlspec.commands import init
from tests.console import code
from tests.worlds import MLSPEC, World, environment

DOCS = Path(__file__).resolve().parents[2] / "docs" / "commands"
TABLE = re.compile(r"<!-- options -->\n(.*?)<!-- end -->", re.DOTALL)
NAMES = cli.list_commands(click.Context(cli))


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def table(found: click.Command) -> str:
    rows = []
    for given in found.params:
        if isinstance(given, click.Option):
            takes = "" if given.is_flag else f" {given.metavar or given.type.get_metavar(given, click.Context(found))}"
            known = given.show_default if isinstance(given.show_default, str) else given.default
            default = f" (default: {known})" if known and isinstance(known, str) else ""
            rows.append(f"| {code(', '.join(reversed(given.opts)) + takes)} | {given.help}{default} |\n")
    return "| option | meaning |\n|---|---|\n" + "".join(rows) if rows else ""


@pytest.mark.parametrize("name", NAMES)
def test_a_command_has_help_and_a_page(name: str, request: pytest.FixtureRequest) -> None:
    found = command(name)
    assert found.help
    assert all(given.help for given in found.params if isinstance(given, click.Option))
    page = DOCS / f"{name}.md"
    text = page.read_text()
    made = TABLE.sub(lambda _: f"<!-- options -->\n{table(found)}<!-- end -->", text)
    if request.config.getoption("--update-golden"):
        page.write_text(made)
    assert page.read_text() == made, "stale: run `make golden`"
    assert found.help.split(";")[0].split(":")[0].rstrip(".")


def test_there_is_no_page_of_another_command() -> None:
    assert {page.stem for page in DOCS.glob("*.md")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_examples_of_a_page_name_real_options(name: str) -> None:
    for words in re.findall(r"^mlspec (.+?)(?:  +#.*)?$", (DOCS / f"{name}.md").read_text(), re.MULTILINE):
        called, *rest = words.split(" > ")[0].split()
        assert command(called).make_context(called, rest, resilient_parsing=True)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The project of `init`, committed and never applied."""
    root = tmp_path_factory.mktemp("project")
    init.write(init.propose(root, "classifier"))
    world = World(root, environment())
    world.git("init", "-q", "-b", "main")
    world.commit("Declare")
    return world


USAGE = {
    "an unknown command": (["aply"], "did you mean `apply`?"),
    "an unknown option": (["plan", "--ouput", "x"], "did you mean `--out`?"),
    "no terminal to ask on": (["apply"], "give --yes, or a saved plan"),
    "no model and no stage": (["reproduce"], "name a MODEL, or give --stage"),
    "a plan that is not there": (["apply", "--approved", "none.json", "--yes"], "none.json"),
    "a misspelt address": (["plan", "model/tumor"], "did you mean `model/tumour`?"),
    "an unknown revision": (["plan", "--ref", "nowhere"], "git knows no commit `nowhere`"),
    "an unknown template": (["init", "elsewhere", "--template", "clasifier"], "did you mean `classifier`?"),
    "an unknown schema": (["schema", "modle"], "did you mean `model`?"),
    "a dataset of no file": (["init", "dataset"], "`init dataset` needs a FILE"),
    "a shell that click does not know": (["completion", "powershell"], "is not one of 'bash', 'zsh', 'fish'"),
    "no shell": (["completion"], "Choose from: bash, zsh, fish"),
    "nothing recorded": (["show", "model/tumour"], "recorded"),
    "no such folder": (["-C", "nowhere", "plan"], "there is no folder"),
}


@pytest.mark.parametrize(("argv", "said"), USAGE.values(), ids=USAGE.keys())
def test_bad_usage_ends_with_1_and_says_what_to_do(project: World, argv: list[str], said: str) -> None:
    done = project.mlspec(*argv)
    assert done.code == 1
    assert said in done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert not project.tip


def test_only_detailed_exitcode_ends_with_2(project: World) -> None:
    assert project.mlspec("plan").code == 0
    assert project.mlspec("plan", "--detailed-exitcode").code == 2


@pytest.mark.parametrize("argv", [["plan"], ["show"], ["log"], ["validate"]], ids=str)
def test_json_is_one_document_and_nothing_else(project: World, argv: list[str]) -> None:
    done = project.mlspec(*argv, "--format", "json", FORCE_COLOR="1")
    assert json.loads(done.out)["format"].startswith("mlspec.")
    assert done.err == ""


def test_a_project_is_found_from_below_and_from_elsewhere(project: World, tmp_path: Path) -> None:
    here = project.mlspec("plan").out
    assert project.mlspec("plan", below="specs").out == here
    elsewhere = World(tmp_path, project.env)
    assert elsewhere.mlspec("-C", str(project.root), "plan").out == here


def test_a_saved_plan_is_shown_as_it_was_printed(project: World, tmp_path: Path) -> None:
    printed = project.mlspec("plan", "-o", str(tmp_path / "plan.json")).out
    assert project.mlspec("show", str(tmp_path / "plan.json")).out == printed


def test_colour_is_for_terminals_and_for_who_forces_it(project: World) -> None:
    assert "\x1b[" not in project.mlspec("plan").out
    assert "\x1b[" in project.mlspec("plan", FORCE_COLOR="1").out
    assert "\x1b[" not in project.mlspec("plan", FORCE_COLOR="1", NO_COLOR="1").out


def test_a_reader_that_leaves_early_is_no_error(project: World) -> None:
    script = f"set -o pipefail; {MLSPEC} schema model | head -1"
    done = subprocess.run(
        ["bash", "-c", script], cwd=project.root, env=project.env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_without_the_extra_one_line_says_which(project: World, tmp_path: Path) -> None:
    """The extra's packages are hidden behind ones that cannot be imported."""
    hidden = "raise ModuleNotFoundError(f'No module named {__name__!r}', name=__name__)\n"
    for name in ("pandas", "sklearn", "pyarrow", "scipy", "skops"):
        (tmp_path / f"{name}.py").write_text(hidden)
    copy = project.copy(tmp_path / "project")
    done = copy.mlspec("apply", "--yes", PYTHONPATH=str(tmp_path))
    assert done.code == 1
    assert 'pip install "mlspec[run]"' in done.err
    assert copy.mlspec("plan", PYTHONPATH=str(tmp_path)).code == 0


def test_a_defect_is_saved_and_named(project: World, tmp_path: Path) -> None:
    code = (
        "import sys, mlspec.commands.plan as plan\n"
        "def broken(*_): raise ZeroDivisionError('a defect \\udc80')\n"
        "plan.run = broken\n"
        "sys.argv = ['mlspec', 'plan', '--format', 'json']\n"
        "from mlspec.cli.main import run; run()"
    )
    env = {**project.env, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 70
    (saved,) = tmp_path.glob("mlspec-defect-*.txt")
    assert str(saved) in done.stderr
    assert "Traceback" not in done.stderr
    assert r"ZeroDivisionError: a defect \udc80" in saved.read_text()
