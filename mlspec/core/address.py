"""Addresses: `kind/name`, the identity of a resource; never a path."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME_PATTERN = r"[a-z][a-z0-9-]{0,62}"
_NAME = re.compile(NAME_PATTERN)


class Address(NamedTuple):
    """The identity of a resource. `str(Address.parse(text)) == text` for every valid address."""

    kind: str
    name: str

    def __str__(self) -> str:
        """Return the one written form, `kind/name`."""
        return f"{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `kind/name`.

        Raises:
            ValueError: the text has no such form.
        """
        kind, slash, name = text.partition("/")
        if not slash or not is_name(kind) or not is_name(name):
            raise ValueError(f"{text!r} is not an address; expected kind/name, as in model/income")
        return cls(kind, name)


def is_project(address: str) -> bool:
    """Say whether an address is `project/NAME`: what is recorded of the lineage as a whole, and of no resource."""
    return address.startswith("project/")


def is_name(text: str) -> bool:
    """Say whether text may name a kind or a resource."""
    return _NAME.fullmatch(text) is not None
