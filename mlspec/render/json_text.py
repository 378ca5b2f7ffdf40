"""Documents as JSON text: sorted keys, two spaces, every field written."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel


def document(value: BaseModel | dict[str, Any]) -> str:
    """Return a JSON document, ended by a newline."""
    plain = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
    return json.dumps(plain, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
