"""What counts as a change of Python code, and what does not, on every Python."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.problem import MlspecError
from mlspec.planner.imports import read_module
from mlspec.planner.syntax import digest_source

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "cases" / "code" / "golden"
GOLDEN_FILES = sorted(GOLDEN.glob("*.py"))
OTHER_PYTHONS = [f"python3.{minor}" for minor in (11, 12, 13, 14) if minor != sys.version_info.minor]


def digest(text: str) -> str:
    return digest_source(text.encode("utf-8", "surrogatepass"), "src/train.py")


@pytest.mark.parametrize("file", GOLDEN_FILES, ids=lambda file: file.stem)
def test_the_digest_of_a_file_never_changes(file: Path, request: pytest.FixtureRequest) -> None:
    golden = file.with_suffix(".digest")
    seen = digest_source(file.read_bytes(), file.name)
    if request.config.getoption("--update-golden"):
        golden.write_text(seen + "\n", encoding="ascii")
    assert seen == golden.read_text(encoding="ascii").strip()


@pytest.mark.parametrize("name", OTHER_PYTHONS)
def test_other_pythons_see_the_same_digests(name: str) -> None:
    python = shutil.which(name)
    if python is None or subprocess.run([python, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"{name} is not installed")
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from mlspec.planner.syntax import digest_source\n"
        "for file in sys.argv[2:]: print(digest_source(Path(file).read_bytes(), file))"
    )
    argv = [python, "-I", "-B", "-c", program, str(ROOT), *map(str, GOLDEN_FILES)]
    seen = subprocess.run(argv, capture_output=True, check=True, text=True).stdout.split()
    assert seen == [file.with_suffix(".digest").read_text(encoding="ascii").strip() for file in GOLDEN_FILES]


EQUAL = {
    "comment": ("x = 1", "# why\nx = 1  # one\n"),
    "blank lines": ("x = 1\ny = 2", "\n\nx = 1\n\n\n\ny = 2\n\n"),
    "semicolon": ("x = 1\ny = 2", "x = 1; y = 2"),
    "line ends": ("x = '''a\nb'''\ny = 2\n", "x = '''a\r\nb'''\r\ny = 2\r\n"),
    "byte order mark": ("x = 'é'", "\ufeffx = 'é'"),
    "indentation": ("if x:\n    y\n", "if x:\n\ty\n"),
    "parentheses": ("x = 1 + 2", "x = ((1) + \\\n 2)"),
    "trailing comma": ("f(a, b)", "f(\n    a,\n    b,\n)"),
    "quotes": ("x = 'a'", 'x = """a"""'),
    "prefix": ("x = 'a'", "x = u'a'"),
    "raw text": ("x = '\\\\d'", "x = r'\\d'"),
    "unknown escape": ("x = '\\\\d'", "x = '\\d'"),
    "joined text": ("x = 'ab'", "x = 'a' 'b'"),
    "number": ("x = 1000", "x = 1_000"),
    "base": ("x = 255", "x = 0xFF"),
    "float": ("x = 0.001", "x = 1e-3"),
    "module docstring": ("import a", '"""Text."""\nimport a'),
    "other docstring": ('"""One."""\nimport a', '"""Two."""\nimport a'),
    "function docstring": ("def f():\n    return 1", 'def f():\n    "Text."\n    return 1'),
    "async docstring": ("async def f():\n    return 1", 'async def f():\n    "Text."\n    return 1'),
    "class docstring": ("class A:\n    x = 1", 'class A:\n    "Text."\n    x = 1'),
    "only a docstring": ("def f():\n    pass", 'def f():\n    "Text."'),
    "ellipsis as body": ("def f():\n    pass", "def f(): ..."),
    "attribute docstring": ("class A:\n    x = 1", 'class A:\n    x = 1\n    "Text."'),
    "empty file": ("", '"""Text."""\n'),
    "empty else": ("if x:\n    y", "if x:\n    y\nelse:\n    pass"),
    "f-string pieces": ("x = f'a{b}cd'", "x = 'a' f'{b}' 'c' 'd' f'' ''"),
    "f-string without format": ("x = f'{b}'", "x = f'{b:}'"),
    "f-string spaces": ("x = f'{b}'", "x = f'{ b }'"),
    "type comment": ("x = []", "x = []  # type: list[int]"),
    "look-alike letters": ("\u0066\u0069 = 1", "\ufb01 = 1"),
}
DIFFERENT = {
    "name": ("x = 1", "y = 1"),
    "value": ("x = 1", "x = 2"),
    "type of number": ("x = 1", "x = 1.0"),
    "truth": ("x = 1", "x = True"),
    "text or bytes": ("x = 'a'", "x = b'a'"),
    "text or number": ("x = '1'", "x = 1"),
    "text or nothing": ("x = 'None'", "x = None"),
    "sign of zero": ("x = 0.0", "x = -0.0"),
    "default": ("def f(*, a): g", "def f(*, a=None): g"),
    "which default": ("def f(*, a, b=1): g", "def f(*, a=1, b): g"),
    "kind of argument": ("def f(a, b): g", "def f(a, /, b): g"),
    "annotation": ("def f(a): g", "def f(a: int): g"),
    "decorator": ("def f(): g", "@d\ndef f(): g"),
    "order": ("a()\nb()", "b()\na()"),
    "nesting": ("if a:\n    b\nc", "if a:\n    b\n    c"),
    "operator": ("a + b", "a - b"),
    "grouping": ("a + b + c", "a + (b + c)"),
    "comparison": ("a < b < c", "(a < b) < c"),
    "level of import": ("from . import a", "from .. import a"),
    "import alias": ("import a", "import a as b"),
    "async": ("def f(): g()", "async def f(): g()"),
    "async loop": ("async def f():\n [a for a in b]", "async def f():\n [a async for a in b]"),
    "conversion": ("f'{a}'.b()", "f'{a!r}'.b()"),
    "format": ("f'{a}'.b()", "f'{a:>3}'.b()"),
    "where the text is": ("f('a', 'b')", "f('ab', '')"),
    "text like structure": ("f('a\\n)')", "f('a')"),
    "f-string or text": ("x = f'{a}'", "x = '{a}'"),
    "spread": ("{**a}", "{a: a}"),
    "removed statement": ("a()\nb()", "a()"),
    "except star": ("try:\n a()\nexcept E:\n b()", "try:\n a()\nexcept* E:\n b()"),
    "unpacking": ("a, = b", "a = b"),
    "global": ("def f():\n global a\n a = 1", "def f():\n a = 1"),
    "simple annotation": ("x: int = 1", "(x): int = 1"),
}


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL.keys())
def test_formatting_is_no_change(one: str, other: str) -> None:
    assert digest(one) == digest(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_another_meaning_is_a_change(one: str, other: str) -> None:
    assert digest(one) != digest(other)


def test_the_encoding_of_a_file_is_no_change() -> None:
    for name in ("latin-1", "iso-8859-15", "cp1252", "utf8", "UTF_8"):
        declared = f"# -*- coding: {name} -*-\nx = 'é'".encode(name)
        assert digest_source(declared, "a.py") == digest("x = 'é'")


BROKEN = {
    "unclosed": (b"x = 1\ny = (\n", "code/syntax", "src/a.py:2:5"),
    "unfinished text": (b"a = 'b\n", "code/syntax", "src/a.py:1:5"),
    "wrong word": (b"x = 1\nfor for\n", "code/syntax", "src/a.py:2:5"),
    "old Python": (b"print 1\n", "code/syntax", "src/a.py:1:1"),
    "not indented": (b"if x:\ny\n", "code/syntax", "src/a.py:2:1"),
    "wrong bytes": (b"x = 1\ny = '\xff'\n", "code/syntax", "src/a.py"),
    "null": (b"a\0b", "code/syntax", "src/a.py"),
    "unknown encoding": (b"# coding: nonsense\n", "code/syntax", "src/a.py"),
    "rare encoding": (b"# coding: utf-7\n" + b"+AAo-" * 99 + b"import_module(x)", "code/encoding", "src/a.py:1"),
    "slow encoding": (b"#coding: punycode\n-" + b"9" * 1_000_000, "code/encoding", "src/a.py:1"),
    "too many digits": (b"x = " + b"9" * 5000, "code/syntax", "src/a.py:1"),
    "deep brackets": (b"(" * 1000, "code/syntax", "src/a.py:1:201"),
    "deep signs": (b"-" * 100_000 + b"1", "code/too-deep", "src/a.py"),
}


@pytest.mark.parametrize(("source", "code", "place"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_a_problem_with_its_place(source: bytes, code: str, place: str) -> None:
    with pytest.raises(MlspecError) as caught:
        digest_source(source, "src/a.py")
    (problem,) = caught.value.problems
    assert problem.code == code
    assert str(problem.place).startswith(place)
    assert problem.excerpt is None or len(problem.excerpt) <= 200


def test_what_can_be_parsed_has_a_digest_however_deep() -> None:
    assert digest("x = " + "+".join(["a"] * 900)) != digest("x = " + "+".join(["a"] * 901))


def test_a_number_of_any_length_has_a_digest() -> None:
    assert digest("x = 0x" + "f" * 10_000) != digest("x = 0x" + "f" * 9_999 + "e")


def programs() -> st.SearchStrategy[str]:
    """Make small programs: statements of assignments, calls and branches over a few names."""
    name = st.sampled_from(["a", "b", "rate", "rows", "fit"])
    atom = name | st.integers(-9, 99).map(str) | st.floats(0, 10).map(repr) | st.text(max_size=4).map(repr)
    value = st.recursive(
        atom,
        lambda inner: st.one_of(
            st.builds("({} + {})".format, inner, inner),
            st.builds("{}({}, key={})".format, name, inner, inner),
            st.builds("[{}, {}]".format, inner, inner),
            st.builds("f'text {{({})!r:>8}}'".format, name),
        ),
        max_leaves=5,
    )
    line = st.builds("{} = {}".format, name, value) | st.builds("if {}: {} = {}".format, value, name, value)
    return st.lists(line, min_size=1, max_size=6).map("\n".join)


@given(
    programs(), st.lists(st.sampled_from(["# why", "", "   ", "#: x = 1", "'a text'", "pass"]), min_size=6, max_size=6)
)
def test_comments_and_idle_lines_between_statements_change_nothing(program: str, lines: list[str]) -> None:
    woven = [line for pair in zip(program.split("\n"), lines, strict=False) for line in (*pair, "  # and")]
    spaced = "\n".join(line for line in woven if line.strip() or not line)
    assert digest(spaced) == digest(program)


@given(programs())
def test_writing_a_program_anew_changes_nothing(program: str) -> None:
    assert digest(ast.unparse(ast.parse(program))) == digest(program)


@given(programs(), programs())
def test_digests_are_equal_exactly_when_the_syntax_is(one: str, other: str) -> None:
    same = ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    assert (digest(one) == digest(other)) == same


@given(programs())
def test_renaming_a_variable_is_a_change(program: str) -> None:
    tree = ast.parse(program)
    target = next(node for node in ast.walk(tree) if isinstance(node, ast.Name))
    before, target.id = digest(program), "renamed"
    assert digest(ast.unparse(tree)) != before


@pytest.mark.parametrize("file", GOLDEN_FILES, ids=lambda file: file.stem)
def test_formatting_whole_files_anew_changes_nothing(file: Path) -> None:
    source = file.read_bytes()
    if "\\ud800" not in source.decode():
        assert digest(ast.unparse(ast.parse(source))) == digest_source(source, file.name)


@given(st.binary(max_size=60) | st.text("():[]{}'\"\\\n\t\0#=,.@*fab1 \u00e9\ufeff", max_size=60).map(str.encode))
def test_any_bytes_have_a_digest_or_a_problem_with_a_place(source: bytes) -> None:
    try:
        seen = read_module(source, "src/a.py").digest
    except MlspecError as error:
        (problem,) = error.problems
        assert problem.place is not None
        assert problem.place.file == "src/a.py"
    else:
        assert seen == digest_source(source, "src/a.py")
