"""Options of the whole test suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Golden files change only through this flag, and a read diff."""
    parser.addoption("--update-golden", action="store_true", help="write what the tests see into their golden files")
