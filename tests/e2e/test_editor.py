"""What an editor shows of the files that `mlspec init` writes, told by the real yaml-language-server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlspec.commands.init import propose, templates, write
from tests.editor import WITHOUT_SERVER, Editor, server

pytestmark = pytest.mark.skipif(server() is None, reason=WITHOUT_SERVER)
LINE = "# yaml-language-server: $schema=../schemas/spec.schema.json\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("editor") / "project"
    write(propose(target, "classifier"))
    return target


@pytest.fixture(scope="module")
def editor(project: Path) -> Iterator[Editor]:
    with Editor(project) as editor:
        yield editor


@pytest.mark.parametrize("template", templates())
def test_nothing_is_wrong_with_what_init_writes(editor: Editor, project: Path, template: str) -> None:
    scaffold = propose(project / template, template)
    write(scaffold)
    files = [path for path in scaffold.files if path.suffix == ".yaml"]
    assert len(files) == 4
    for path in files:
        text = path.read_text()
        assert text.startswith("# yaml-language-server: $schema=")
        assert editor.type(path, text) == []
        line = next(n for n, row in enumerate(text.splitlines(), 1) if row.startswith(("owner:", "deploy:")))
        assert "schema.json" in editor.hover(path, line, 2), "the schema that its first line names is the one in use"


def test_mistakes_are_marked(editor: Editor, project: Path) -> None:
    text = (project / "specs/tumour.yaml").read_text()
    wrong = text.replace("task: classification", "task: clasification").replace("estimator:", "estimater:")
    rows = wrong.splitlines()
    task, estimator = (
        next(n for n, row in enumerate(rows, 1) if word in row) for word in ("clasification", "estimater:")
    )
    assert editor.type(project / "specs/tumour.yaml", wrong) == [
        f'{task}: Value is not accepted. Valid values: "classification", "regression".',
        f"{estimator}: Property estimater is not allowed.",
    ]


def test_what_is_missing_is_marked(editor: Editor, project: Path) -> None:
    text = (
        (project / "mlspec.yaml").read_text().replace("deploy: main", "deploys: main").replace("project: tumours", "")
    )
    told = editor.type(project / "mlspec.yaml", text)
    assert 'Missing property "project".' in told[0]
    assert "Property deploys is not allowed." in told[1]


@pytest.mark.parametrize(
    ("typed", "line", "column", "offered"),
    [
        ("kind: \n", 2, 7, {"Dataset", "Model", "Gate"}),
        ("kind: Model\nname: income\n\n", 4, 1, {"owner", "dataset", "task", "train", "metrics", "stages"}),
        ("kind: Model\ntask: \n", 3, 7, {"classification", "regression"}),
        ("kind: Dataset\nsplit:\n  by: \n", 4, 7, {"hash", "random"}),
        ("kind: Gate\nchecks:\n  - check: \n", 4, 12, {"metric"}),
        ("kind: Model\ntrain:\n  \n", 4, 3, {"estimator", "entrypoint", "params", "seed"}),
        (f"kind: Gate\nname: g\n---\n{LINE}kind: Model\ntask: \n", 7, 7, {"classification", "regression"}),
    ],
)
def test_names_and_values_are_offered(
    editor: Editor, project: Path, typed: str, line: int, column: int, offered: set[str]
) -> None:
    path = project / "specs" / "typed.yaml"
    editor.type(path, LINE + typed)
    assert set(editor.complete(path, line, column)) >= offered


def test_what_a_field_means_is_shown(editor: Editor, project: Path) -> None:
    path = project / "specs" / "shown.yaml"
    editor.type(path, LINE + "kind: Model\npositive: malignant\n")
    assert "class" in editor.hover(path, 3, 3)
