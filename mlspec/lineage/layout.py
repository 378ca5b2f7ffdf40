"""The layout of the lineage branch: which path holds what, and the file that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Literal

from mlspec.core import digest as digests
from mlspec.core.address import Address
from mlspec.core.record import Value, to_json

LAYOUT = 1
FORMAT_PATH = "format.json"
HEADS = "heads"
LOG = "log"
FOLDERS = (HEADS, LOG)
HEADS_DEPTH = 4
"""How many folders deep the trees of heads lie; records lie deeper."""


class Layout(Value):
    """format.json: the layout's version, whose lineage this is, what was deployed last, and the seals.

    A seal is the id of the git tree of a folder in the commit that wrote this, and `digest` is that of all the rest; a
    lineage that was not written to since there are seals has neither.
    """

    format: Literal["mlspec.lineage/1"] = "mlspec.lineage/1"
    layout: int = LAYOUT
    project: str
    deploy: str
    commit: str | None = None
    heads: str | None = None
    log: str | None = None
    digest: str | None = None

    @property
    def own_digest(self) -> str:
        """Return the digest of everything but the digest."""
        return digests.of(to_json(self.model_copy(update={"digest": None})))

    def sealed(self, folders: Mapping[str, str]) -> Layout:
        """Return the layout with the seals of these trees, by folder, and its digest."""
        layout = self.model_copy(update={name: folders.get(name) for name in FOLDERS})
        return layout.model_copy(update={"digest": layout.own_digest})


def head_path(address: str) -> str:
    """Return where the head of an address lies: `heads/model/3f/income.json`."""
    kind, name = Address.parse(address)
    spread = hashlib.sha256(name.encode()).hexdigest()[:2]
    return f"{HEADS}/{kind}/{spread}/{name}.json"


def ref(branch: str) -> str:
    """Return the full name of a branch."""
    return f"refs/heads/{branch}"
