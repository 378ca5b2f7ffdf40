"""Options of the whole test suite, and the figures that its tests tell."""

from __future__ import annotations

import os

import pytest

# what a page shows and what was printed, line by line, when they differ
pytest.register_assert_rewrite("tests.console")
os.environ.pop("CI", None)  # tests play people at their machines, also where a runner runs them; see test_store_in_ci


def pytest_addoption(parser: pytest.Parser) -> None:
    """Golden files change only through this flag, and a read diff."""
    parser.addoption("--update-golden", action="store_true", help="write what the tests see into their golden files")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured: each `record_property("figure", "…")`."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    figures = [str(value) for report in reports for name, value in report.user_properties if name == "figure"]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write_line("\n".join(sorted(figures)))
