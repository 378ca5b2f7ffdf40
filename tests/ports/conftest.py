"""What the suites of ports share: an S3 endpoint, run once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.s3 import Server, serve


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """An S3 endpoint on loopback, with a bucket."""
    with serve() as running:
        yield running
