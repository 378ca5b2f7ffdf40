"""What a lock file pins, and what is said of one that leaves anything open, at its line."""

from __future__ import annotations

import pytest
from packaging.requirements import Requirement

from mlspec.planner.lock import form_of, lacking, read
from mlspec.planner.requirements import Pin

HASH = "--hash=sha256:" + "0" * 64
NO_VERSION = "is not pinned to one version"
BAD: dict[str, tuple[str, str, list[str]]] = {
    "a range": ("requirements.lock", "pandas>=2\n", ["1 environment/not-pinned `pandas` " + NO_VERSION + ": >=2"]),
    "any version": ("r.txt", "\n# why\npandas\n", [f"3 environment/not-pinned `pandas` {NO_VERSION}: any version"]),
    "a prefix": ("r.txt", "pandas==2.*\n", [f"1 environment/not-pinned `pandas` {NO_VERSION}: ==2.*"]),
    "two bounds": ("r.txt", "a==1\npandas==2,!=2.1\n", [f"2 environment/not-pinned `pandas` {NO_VERSION}: !=2.1,==2"]),
    "an address": (
        "r.txt",
        "a @ https://example.org/a.whl\n",
        ["1 environment/not-pinned `a` is taken from an address that may hold something else tomorrow"],
    ),
    "a repository": (
        "r.txt",
        f"a @ git+https://example.org/a {HASH}\n",
        ["1 environment/not-pinned `a` is taken from an address that may hold something else tomorrow"],
    ),
    "another file": ("r.txt", "-r b.txt\n", ["1 environment/form `-r` brings in another file: a lock is one file"]),
    "an editable install": (
        "r.txt",
        "-e .\n",
        ["1 environment/form an editable install is a folder that may change: no lock holds it"],
    ),
    "an option": ("r.txt", "--no-binary :all:\n", ["1 environment/form `--no-binary` is no option of a lock"]),
    "an option of a package": (
        "r.txt",
        "a==1 --config-settings=x\n",
        ["1 environment/form `--config-settings=x` is no option of a lock"],
    ),
    "a path": (
        "r.txt",
        "./a.whl\n",
        ["1 environment/form `./a.whl` is no requirement: Expected package name at the start of dependency specifier"],
    ),
    "half of the hashes": (
        "r.txt",
        f"a==1 \\\n  {HASH}\nb==1\n",
        ["3 environment/no-hash `b` has no hash, while others have"],
    ),
    "two versions": (
        "r.txt",
        "a==1\nb==1\na==2\n",
        ["3 environment/contradiction `a` is pinned to 2, and on line 1 to 1"],
    ),
    "not text": ("r.txt", "\udcff", ["0 environment/form `r.txt` is not UTF-8 text"]),
    "another tool's": ("poetry.lock", "", ["0 environment/form `poetry.lock` is no lock of a known form"]),
    "no lock at all": ("environment.yml", "", ["0 environment/form `environment.yml` is no lock of a known form"]),
    "no TOML": (
        "pylock.toml",
        "a = 1\nb = \n",
        ["2 environment/form this is no TOML: Invalid value (at line 2, column 5)"],
    ),
    "an empty pylock": (
        "pylock.toml",
        "",
        ["0 environment/form `pylock.toml` lacks `lock-version`, which every such file has"],
    ),
    "a pylock without packages": (
        "pylock.toml",
        'lock-version = "1.0"\n',
        ["0 environment/form `pylock.toml` lacks `packages`, which every such file has"],
    ),
    "a pylock of another shape": (
        "pylock.toml",
        'lock-version = "1.0"\npackages = 3\n',
        ["0 environment/form `pylock.toml` is no pylock.toml that is known"],
    ),
    "a uv.lock without packages": (
        "uv.lock",
        "version = 1\n",
        ["0 environment/form `uv.lock` lacks `package`, which every such file has"],
    ),
    "a newer pylock": (
        "pylock.dev.toml",
        'lock-version = "2.0"\n',
        ["0 environment/form `pylock.dev.toml` has lock-version 2.0; 1.0 is known"],
    ),
    "a folder": (
        "pylock.toml",
        'lock-version = "1.0"\n[[packages]]\nname = "a"\ndirectory = {path = "."}\n',
        ["0 environment/form `pylock.toml` locks `a` to a folder or a repository, which nothing pins for good"],
    ),
    "a newer uv.lock": ("uv.lock", "version = 2\n", ["0 environment/form `uv.lock` has version 2; 1 is known"]),
    "a workspace without a project": (
        "uv.lock",
        'version = 1\n[[package]]\nname = "a"\nsource = {editable = "a"}\n',
        [
            "0 environment/form `uv.lock` locks no project of its own folder: "
            "lock one with `uv lock` where its pyproject.toml is"
        ],
    ),
}
UV = """\
version = 1
requires-python = ">=3.11"
[[package]]
name = "mine"
version = "0.1"
source = { virtual = "." }
dependencies = [{ name = "pandas", extra = ["fast"] }]
[package.optional-dependencies]
plots = [{ name = "matplotlib" }]
[package.dev-dependencies]
dev = [{ name = "pytest" }]
[[package]]
name = "pandas"
version = "3.1.1"
source = { registry = "https://example.org/simple" }
dependencies = [{ name = "numpy", marker = "python_full_version < '3.12'" }]
[package.optional-dependencies]
fast = [{ name = "bottleneck" }]
[[package]]
name = "numpy"
version = "2.4.6"
source = { registry = "https://example.org/simple" }
dependencies = [{ name = "pandas" }]
[[package]]
name = "bottleneck"
version = "1.6"
source = { registry = "https://example.org/simple" }
[[package]]
name = "matplotlib"
version = "3.11"
source = { registry = "https://example.org/simple" }
[[package]]
name = "pytest"
version = "9.1"
source = { registry = "https://example.org/simple" }
"""


@pytest.mark.parametrize(("path", "text", "said"), BAD.values(), ids=list(BAD))
def test_what_is_wrong(path: str, text: str, said: list[str]) -> None:
    lock, problems = read(path, text.encode("utf-8", "surrogateescape"))
    assert lock is None
    assert [
        f"{problem.place.line if problem.place else ''} {problem.code} {problem.message}" for problem in problems
    ] == said


def test_requirements() -> None:
    text = (
        "# made by a tool\n--index-url https://example.org/simple\n"
        f"Scikit_Learn[x]==1.9.1 ; python_version < '4' \\\r\n    {HASH} \\\n    {HASH}  # why\n\n"
        f"a @ https://example.org/a-1.whl {HASH}\nnumpy==1.0 ; python_version < '3' {HASH}\n"
        f"numpy==2.0 ; python_version >= '3' {HASH}"
    )
    lock, problems = read("requirements/train.txt", text.encode())
    assert problems == []
    assert lock is not None
    assert lock.hashed
    assert lock.pins == (
        Pin("scikit-learn", "1.9.1", 'python_version < "4"', 3, hashed=True),
        Pin("a", None, None, 7, hashed=True),
        Pin("numpy", "1.0", 'python_version < "3"', 8, hashed=True),
        Pin("numpy", "2.0", 'python_version >= "3"', 9, hashed=True),
    )


def test_a_uv_lock_holds_what_its_project_reaches() -> None:
    lock, problems = read("uv.lock", UV.encode())
    assert problems == []
    assert lock is not None
    assert (lock.project, lock.python) == ("mine", ">=3.11")
    assert {(pin.name, pin.version) for pin in lock.pins} == {
        ("pandas", "3.1.1"),
        ("numpy", "2.4.6"),
        ("bottleneck", "1.6"),
    }


def test_a_pylock() -> None:
    text = 'lock-version = "1.0"\nrequires-python = ">=3.11"\n[[packages]]\nname = "A.b"\nversion = "1.0"\n'
    lock, problems = read("pylock.toml", (text + "marker = \"'x' in extras\"\n").encode())
    assert problems == []
    assert lock is not None
    assert lock.pins == (Pin("a-b", "1.0", '"x" in extras', hashed=True),)
    assert lock.python == ">=3.11"


def test_what_a_lock_lacks() -> None:
    lock, _ = read("r.txt", b"pandas==1.5\npyarrow==26.0\nscipy @ https://example.org/scipy.whl#sha256=00\n")
    assert lock is not None
    needed = [Requirement(text) for text in ("pandas>=2.2", "pyarrow>=18", "scipy>=1.14", "Skops>=0.12")]
    assert lacking(lock, needed) == ["pandas>=2.2", "Skops>=0.12"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("uv.lock", "uv"),
        ("a/uv.lock", "uv"),
        ("pylock.toml", "pylock"),
        ("pylock.train.toml", "pylock"),
        ("locks/train.txt", "requirements"),
        ("requirements.lock", "requirements"),
        ("Pipfile.lock", None),
        ("pyproject.toml", None),
    ],
)
def test_the_form_goes_by_the_name(path: str, form: str | None) -> None:
    assert form_of(path) == form
