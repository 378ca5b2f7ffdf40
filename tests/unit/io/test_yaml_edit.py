"""One value changed, and not a byte beside it."""

from __future__ import annotations

import pytest

from mlspec.io.yaml_edit import set_value

PATH = ("stages", "production", "version")
CASES = {
    "in brackets": ("stages: {production: {version: 3, gates: [q]}}\n", "version: 3", "version: 14"),
    "in a block": ("stages:\n    production:\n        version:   3   # pinned\n", "  3   #", "  14   #"),
    "quoted": ('stages: {production: {"version": "latest"}}\n', '"latest"', "14"),
    "latest": ("stages:\n  production: {gates: [q], version: latest} # c\n", "latest", "14"),
    "not written, in brackets": ("stages: {production: {gates: [q]}}\n", "{gates", "{version: 14, gates"),
    "not written, in a block": (
        "stages:\n  production:\n    # bar\n    gates:\n    - q\n",
        "    gates",
        "    version: 14\n    gates",
    ),
    "nothing written": ("stages: {production: { }}\n", "{ }", "{version: 14 }"),
    "another document before": (
        "a: {stages: 1}\n---\n# version: 3\nstages: {production: {version: 3}}\n",
        "n: {version: 3",
        "n: {version: 14",
    ),
    "not ended": ("stages: {production: {version: 3}}", "3}}", "14}}"),
    "wider letters before": ("é: 'ü—😀'\nstages: {production: {version: 3}}\n", "3}}", "14}}"),
}


@pytest.mark.parametrize("crlf", [False, True])
@pytest.mark.parametrize(("text", "old", "new"), CASES.values(), ids=CASES.keys())
def test_only_the_value_changes(text: str, old: str, new: str, crlf: bool) -> None:
    assert text.count(old) == 1
    ends = (lambda one: one.replace("\n", "\r\n")) if crlf else (lambda one: one)
    index = text.count("---")
    assert set_value(ends(text).encode(), index, PATH, "14").decode() == ends(text.replace(old, new))
    marked = b"\xef\xbb\xbf" + ends(text).encode()
    assert set_value(marked, index, PATH, "14") == b"\xef\xbb\xbf" + ends(text.replace(old, new)).encode()


def test_lines_that_end_in_either_way_stay_so() -> None:
    assert set_value(b"# a\r\n# b\nstages: {production: {version: 3}}\r\n", 0, PATH, "4") == (
        b"# a\r\n# b\nstages: {production: {version: 4}}\r\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "stages: 1\n",
        "stages: {staging: {version: 1}}\n",
        "stages: {production: {version: [1]}}\n",
        "stages:\n  production:\n    version: |\n      latest\n",
        "stages:\n  production:\n    version:\n",
        "",
    ],
)
def test_what_is_no_such_value_is_refused(text: str) -> None:
    with pytest.raises(LookupError):
        set_value(text.encode(), 0, PATH, "14")
