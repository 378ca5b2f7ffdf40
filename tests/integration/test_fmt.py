"""`fmt` on files as people have them: what is written, what is refused, and what is left alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlspec.commands.fmt import canonical
from tests.worlds import MODEL, World, project_files

ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases" / "fmt"
BAD_LAYOUT = MODEL.replace("kind: Model\nname: answer\n", "name:  answer\nkind: Model   # what it is\n")
BAD_LAYOUT = BAD_LAYOUT.replace("  seed: 7\n", "  seed: 7  \n")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """The small project in a folder that is no repository: fmt needs none."""
    world = World(tmp_path)
    world.write(project_files())
    return world


@pytest.mark.parametrize("before", sorted(CASES.glob("*.before.yaml")), ids=lambda path: path.name.partition(".")[0])
def test_a_case_looks_as_it_is_said(before: Path, request: pytest.FixtureRequest) -> None:
    after = before.with_name(before.name.replace(".before.", ".after."))
    name = "mlspec.yaml" if before.name.startswith("mlspec") else f"specs/{before.name}"
    done = canonical(name, before.read_bytes())
    if request.config.getoption("--update-golden"):
        after.write_bytes(done)
    assert done.decode() == after.read_text(encoding="utf-8")
    assert canonical(name, done) == done


def test_it_writes_what_is_out_of_order_and_says_which(world: World) -> None:
    assert world.mlspec("fmt").out == "4 files in order.\n"
    world.write({"specs/answer.yaml": BAD_LAYOUT})
    (world.root / "specs/answer.yaml").chmod(0o640)
    done = world.mlspec("fmt")
    assert (done.code, done.out, done.err) == (
        0,
        "formatted  specs/answer.yaml\n1 file formatted, 3 files in order.\n",
        "",
    )
    assert (world.root / "specs/answer.yaml").read_text() == MODEL.replace("Model\n", "Model  # what it is\n", 1)
    assert (world.root / "specs/answer.yaml").stat().st_mode & 0o777 == 0o640
    assert world.mlspec("fmt", "--check").code == 0


def test_check_prints_a_diff_that_patch_takes_and_writes_nothing(world: World) -> None:
    world.write({"specs/answer.yaml": BAD_LAYOUT.removesuffix("\n")})
    before = (world.root / "specs/answer.yaml").stat().st_ctime_ns
    done = world.mlspec("fmt", "--check")
    assert done.code == 1
    assert done.out.startswith("--- specs/answer.yaml\n+++ specs/answer.yaml\n@@ -1,")
    assert "-name:  answer\n-kind: Model   # what it is\n" in done.out
    assert "\n\\ No newline at end of file\n" in done.out
    assert done.out.endswith("\n1 file would change, 3 files in order.\n")
    assert (world.root / "specs/answer.yaml").stat().st_ctime_ns == before
    diff = done.out.rpartition("1 file would")[0]
    subprocess.run(["git", "apply", "-p0"], cwd=world.root, input=diff, text=True, check=True)
    assert world.mlspec("fmt", "--check").code == 0


def test_a_file_with_an_error_is_left_alone_and_stops_nothing(world: World) -> None:
    wrong = BAD_LAYOUT.replace("metrics:", "metricks:")
    world.write({"specs/answer.yaml": wrong, "specs/gate.yaml": "kind: [\n"})
    world.edit("specs/questions.yaml", "kind: Dataset", "kind:   Dataset")
    done = world.mlspec("fmt")
    assert done.code == 1
    assert "specs/answer.yaml:11:1: error[spec/unknown-field]" in done.err
    assert "specs/gate.yaml:1:7: error[yaml/syntax]" in done.err
    assert done.out.endswith("1 file formatted, 1 file in order, 2 files left alone: see the problems.\n")
    assert (world.root / "specs/answer.yaml").read_text() == wrong


def test_a_file_that_would_not_mean_the_same_is_left_alone(world: World) -> None:
    odd = MODEL.replace("  params: {C: 1.0}\n", "  params:\n    ? |\n      two\n      lines\n    : 1\n    C:   1.0\n")
    world.write({"specs/answer.yaml": odd})
    done = world.mlspec("fmt")
    assert done.code == 1
    assert "specs/answer.yaml: error[fmt/meaning]: this file is left alone" in done.err
    assert done.out == "3 files in order, 1 file left alone: see the problems.\n"
    assert (world.root / "specs/answer.yaml").read_text() == odd


def test_only_what_lies_below_the_paths(world: World) -> None:
    world.write({"specs/answer.yaml": BAD_LAYOUT, "specs/below/other.yaml": BAD_LAYOUT.replace("answer", "other")})
    assert world.mlspec("fmt", "--check", "mlspec.yaml", "specs/gate.yaml").out == "2 files in order.\n"
    done = world.mlspec("fmt", "below", below="specs")
    assert done.out == "formatted  specs/below/other.yaml\n1 file formatted.\n"
    assert (world.root / "specs/answer.yaml").read_text() == BAD_LAYOUT
    assert "there is no file or folder `none`" in world.mlspec("fmt", "none").err
    assert "`data` holds no spec" in world.mlspec("fmt", "data").err
    assert "is not in the project" in world.mlspec("fmt", "..").err


def test_line_ends_stay_and_a_byte_order_mark_goes(world: World) -> None:
    path = world.root / "specs/answer.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + BAD_LAYOUT.replace("\n", "\r\n").encode())
    shown = world.mlspec("fmt", "--check").out
    assert "\u240d" not in shown
    assert world.mlspec("fmt").code == 0
    assert path.read_bytes().startswith(b"kind: Model  # what it is\r\nname: answer\r\n")
    assert path.read_bytes().count(b"\n") == path.read_bytes().count(b"\r\n")


def test_a_link_inside_stays_a_link_and_one_that_leads_out_is_refused(world: World, tmp_path: Path) -> None:
    specs, outside = world.root / "specs", tmp_path.parent / f"{tmp_path.name}-outside.yaml"
    world.write({"shared/answer.yaml": BAD_LAYOUT})
    (specs / "answer.yaml").unlink()
    (specs / "answer.yaml").symlink_to("../shared/answer.yaml")
    outside.write_text(BAD_LAYOUT.replace("answer", "other"))
    (specs / "other.yaml").symlink_to(outside)
    done = world.mlspec("fmt")
    assert done.code == 1
    assert "specs/other.yaml: error[file/unreadable]" in done.err
    assert (specs / "answer.yaml").is_symlink()
    assert (world.root / "shared/answer.yaml").read_text().startswith("kind: Model  # what it is\nname: answer\n")
    assert outside.read_text() == BAD_LAYOUT.replace("answer", "other")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(world: World) -> None:
    world.write({"specs/answer.yaml": BAD_LAYOUT})
    (world.root / "specs").chmod(0o500)
    done = world.mlspec("fmt")
    (world.root / "specs").chmod(0o700)
    assert done.code == 1
    assert "error[env/permission]" in done.err


def test_text_of_a_file_steers_no_terminal(world: World) -> None:
    world.write({"specs/answer.yaml": BAD_LAYOUT.replace("what it is", "caf\u00e9 \u2014 \U0001f600")})
    assert "caf\u00e9 \u2014 \U0001f600" in world.mlspec("fmt", "--check").out
    world.write({"specs/answer.yaml": BAD_LAYOUT.replace("what it is", "\x1b[2J")})
    done = world.mlspec("fmt", "--check")
    assert "\x1b" not in done.out + done.err
    assert "error[yaml/character]" in done.err


SHIPPED = sorted(path for folder in ("templates", "examples") for path in (ROOT / folder).rglob("*.yaml"))


@pytest.mark.parametrize(
    "path", [path for path in SHIPPED if ".mlspec" not in path.parts], ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_we_ship_is_in_order(path: Path) -> None:
    """What `init` writes passes `fmt --check`; where this fails, format the file with `mlspec fmt`."""
    name = "mlspec.yaml" if path.name == "mlspec.yaml" else f"specs/{path.name}"
    assert canonical(name, path.read_bytes()).decode() == path.read_text(encoding="utf-8")
