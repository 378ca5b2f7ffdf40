"""YAML's door: what is read, what is refused and where, and that no bytes can make it raise or hang."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlspec.core.document import Finding
from mlspec.core.problem import Place, Problem
from mlspec.io import yaml
from mlspec.specs.messages import NOT_TEXT, SECRET

SPECS = sorted((Path(__file__).parents[2] / "cases" / "specs" / "valid").rglob("*.yaml"))


def values(text: str) -> list[Any]:
    documents, problems = yaml.read("f.yaml", text.encode(), "b")
    assert problems == []
    return [document.value for document in documents]


def refused(content: str | bytes) -> list[str]:
    content = content.encode() if isinstance(content, str) else content
    _, problems = yaml.read("f.yaml", content, "b")
    return [f"{problem.place} {problem.code} {problem.message}" for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("22:30", "22:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("1.10.2", "1.10.2"),
        ("1.10", 1.1),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-1.", -1.0),
        ("+12", 12),
        ("0", 0),
        ("0o17", 15),
        ("0x1F", 31),
        ("9" * 30, int("9" * 30)),
        ("True", True),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"a\\tb\\u00e9"', "a\tbé"),
        ("{{ x }}", None),
        ("[12:30, src/train.py:train]", ["12:30", "src/train.py:train"]),
        ("-x", "-x"),
        (".", "."),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("=", "="),
    ],
)
def test_values_are_those_of_yaml_1_2(text: str, value: object) -> None:
    if text == "{{ x }}":
        assert refused(f"a: {text}") == ["f.yaml:1:5 yaml/key a key must be text, not a list or a mapping"]
        return
    (read,) = values(f"a: {text}")
    assert read == {"a": value}
    assert type(read["a"]) is type(value)


def test_a_document_says_where_it_is_from() -> None:
    documents, _ = yaml.read("specs/x.yaml", b"a: 1\n---\nb: 2\n", "0123")
    assert [(d.file, d.index, d.value, d.blob) for d in documents] == [
        ("specs/x.yaml", 0, {"a": 1}, "0123"),
        ("specs/x.yaml", 1, {"b": 2}, "0123"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("# only\n\n", []),
        ("\ufeffa: 1\n", [{"a": 1}]),
        ("a: 1\r\nb: x\r\n", [{"a": 1, "b": "x"}]),
        ("---\na: 1\n...\n# end\n", [{"a": 1}]),
        ("a: 1\n...\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("---\n---\na: 1\n", [None, {"a": 1}]),
        ("--- {a: 1}\n--- # empty\n", [{"a": 1}, None]),
        ("a: |\n  text\n---\nb: 1\n", [{"a": "text\n"}, {"b": 1}]),
        ("- 1\n", [[1]]),
        ("a: ---\n", [{"a": "---"}]),
    ],
)
def test_documents(text: str, expected: list[Any]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("name: a\nname: b\n", "f.yaml:2:1 yaml/duplicate-key duplicate key `name`, first at line 1"),
        ("a: 1\n---\nx: {b: 1, 'b': 2}\n", "f.yaml:3:11 yaml/duplicate-key duplicate key `b`, first at line 3"),
        ("a: &x 1\n", "f.yaml:1:4 yaml/anchor anchors and aliases are not supported"),
        ("a: *x\n", "f.yaml:1:4 yaml/anchor anchors and aliases are not supported"),
        ("*x : 1\n", "f.yaml:1:1 yaml/anchor anchors and aliases are not supported"),
        ("a: {<<: {b: 1}}\n", "f.yaml:1:5 yaml/merge merge keys are not supported"),
        ("a: !!python/object:os.system x\n", "f.yaml:1:4 yaml/tag tags are not supported: !!python/object:os.system"),
        ("a: !include x\n", "f.yaml:1:4 yaml/tag tags are not supported: !include"),
        ("a: ! x\n", "f.yaml:1:4 yaml/tag tags are not supported: !"),
        ("a: !x!y z\n", "f.yaml:1:4 yaml/tag tags are not supported"),
        ("%YAML 1.1\n---\na: 1\n", "f.yaml:1:1 yaml/syntax directives such as %YAML are not supported"),
        ("%FOO\n---\na: 1\n", "f.yaml:1:1 yaml/syntax directives such as %YAML are not supported"),
        ("a: \u202eb\n", "f.yaml:1:4 yaml/character invisible or control character U+202E"),
        ("a: x\u200by\n", "f.yaml:1:5 yaml/character invisible or control character U+200B"),
        ("a: x\ufeff\n", "f.yaml:1:5 yaml/character invisible or control character U+FEFF"),
        ("a: \0\n", "f.yaml:1:4 yaml/character invisible or control character U+0000"),
        ("a: x\rb: 2\n", "f.yaml:1:5 yaml/character invisible or control character U+000D"),
        ('a: "\\u202e"\n', "f.yaml:1:4 yaml/character escape for the invisible or control character U+202E"),
        (b"a: 1\nb: caf\xe9\n", "f.yaml:2:7 yaml/encoding byte 0xe9 is not UTF-8"),
        ("a: 1\n".encode("utf-16"), "f.yaml yaml/encoding the file is UTF-16; save it as UTF-8"),
        (b"#" * ((1 << 20) + 1), "f.yaml yaml/size the file has 1,048,577 bytes; the limit is 1,048,576"),
        ("a: 1\n---\n" * 1001, "f.yaml yaml/documents the file has 1,001 documents; the limit is 1,000"),
        ("a: 0777\n", "f.yaml:1:4 yaml/number number with a leading zero: write 777, or '0777' in quotes for text"),
        ("a: -00.5\n", "f.yaml:1:4 yaml/number number with a leading zero: write -0.5, or '-00.5' in quotes for text"),
        ("a: .nan\n", "f.yaml:1:4 yaml/number must be a finite number, not .nan"),
        ("a: -.Inf\n", "f.yaml:1:4 yaml/number must be a finite number, not -.Inf"),
        ("a: 1e999\n", "f.yaml:1:4 yaml/number must be a finite number, and 1e999 is too large"),
        ("1: a\n", "f.yaml:1:1 yaml/key a key must be text, not the number 1"),
        ("null: a\n", "f.yaml:1:1 yaml/key a key must be text, not nothing"),
        ("? [a]\n: b\n", "f.yaml:1:3 yaml/key a key must be text, not a list or a mapping"),
        ("a:\n\tb: 1\n", "f.yaml:2:1 yaml/syntax tab character in the indentation"),
        ("a:\n  - x\n \t- y\n", "f.yaml:3:2 yaml/syntax tab character in the indentation"),
        ('a: "b\nc: d\n', "f.yaml:1:4 yaml/syntax unclosed quote"),
        ('a: "b\nc: "d"\ne: 1\n', "f.yaml:1:4 yaml/syntax unclosed quote"),
        ("a: 'it's'\n", "f.yaml:1:8 yaml/syntax unexpected text after a closing quote"),
        ("a: b: c\n", "f.yaml:1:5 yaml/syntax `:` is not expected here"),
        ("a: [1, 2\nb: 3\n", "f.yaml:1:4 yaml/syntax unclosed `[`"),
        ("a: [12:30, 2\nb: 3\n", "f.yaml:1:4 yaml/syntax unclosed `[`"),
        ("a: [{b: 1} c]\n", "f.yaml:1:12 yaml/syntax `,` or `]` is expected here"),
        ("a: {b: 1\n", "f.yaml:1:4 yaml/syntax unclosed `{`"),
        ("a: [\n", "f.yaml:1:4 yaml/syntax unclosed `[`"),
        ("a: {b: [\n---\n", "f.yaml:1:8 yaml/syntax unclosed `[`"),
        ("a: ['b' c]\n", "f.yaml:1:9 yaml/syntax unexpected text after a closing quote"),
        ("a: @x\n", "f.yaml:1:4 yaml/syntax a value cannot start with `@`"),
        ("a: * b\n", "f.yaml:1:4 yaml/syntax a value cannot start with `*`"),
        ("a: & b\n", "f.yaml:1:4 yaml/syntax a value cannot start with `&`"),
        ('a: "\\xzz"\n', "f.yaml:1:7 yaml/syntax unknown escape in double quotes"),
        ('a: [b:c, "\\ud800"]\n', "f.yaml:1:10 yaml/character escape for the invisible or control character U+D800"),
        ('a: "\\q"\n', "f.yaml:1:5 yaml/syntax unknown escape in double quotes"),
        ("a:\n    b: 1\n  c: 2\n", "f.yaml:3:3 yaml/syntax a key is expected here"),
        ("a:\n  - x\n  y: 1\n", "f.yaml:3:3 yaml/syntax a list entry, `- …`, is expected here"),
        ("a: - b\n", "f.yaml:1:4 yaml/syntax a list entry is not expected here"),
        ("a: 1\nabc\nd: 2\n", "f.yaml:2:1 yaml/syntax a key without `:`"),
        ("a: ]\n", "f.yaml:1:4 yaml/syntax a value is expected here"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n", "f.yaml:2:1 yaml/conflict conflict marker"),
        ("a: 1\n>>>>>>> other\nb: 1\n", "f.yaml:2:1 yaml/conflict conflict marker"),
    ],
)
def test_refused_with_the_place_of_the_cause(content: str | bytes, problem: str) -> None:
    assert refused(content) == [problem]


def test_a_bad_document_hides_no_other() -> None:
    documents, problems = yaml.read("f.yaml", b"a: [\n---\nb: 1\n---\nc: &x 1\n---\nd: *y\n---\ne: 1\n", "b")
    assert [(document.index, document.value) for document in documents] == [(1, {"b": 1}), (4, {"e": 1})]
    assert [problem.place for problem in problems] == [
        Place("f.yaml", 1, 4),
        Place("f.yaml", 5, 4),
        Place("f.yaml", 7, 4),
    ]


def test_every_flaw_of_a_document_is_reported() -> None:
    assert len(refused("a: &x 1\na: 2\nb: 007\nc: !t 1\n")) == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[" * 20_000, "f.yaml:1:65 yaml/depth nested deeper than 64 levels"),
        ("{a: " * 20_000, "f.yaml:1:257 yaml/depth nested deeper than 64 levels"),
        ("- " * 20_000, "f.yaml:1:129 yaml/depth nested deeper than 64 levels"),
        ("[a:b, " + "[" * 60_000, "f.yaml:1:70 yaml/depth nested deeper than 64 levels"),
        (
            "a: " + "9" * 6000,
            "f.yaml:1:4 yaml/number number of 6,000 digits; the limit is 30 (put it in quotes if it is text)",
        ),
        (
            "a: 0x" + "f" * 6000,
            "f.yaml:1:4 yaml/number number of 6,002 digits; the limit is 30 (put it in quotes if it is text)",
        ),
        ("- 1\n" * 50_001, "f.yaml:50000:3 yaml/nodes more than 50,000 values in one file"),
        ("- [" + "1," * 200_000, "f.yaml:1:100000 yaml/nodes more than 50,000 values in one file"),
    ],
    ids=["flow", "mappings", "lists", "slow parser", "digits", "hex", "values", "flow values"],
)
def test_what_would_explode_is_refused_quickly(text: str, problem: str) -> None:
    start = time.process_time()
    assert refused(text) == [problem]
    assert time.process_time() - start < 1.0


@pytest.mark.parametrize(
    "text",
    [
        "&a [" * 20_000,
        "? " * 100_000,
        "a: &x *x\n" * 20_000,
        '"' * 300_000,
        "a\n" * 300_000,
        "[a:b," * 12_000,
        "\u200b" * 300_000,
    ],
    ids=["anchors", "question marks", "aliases", "quotes", "words", "colons", "invisible"],
)
def test_odd_megabytes_are_refused_quickly_and_with_few_words(text: str) -> None:
    start = time.process_time()
    assert len(refused(text)) <= 21
    assert time.process_time() - start < 2.0


def test_depth_64_is_allowed() -> None:
    assert refused("a: " + "[" * 63 + "]" * 63) == []


SPEC = b"""\
# a comment
kind: Model
name: 1.10
owner: yes
train:
  params: {max_iter: 200, password: hunter22}
metrics: [roc_auc, 3]
---
kind: Gate
"""


def located(path: tuple[str | int, ...], *, index: int = 0, on_key: bool = False, code: str = "x/y") -> Problem:
    finding = Finding("f.yaml", index, path, code, "wrong", None, on_key)
    (problem,) = yaml.locate([finding], lambda file: {"f.yaml": SPEC}[file])
    return problem


@pytest.mark.parametrize(
    ("path", "on_key", "line", "column"),
    [
        ((), False, 2, 1),
        ((), True, 2, 1),
        (("owner",), False, 4, 8),
        (("owner",), True, 4, 1),
        (("train",), False, 6, 3),
        (("train",), True, 5, 1),
        (("train", "params", "max_iter"), False, 6, 22),
        (("train", "params", "max_iter"), True, 6, 12),
        (("metrics", 1), False, 7, 20),
        (("metrics", 1), True, 7, 20),
        (("metrics", 7), False, 7, 10),
        (("train", "absent", "deeper"), True, 6, 3),
        (("owner", "path"), False, 4, 8),
    ],
)
def test_locate(path: tuple[str | int, ...], on_key: bool, line: int, column: int) -> None:
    assert located(path, on_key=on_key).place == Place("f.yaml", line, column)


def test_locate_gives_the_source_line_and_keeps_the_rest() -> None:
    problem = located(("name",))
    assert (problem.code, problem.message, problem.excerpt) == ("x/y", "wrong", "name: 1.10")


def test_locate_finds_later_documents_and_survives_missing_ones() -> None:
    assert located(("kind",), index=1).place == Place("f.yaml", 9, 7)
    assert located(("kind",), index=5).place == Place("f.yaml")


def test_locate_reads_each_file_once() -> None:
    asked: list[str] = []

    def content_of(file: str) -> bytes:
        asked.append(file)
        return SPEC

    yaml.locate([Finding("f.yaml", 0, (key,), "x/y", "wrong") for key in ("kind", "name", "owner")], content_of)
    assert asked == ["f.yaml"]


def test_a_text_that_yaml_read_as_a_number_is_shown_as_written() -> None:
    problem = located(("name",), code=NOT_TEXT)
    assert problem.message == "wrong: write '1.10' in quotes (YAML reads the number 1.1)"


def test_a_source_line_never_shows_a_secret() -> None:
    problem = located(("train", "params"))
    assert problem.excerpt == "  params: {max_iter: 200, password: ********}"


def test_no_problem_of_a_line_that_holds_a_found_secret_shows_it() -> None:
    content = b"params:\n  password:\n  - hunter22\n"
    path = ("params", "password", 0)
    findings = [Finding("f.yaml", 0, path, code, "wrong") for code in (SECRET, "x/y")]
    problems = yaml.locate([*findings, Finding("f.yaml", 0, (), "x/y", "wrong")], lambda _: content)
    assert [problem.excerpt for problem in problems] == [None, None, "params:"]


def test_a_very_long_line_is_cut_or_left_out() -> None:
    (problem,) = yaml.read("f.yaml", b"a: 007 # " + b"x" * 5000, "b")[1]
    assert problem.excerpt is not None and len(problem.excerpt) == 200
    (problem,) = yaml.read("f.yaml", b"a: [" + b"x, " * 500 + b"007]", "b")[1]
    assert problem.excerpt is None


def test_places_of_keys_with_the_deepest_part_that_is_there() -> None:
    paths = [("train", "params", "max_iter"), ("train", "seed"), ("metrics", 0), ()]
    found = yaml.places("f.yaml", SPEC, 0, paths)
    assert [(place.line, place.column) for place in found.values()] == [(6, 12), (6, 3), (7, 11), (2, 1)]
    assert yaml.places("f.yaml", b"a: [", 0, [("a",)]) == {("a",): Place("f.yaml")}


def mutations(content: bytes) -> st.SearchStrategy[bytes]:
    odd = [
        b"\t",
        b'"',
        b"'",
        b"&a ",
        b"*a",
        b"!!x ",
        b"[",
        b"]",
        b"{",
        b"}",
        b": ",
        b"\n---\n",
        b"\n",
        b"\xff",
        b"\0",
        b"1e9",
    ]
    odd += [
        "\u202e".encode(),
        b"%",
        b"? ",
        b"- ",
        b"|\n",
        b"<<: ",
        b"a:b",
        b"\\x",
        b"\r",
        b"\n...\n",
        b"\xf0\x9f\x98\x80",
    ]
    edit = st.tuples(st.integers(0, len(content)), st.integers(0, 12), st.sampled_from(odd) | st.binary(max_size=4))

    def apply(edits: list[tuple[int, int, bytes]]) -> bytes:
        changed = content
        for at, removed, added in edits:
            changed = changed[:at] + added + changed[at + removed :]
        return changed

    return st.lists(edit, min_size=1, max_size=6).map(apply)


@settings(max_examples=200, deadline=2000)
@given(
    st.sampled_from([path.read_bytes() for path in SPECS if path.stat().st_size]).flatmap(mutations)
    | st.binary(max_size=200)
)
@example(b'a: "\\U00110000"')
@example(b'a: [b:c, "\\U00110000"]')
@example(b'a: [b:c, "\\xzz"]')
@example(b"a: [b:c]\n%")
def test_no_bytes_make_it_raise_and_every_place_is_in_the_file(content: bytes) -> None:
    documents, problems = yaml.read("f.yaml", content, "b")
    lines = content.count(b"\n") + 1
    for problem in problems:
        assert problem.place is not None
        assert 0 <= problem.place.line <= lines
        assert problem.message
    findings = [Finding("f.yaml", document.index, (), "x/y", "wrong") for document in documents]
    assert all(problem.place and problem.place.line for problem in yaml.locate(findings, lambda _: content))
