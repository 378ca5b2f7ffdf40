"""Which files an entrypoint reaches, what is said when it cannot be known, and when the digest changes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core import digest
from mlspec.planner import closure as module
from mlspec.planner.closure import Closure, closure
from mlspec.planner.code import MAX_FILE_BYTES, MAX_MODULE_BYTES, Code, decode_modules, encode_modules

TRAIN = "def train(rows, params, seed): ...\n"


class Files:
    """A tree in memory, which counts what is read."""

    def __init__(self, files: Mapping[str, str | bytes | None]) -> None:
        self.files = files
        self.reads: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.reads.append(path)
        content = self.files[path]
        return content.encode() if isinstance(content, str) else content

    def paths(self) -> Collection[str]:
        return self.files.keys()


def reached(files: Mapping[str, str | bytes | None], *globs: str, entry: str = "src/train.py:train") -> Closure:
    found, problems = closure(entry, globs, Files(files))
    assert found is not None, problems
    return found


def problems_of(files: Mapping[str, str | bytes | None], *globs: str, entry: str = "src/train.py:train") -> list[str]:
    """Return `place code: message (help)` of each problem, and check that errors leave no closure."""
    found, problems = closure(entry, globs, Files(files))
    assert (found is None) == any(problem.severity == "error" for problem in problems)
    return [f"{problem.place or '-'} {problem.code}: {problem.message} ({problem.help})" for problem in problems]


# what train.py says: the other files, those of them that it reaches
IMPORTS = {
    "nothing": ("", ["src/other.py", "other.py"], []),
    "a sibling": ("import a", ["src/a.py", "src/b.py"], ["src/a.py"]),
    "of the root": ("import a", ["a.py"], ["a.py"]),
    "the entrypoint's folder first": ("import a", ["a.py", "src/a.py"], ["src/a.py"]),
    "external": ("import numpy as np\nfrom sklearn.svm import SVC", ["src/a.py"], []),
    "renamed": ("import a as b", ["src/a.py", "src/b.py"], ["src/a.py"]),
    "several": ("import a, b", ["src/a.py", "src/b.py"], ["src/a.py", "src/b.py"]),
    "a name of a module": ("from a import b", ["src/a.py", "src/b.py"], ["src/a.py"]),
    "a package": ("import p", ["src/p/__init__.py", "src/p/a.py"], ["src/p/__init__.py"]),
    "a module of a package": ("import p.a", ["src/p/__init__.py", "src/p/a.py"], ["src/p/__init__.py", "src/p/a.py"]),
    "from a package": ("from p import a", ["src/p/__init__.py", "src/p/a.py"], ["src/p/__init__.py", "src/p/a.py"]),
    "deep": (
        "from p.q.a import f",
        ["src/p/__init__.py", "src/p/q/__init__.py", "src/p/q/a.py", "src/p/b.py"],
        ["src/p/__init__.py", "src/p/q/__init__.py", "src/p/q/a.py"],
    ),
    "a namespace package": ("from n.q import a", ["src/n/q/a.py", "src/n/b.py"], ["src/n/q/a.py"]),
    "a namespace package over two roots": (
        "import n.a, n.b",
        ["src/n/a.py", "n/b.py", "n/c.py"],
        ["src/n/a.py", "n/b.py"],
    ),
    "a package hides a namespace": (
        "import n.a, n.b",
        ["src/n/a.py", "n/__init__.py", "n/b.py"],
        ["n/__init__.py", "n/b.py"],
    ),
    "a package hides a module": ("import a", ["src/a.py", "src/a/__init__.py"], ["src/a/__init__.py"]),
    "a module has no submodules": ("import a.b", ["src/a.py", "a/b.py"], ["src/a.py"]),
    "relative": ("from . import a", ["src/a.py"], ["src/a.py"]),
    "relative module": ("from .a import f", ["src/a.py"], ["src/a.py"]),
    "relative, up": ("from ..lib import a", ["lib/a.py", "src/lib/a.py"], ["lib/a.py"]),
    "relative, up to the root": ("from .. import a", ["a.py", "src/a.py"], ["a.py"]),
    "relative, out of the repository": ("from ...lib import a", ["lib/a.py"], []),
    "in a function": ("def f():\n    import a", ["src/a.py"], ["src/a.py"]),
    "in a branch": ("if x:\n    import a\nelse:\n    import b", ["src/a.py", "src/b.py"], ["src/a.py", "src/b.py"]),
    "in a try": (
        "try:\n    import a\nexcept ImportError:\n    import b",
        ["src/a.py", "src/b.py"],
        ["src/a.py", "src/b.py"],
    ),
    "for types": ("if TYPE_CHECKING:\n    import a", ["src/a.py"], ["src/a.py"]),
    "in a class": ("class A:\n    import a", ["src/a.py"], ["src/a.py"]),
    "all of a module": ("from a import *", ["src/a.py", "src/b.py"], ["src/a.py"]),
    "by name": ("import importlib\nimportlib.import_module('p.a')", ["src/p/a.py"], ["src/p/a.py"]),
    "by keyword": ("import importlib\nimportlib.import_module(name='a')", ["src/a.py"], ["src/a.py"]),
    "by a renamed loader": ("from importlib import import_module as get\nget('a')", ["src/a.py"], ["src/a.py"]),
    "by the built-in": ("__import__('a')", ["src/a.py"], ["src/a.py"]),
    "by a relative name": ("import_module('.a', 'p.q')", ["p/q/a.py", "src/a.py"], ["p/q/a.py"]),
    "by a relative name, up": ("import_module('..a', package='p.q')", ["p/a.py", "p/q/a.py"], ["p/a.py"]),
    "relative to itself": ("import_module('.a', __package__)", ["src/a.py"], ["src/a.py"]),
    "a text that looks like one": ("'import a'  # import a", ["src/a.py"], []),
    "itself": ("import train", [], []),
}


@pytest.mark.parametrize(("says", "others", "expected"), IMPORTS.values(), ids=IMPORTS.keys())
def test_imports_are_found_as_python_finds_them(says: str, others: list[str], expected: list[str]) -> None:
    found = reached({"src/train.py": f"{says}\n{TRAIN}"} | dict.fromkeys(others, ""))
    assert list(found.files) == sorted(["src/train.py", *expected])


def test_imports_are_followed_to_the_end() -> None:
    files = {
        "src/train.py": f"from lib import model\n{TRAIN}",
        "src/lib/__init__.py": "from .base import Base",
        "src/lib/base.py": "import shared",
        "src/lib/model.py": "from . import base, missing",
        "src/lib/unused.py": "",
        "shared.py": "import train",
    }
    assert set(reached(files).files) == set(files) - {"src/lib/unused.py"}


def test_a_star_reaches_the_submodules_that_all_names() -> None:
    files = {
        "src/train.py": f"from p import *\n{TRAIN}",
        "src/p/__init__.py": "__all__ = ['a']\n__all__ += ('b', 'name')",
        "src/p/a.py": "",
        "src/p/b.py": "",
        "src/p/c.py": "",
    }
    assert set(reached(files).files) == set(files) - {"src/p/c.py"}


def test_a_star_of_its_own_package_reaches_what_all_names() -> None:
    files = {
        "src/train.py": f"from p.m import x\n{TRAIN}",
        "src/p/__init__.py": "__all__ = ['a']",
        "src/p/m.py": "from . import *\nx = 1",
        "src/p/a.py": "",
        "src/p/b.py": "",
    }
    assert set(reached(files).files) == set(files) - {"src/p/b.py"}


def test_a_file_of_a_package_finds_its_own_package_by_name() -> None:
    files = {
        "src/income/__init__.py": "",
        "src/income/jobs/__init__.py": "",
        "src/income/jobs/train.py": f"from income.features import f\n{TRAIN}",
        "src/income/features.py": "",
    }
    assert set(reached(files, entry="src/income/jobs/train.py:train").files) == set(files)


def test_an_entrypoint_may_lie_in_the_root() -> None:
    assert list(reached({"train.py": f"import a\n{TRAIN}", "a.py": ""}, entry="train.py:train").files) == [
        "a.py",
        "train.py",
    ]


def test_nothing_is_executed() -> None:
    assert reached({"src/train.py": f"import a\n{TRAIN}", "src/a.py": "raise SystemExit(1)"})


GLOBS = {
    "one file": ("src/q.sql", ["src/q.sql"]),
    "a star": ("src/*.sql", ["src/q.sql"]),
    "stars": ("src/**/*.sql", ["src/q.sql", "src/deep/er/r.sql", "src/deep/s.sql"]),
    "stars first": ("**/*.sql", ["src/q.sql", "src/deep/er/r.sql", "src/deep/s.sql", "t.sql"]),
    "all below": ("src/deep/**", ["src/deep/er/r.sql", "src/deep/s.sql", "src/deep/words.txt"]),
    "question mark": ("src/?.sql", ["src/q.sql"]),
    "a class": ("src/[p-r].sql", ["src/q.sql"]),
    "not a class": ("src/deep/[!w]*", ["src/deep/s.sql"]),
    "folders by pattern": ("*/deep/*.txt", ["src/deep/words.txt"]),
    "hidden, by name": ("src/.hidden/*.sql", ["src/.hidden/h.sql"]),
    "a special letter": ("src/a+(b).txt", ["src/a+(b).txt"]),
}
GLOBBED = {
    "t.sql": "",
    "src/q.sql": "",
    "src/deep/s.sql": "",
    "src/deep/words.txt": "",
    "src/deep/er/r.sql": "",
    "src/.hidden/h.sql": "",
    "src/a+(b).txt": "",
    "src/deep/__pycache__/x.sql": "",
    "src/deep/.DS_Store": "",
    ".git/x.sql": "",
    ".mlspec/store/y.sql": "",
}


@pytest.mark.parametrize(("glob", "expected"), GLOBS.values(), ids=GLOBS.keys())
def test_globs_add_files(glob: str, expected: list[str]) -> None:
    found = reached({"src/train.py": TRAIN} | GLOBBED, glob)
    assert list(found.files) == sorted(["src/train.py", *expected])


def test_python_files_count_by_syntax_and_others_by_bytes() -> None:
    files = {"src/train.py": TRAIN, "src/a.py": "import b", "src/b.py": "", "src/q.sql": "select 1"}
    first = reached(files, "src/a.py", "src/*.sql")
    assert list(first.files) == ["src/a.py", "src/b.py", "src/q.sql", "src/train.py"], "a listed file's imports too"
    assert first.files["src/q.sql"] == digest.of_bytes(b"select 1")
    assert reached(files | {"src/a.py": "import b  # why"}, "src/a.py", "src/*.sql") == first
    assert reached(files | {"src/q.sql": "select 1 -- why"}, "src/a.py", "src/*.sql").digest != first.digest


def test_the_digest_is_of_paths_and_digests() -> None:
    found = reached({"src/train.py": f"import b, a\n{TRAIN}", "src/a.py": "x = 1", "src/b.py": "y = 1"})
    assert found.digest == digest.of(dict(found.files))
    assert list(found.files) == sorted(found.files)


PROBLEMS: dict[str, tuple[dict[str, str | bytes | None], tuple[str, ...], list[str]]] = {
    "no file": (
        {"src/trian.py": TRAIN},
        (),
        ["- code/missing: there is no file `src/train.py` (did you mean `src/trian.py`?)"],
    ),
    "no file at all": ({}, (), ["- code/missing: there is no file `src/train.py` (None)"]),
    "unreadable": (
        {"src/train.py": None},
        (),
        ["src/train.py code/unreadable: this file cannot be read, or is a link out of the repository (None)"],
    ),
    "no function": (
        {"src/train.py": "def trian(): ...\ndef other(): ..."},
        (),
        ["- code/no-function: `src/train.py` has no function `train` at its top level (did you mean `trian`?)"],
    ),
    "other functions": (
        {"src/train.py": "def fit(): ...\ndef _private(): ..."},
        (),
        ["- code/no-function: `src/train.py` has no function `train` at its top level (it defines `fit`)"],
    ),
    "only a method": (
        {"src/train.py": "class A:\n    def train(self): ..."},
        (),
        ["- code/no-function: `src/train.py` has no function `train` at its top level (it defines `A`)"],
    ),
    "only inside": (
        {"src/train.py": "def f():\n    def train(): ..."},
        (),
        ["- code/no-function: `src/train.py` has no function `train` at its top level (it defines `f`)"],
    ),
    "only declared": (
        {"src/train.py": "train: object\nx = [train for train in []]"},
        (),
        ["- code/no-function: `src/train.py` has no function `train` at its top level (None)"],
    ),
    "async": (
        {"src/train.py": "\nasync def train(): ..."},
        (),
        [
            "src/train.py:2 code/no-function: `train` is async; "
            "an entrypoint is called as a plain function (write `def`, not `async def`)"
        ],
    ),
    "broken files, all at once": (
        {"src/train.py": f"import a, b\n{TRAIN}", "src/a.py": "x = (", "src/b.py": "\ny = ["},
        (),
        [
            "src/b.py:2:5 code/syntax: Python cannot read this: '[' was never closed (None)",
            "src/a.py:1:5 code/syntax: Python cannot read this: '(' was never closed (None)",
        ],
    ),
    "a glob for nothing": (
        {"src/train.py": TRAIN, "src/q.sql": ""},
        ("src/p.sql", "x/**"),
        [
            "- code/glob-nothing: `src/p.sql` matches no file (did you mean `src/q.sql`?)",
            "- code/glob-nothing: `x/**` matches no file (None)",
        ],
    ),
    "a folder": (
        {"src/train.py": TRAIN, "src/sql/q.sql": ""},
        ("src/sql",),
        ["- code/glob-folder: `src/sql` is a folder (write `src/sql/**` for all files below it)"],
    ),
}


@pytest.mark.parametrize(("files", "globs", "expected"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_errors_say_what_where_and_what_to_do(
    files: dict[str, str | bytes | None], globs: tuple[str, ...], expected: list[str]
) -> None:
    assert problems_of(files, *globs) == expected


@pytest.mark.parametrize(
    "says",
    [
        "from a import train",
        "from a import f as train",
        "from a import *",
        "import a as train",
        "train = make()",
        "other = train = make()",
        "train: object = make()",
        "(train, other) = make()",
        "class train: ...",
        "if x:\n    def train(): ...\nelse:\n    train = None",
        "try:\n    from a import train\nexcept ImportError:\n    pass",
        "with x:\n    def train(): ...",
    ],
)
def test_a_function_may_be_bound_in_other_ways(says: str) -> None:
    assert problems_of({"src/train.py": says}) == []


DYNAMIC = {
    "a name": ("import importlib\nimportlib.import_module(name)", "src/train.py:2:1", "import_module"),
    "text and name": ("import importlib\nimportlib.import_module('a.' + name)", "src/train.py:2:1", "import_module"),
    "filled text": ("import importlib\nimportlib.import_module(f'a.{name}')", "src/train.py:2:1", "import_module"),
    "built-in": ("é = __import__(name)", "src/train.py:1:5", "__import__"),
    "renamed": ("from importlib import import_module as get\nget(name)", "src/train.py:2:1", "get"),
    "relative to a name": ("import_module('.a', name)", "src/train.py:1:1", "import_module"),
    "no name": ("import_module()", "src/train.py:1:1", "import_module"),
    "a file": (
        "import importlib.util as u\nu.spec_from_file_location('a', path)",
        "src/train.py:2:1",
        "spec_from_file_location",
    ),
    "run": ("import runpy\nrunpy.run_path('a.py')", "src/train.py:2:1", "run_path"),
    "search path": ("import sys\nsys.path.insert(0, 'lib')", "src/train.py:2:1", "sys.path.insert"),
    "renamed by hand": ("import importlib\nget = importlib.import_module\nget(name)", "src/train.py:3:1", "get"),
    "a renamed file loader": ("from runpy import run_path as run\nrun('a.py')", "src/train.py:2:1", "run"),
    "exec": ("def f(text):\n    exec(text)", "src/train.py:2:5", "exec"),
    "more search path": ("import sys\nsys.path += ['lib']", "src/train.py:2:1", "sys.path +="),
    "another search path": ("import sys\nsys.path = ['lib']", "src/train.py:2:1", "sys.path ="),
    "a slice of the search path": ("import sys\nsys.path[:0] = ['lib']", "src/train.py:2:1", "sys.path ="),
    "search path by another name": ("import sys as s\ns.path.append('lib')", "src/train.py:2:1", "sys.path.append"),
    "search path by itself": ("from sys import path\npath.append('lib')", "src/train.py:2:1", "sys.path.append"),
    "site": ("import site\nsite.addsitedir('lib')", "src/train.py:2:1", "addsitedir"),
}


@pytest.mark.parametrize(("says", "place", "call"), DYNAMIC.values(), ids=DYNAMIC.keys())
def test_what_cannot_be_followed_is_a_warning(says: str, place: str, call: str) -> None:
    found, problems = closure("src/train.py:train", (), Files({"src/train.py": f"{says}\n{TRAIN}"}))
    assert found is not None
    (problem,) = problems
    assert (problem.code, problem.severity, str(problem.place)) == ("code/dynamic-import", "warning", place)
    assert f"`{call}`" in problem.message
    assert problem.excerpt == says.splitlines()[problem.place.line - 1]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "says",
    [
        "cursor.exec(query)",
        "import os\nos.path.join('a', 'b')",
        "path = []\npath.append('a')\npath += ['b']",
        "import sys\nprint(sys.path)",
        "self.path = 'a'",
    ],
)
def test_what_only_looks_like_it_is_no_warning(says: str) -> None:
    assert problems_of({"src/train.py": f"{says}\n{TRAIN}"}) == []


HARD = {
    "chains of packages": (
        "import p.q",
        {
            "src/p/__init__.py": "from .q import deep",
            "src/p/q/__init__.py": "from . import deep",
            "src/p/q/deep.py": "",
        },
    ),
    "relative, in a package of the root": (
        "from lib.a import f",
        {"lib/__init__.py": "", "lib/a.py": "from .c.b import y", "lib/c/b.py": "from ..d import z", "lib/d.py": ""},
    ),
    "a namespace, relative": (
        "from n.a import f",
        {"src/n/a.py": "from . import b\nfrom .c import g", "src/n/b.py": "", "src/n/c.py": ""},
    ),
    "in a method, under a condition": (
        "class A:\n    def f(self):\n        if self.x:\n            from a import b",
        {"src/a.py": "def g():\n    import c", "src/c.py": ""},
    ),
    "by a renamed loader, constant": (
        "import importlib\nget = importlib.import_module\nget('a')",
        {"src/a.py": ""},
    ),
    "on another system": (
        "import sys\nif sys.platform == 'win32':\n    import a\nelif sys.version_info < (3, 12):\n    import b",
        {"src/a.py": "", "src/b.py": ""},
    ),
    "each other": ("import a", {"src/a.py": "import b", "src/b.py": "import a, train"}),
}


@pytest.mark.parametrize(("says", "others"), HARD.values(), ids=HARD.keys())
def test_hard_cases_reach_every_file(says: str, others: dict[str, str | bytes | None]) -> None:
    files: dict[str, str | bytes | None] = {"src/train.py": f"{says}\n{TRAIN}", **others}
    assert problems_of({**files}) == []
    assert set(reached(files).files) == set(files)


def test_listing_python_files_answers_the_warning() -> None:
    files = {"src/train.py": f"__import__(name)\n{TRAIN}", "src/plugins/a.py": "", "src/q.sql": ""}
    assert len(problems_of(files, "src/*.sql")) == 1
    assert problems_of(files, "src/plugins/*.py") == []


def test_code_has_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    large: dict[str, str | bytes | None] = {
        "src/train.py": TRAIN + "#" * MAX_MODULE_BYTES,
        "src/a.sql": b" " * (MAX_FILE_BYTES + 1),
    }
    assert [problem.split(":")[0] for problem in problems_of(large, "src/a.sql")] == [
        "src/train.py code/too-large",
        "src/a.sql code/too-large",
    ]
    monkeypatch.setattr(module, "MAX_FILES", 9)
    many = {"src/train.py": TRAIN} | {f"src/{n}.sql": "" for n in range(9)}
    assert problems_of(many, "src/*.sql") == [
        "- code/too-many: the code of this model has more than 9 files (narrow the globs of `code`)"
    ]
    assert problems_of(many, "src/[1-8].sql") == []


def test_many_entrypoints_of_a_tree_read_each_file_once() -> None:
    shared = {f"src/lib/m{n}.py": f"x = {n}\nimport lib.m{(n + 1) % 9}" for n in range(9)}
    entries = {f"src/train{n}.py": f"import lib.m0, lib.m3\nx = {n}\n{TRAIN}" for n in range(5)}
    tree = Files(shared | entries)
    alone = [closure(f"{entry}:train", (), tree) for entry in entries]
    assert len(tree.reads) == len(entries) * (1 + len(shared))
    tree.reads.clear()
    code = Code(tree)
    assert [closure(f"{entry}:train", (), tree, code) for entry in entries] == alone
    assert sorted(tree.reads) == sorted(shared | entries)


def test_modules_that_were_kept_are_not_parsed_again() -> None:
    files = {"src/train.py": f"from a import *\n__import__(name)\n{TRAIN}", "src/a.py": "__all__ = ['b']"}
    code = Code(Files(files))
    before = closure("src/train.py:train", (), Files(files), code)
    kept = decode_modules(encode_modules(code.modules))
    assert kept == code.modules
    marked = {key: module._replace(digest=f"kept {number}") for number, (key, module) in enumerate(kept.items())}
    after, problems = closure("src/train.py:train", (), Files(files), Code(Files(files), marked))
    assert after is not None
    assert set(after.files.values()) == {"kept 0", "kept 1"}
    assert problems == before[1]


def test_one_tree_serves_entrypoints_with_other_roots() -> None:
    files = {
        "a/train.py": f"import m\n{TRAIN}",
        "b/train.py": f"import m\nimport a.train\n{TRAIN}",
        "a/m.py": "",
        "b/m.py": "",
    }
    code = Code(Files(files))
    one, _ = closure("a/train.py:train", (), Files(files), code)
    two, _ = closure("b/train.py:train", (), Files(files), code)
    assert one is not None
    assert two is not None
    assert list(one.files) == ["a/m.py", "a/train.py"]
    assert list(two.files) == ["a/train.py", "b/m.py", "b/train.py"]


def test_equal_bytes_in_two_places_are_resolved_from_each() -> None:
    files = {
        "src/train.py": f"import p.a, q.a\n{TRAIN}",
        "src/p/a.py": "from . import b",
        "src/p/b.py": "",
        "src/q/a.py": "from . import b",
        "src/q/b.py": "",
    }
    assert set(reached(files).files) == set(files)


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, set[int]]:
    """Draw which of a few modules imports which; module 0 is the entrypoint's."""
    count = draw(st.integers(1, 8))
    return {n: draw(st.sets(st.integers(0, count - 1))) for n in range(count)}


def written(graph: Mapping[int, set[int]]) -> dict[str, str]:
    return {
        f"src/m{n}.py": "\n".join([f"import m{other}" for other in sorted(others)] + [f"value = {n}\n{TRAIN}"])
        for n, others in graph.items()
    }


def reachable(graph: Mapping[int, set[int]]) -> set[int]:
    seen, waiting = {0}, [0]
    while waiting:
        new = graph[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


@given(graphs(), st.data())
def test_a_change_counts_exactly_when_it_is_reached(graph: dict[int, set[int]], draws: st.DataObject) -> None:
    files = written(graph)
    before = reached(files, entry="src/m0.py:train")
    assert set(before.files) == {f"src/m{n}.py" for n in reachable(graph)}

    changed = draws.draw(st.sampled_from(sorted(graph)))
    path = f"src/m{changed}.py"
    commented = files | {path: f"# why\n\n{files[path]}\n\n# end"}
    assert reached(commented, entry="src/m0.py:train") == before
    edited = files | {path: f"{files[path]}\nvalue = -1"}
    assert (reached(edited, entry="src/m0.py:train") != before) == (changed in reachable(graph))
    turned = dict(reversed(files.items()))
    assert reached(turned, entry="src/m0.py:train") == before
