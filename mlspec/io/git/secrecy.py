"""What must not be told of an address: passwords and tokens, wherever they stand in it and however it is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

_HIDDEN = "***"
_SHORTEST = 4
_TOKEN = 16
"""A user's name of this length is a token: forges take one in its place."""
_LOGIN = re.compile(r"(\w://)[^/@\s]+@")
_PARAMETER = re.compile(r"[?&#][^=&#\s]*=([^&#\s]+)")
_PAIR = re.compile(r":([^:@/\s]+)@")


def hidden(text: str, addresses: Iterable[str]) -> str:
    """Return a text without the secrets of some addresses, and without any login in an address."""
    found = {secret for address in addresses for secret in _secrets(address) if len(secret) >= _SHORTEST}
    for secret in sorted(found | {unquote(secret) for secret in found}, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return _LOGIN.sub(r"\1", text)


def _secrets(address: str) -> Iterator[str]:
    yield from _PARAMETER.findall(address)
    yield from _PAIR.findall(address)
    _, scheme, rest = address.partition("://")
    login, at, _ = rest.rpartition("@")
    if not (scheme and at):
        return
    user, colon, password = login.partition(":")
    if colon:
        yield login
        yield password
    elif len(user) >= _TOKEN:
        yield user
