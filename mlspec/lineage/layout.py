"""The layout of the lineage branch: which path holds what, and the file that says so."""

from __future__ import annotations

import hashlib
from typing import Literal

from mlspec.core.address import Address
from mlspec.core.record import Value

LAYOUT = 1
FORMAT_PATH = "format.json"
HEADS = "heads"
LOG = "log"


class Layout(Value):
    """format.json: the layout's version, whose lineage this is, and what was deployed last."""

    format: Literal["mlspec.lineage/1"] = "mlspec.lineage/1"
    layout: int = LAYOUT
    project: str
    deploy: str
    commit: str | None = None


def head_path(address: str) -> str:
    """Return where the head of an address lies: `heads/model/3f/income.json`."""
    kind, name = Address.parse(address)
    spread = hashlib.sha256(name.encode()).hexdigest()[:2]
    return f"{HEADS}/{kind}/{spread}/{name}.json"


def ref(branch: str) -> str:
    """Return the full name of a branch."""
    return f"refs/heads/{branch}"
