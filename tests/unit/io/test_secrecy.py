"""What is hidden of an address in what git says about it."""

from __future__ import annotations

import pytest

from mlspec.io.git import hidden

REFUSED = "fatal: unable to access '{}/': Failed to connect to 127.0.0.1 port 1"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://bot:s3cr3t@h/r.git", "http://h/r.git"),
        ("http://bot:s3cr3t/TOKEN@h/r.git", "http://h/r.git"),
        ("http://bot:s3cr3t%2FTOKEN@h/r.git", "http://h/r.git"),
        ("http://s3cr3tTOKEN0123456789@h/r.git", "http://h/r.git"),
        ("http://h/r.git?private_token=s3cr3tTOKEN&ref=1", "http://h/r.git?private_token=***&ref=1"),
        ("/nowhere/bot:s3cr3tTOKEN@x", "/nowhere/bot:***@x"),
        ("git@h:team/r.git", "git@h:team/r.git"),
        ("ssh://git@h/team/r.git", "ssh://h/team/r.git"),
        ("http://h/r.git", "http://h/r.git"),
    ],
)
def test_an_address(address: str, told: str) -> None:
    assert hidden(REFUSED.format(address), [address]) == REFUSED.format(told)


@pytest.mark.parametrize(
    "said",
    [
        "fatal: unable to look up bot:s3cr3t/TOKEN@h (port 9418)",
        "remote: no such user: s3cr3t/TOKEN",
        "fatal: could not read Password for 'http://bot@h': s3cr3t%2FTOKEN",
    ],
)
def test_a_part_of_it_elsewhere_in_what_is_said(said: str) -> None:
    found = hidden(said, ["http://bot:s3cr3t%2FTOKEN@h/r.git"])
    assert "s3cr3t" not in found and "TOKEN" not in found


def test_an_address_that_nobody_configured_has_no_login_either() -> None:
    assert hidden("redirected to http://bot:s3cr3t@h/r.git", []) == "redirected to http://h/r.git"
