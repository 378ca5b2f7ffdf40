"""docs/troubleshooting.md has every code that the source can print, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
CODE = re.compile(r"[a-z]+/[a-z][a-z-]*[a-z]")
NO_CODES = {"refs", "mlspec"}
"""What stands before the slash of texts that look like codes and are none."""
VERBS = ("train", "predict", "judge")
SPELT_OUT = {
    "spec/unknown-{}": {f"spec/unknown-{kind}" for kind in ("dataset", "gate", "model")},
    **{
        f"{{}}/{end}": {f"{verb}/{end}" for verb in VERBS}
        for end in ("no-answer", "interrupted", "timeout", "exited", "killed", "crashed")
    },
    "split/{}": {"split/time", "split/group"},
    "lineage/{}": set(),  # the words are arguments of `bad`
}
"""Codes that are made of parts, whole."""
PRINTS = {"fail", "Problem", "Misfit", "Finding", "Failure", "RemoteError", "Flaw", "_if_any", "_broken"}


def said(tree: ast.AST) -> Iterator[str]:
    """Yield the codes of a module: texts that look like one, and those made of parts, with {} for what is not known."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            if CODE.fullmatch(node.value) and node.value.partition("/")[0] not in NO_CODES:
                yield node.value
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == "bad" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
                yield f"lineage/{node.args[1].value}"
            if name in PRINTS:
                made = [arg for arg in node.args if isinstance(arg, ast.JoinedStr)]
                yield from (text for arg in made if re.fullmatch(r"[a-z-]*(\{\})?/[a-z-]*(\{\})?", text := shape(arg)))


def shape(text: ast.JoinedStr) -> str:
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in text.values)


def printed() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "mlspec").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prefixes = {
            arg.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith"
            for arg in node.args
            if isinstance(arg, ast.Constant)
        }
        found |= set(said(tree)) - prefixes
    made = {code for code in found if "{}" in code}
    assert made <= SPELT_OUT.keys(), "spell these codes out in SPELT_OUT"
    return found - made | {code for whole in SPELT_OUT.values() for code in whole}


def explained() -> list[str]:
    """Return the codes in the first cells of the page's tables."""
    rows = re.findall(r"^\| (`[^|]+`) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [code for cell in rows for code in re.findall(r"`([^`]+)`", cell) if "/" in code]


def test_every_code_is_explained_once() -> None:
    listed = explained()
    assert sorted(printed() - set(listed)) == [], "give each a row in docs/troubleshooting.md"
    assert sorted(set(listed) - printed()) == [], "no source prints these any more: take them out of the page"
    assert sorted(code for code in set(listed) if listed.count(code) > 1) == []
