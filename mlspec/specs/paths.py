"""The types of fields that name files of the repository."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from mlspec.core.paths import check_data_path

RepositoryPath = Annotated[str, AfterValidator(check_data_path)]
RepositoryGlob = Annotated[str, AfterValidator(check_data_path)]
