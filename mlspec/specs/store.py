"""Store: where data snapshots and models are kept: a folder, the repository itself, or a bucket of a cloud."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from mlspec.core.paths import check_outside_path, check_path
from mlspec.specs.base import MisplacedError, Part

FOLDER, GIT = "folder", "git"
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")


class StorePlace(Part):
    """Where data snapshots and models are kept."""

    path: str
    """A folder; `git`; or a bucket: `s3://`, `gs://` or `az://BUCKET/PREFIX`."""
    shared: bool = False
    """The folder outlives this machine, as one that machines mount does; only such a folder may lie elsewhere."""

    @property
    def scheme(self) -> str:
        """Return which store it is: `folder`, `git`, or the scheme of a URL."""
        match = _URL.fullmatch(self.path)
        return match[1] if match else GIT if self.path == GIT else FOLDER

    @property
    def lost_with_machine(self) -> bool:
        """Say whether nothing of it is left when this machine is thrown away."""
        return self.scheme == FOLDER and not self.shared

    @model_validator(mode="after")
    def _possible(self) -> StorePlace:
        try:
            self._check()
        except ValueError as error:
            raise MisplacedError(f"`store` {error}", "path") from None
        if self.shared and self.scheme != FOLDER:
            raise MisplacedError("`shared` is for a folder: this store is shared as it is", "shared")
        return self

    def _check(self) -> None:
        match = _URL.fullmatch(self.path)
        if match:
            _check_bucket(*match.groups())
        elif ":" in self.path:
            raise ValueError("must be a folder without `:`, `git`, or a URL such as s3://bucket/prefix")
        elif self.path.startswith("/") and self.shared:
            check_outside_path(self.path)
        elif self.path.startswith("/"):
            raise ValueError("lies outside of the repository: write {path: …, shared: true} if machines share it")
        else:
            check_path(self.path)


def _check_bucket(scheme: str, rest: str) -> None:
    bucket, _, prefix = rest.partition("/")
    if not scheme.islower() or not _BUCKET.fullmatch(bucket):
        raise ValueError("must be a URL of a bucket and a prefix, as s3://bucket/prefix, and nothing else")
    if prefix.rstrip("/"):
        check_path(prefix.rstrip("/"))


def _written_short(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


Store = Annotated[
    StorePlace,
    BeforeValidator(_written_short, json_schema_input_type=str | StorePlace),
    Field(json_schema_extra={"default": ".mlspec/store"}),
]
