"""What is valid and still should be known: a model that is kept as a pickle."""

from __future__ import annotations

from collections.abc import Iterator

from mlspec.core.address import Address
from mlspec.core.document import Finding
from mlspec.specs.model import Model
from mlspec.specs.parse import Specs

_PICKLE = "a pickle runs code when it is loaded, and whoever can change the file says which"
_SAFER = "leave `format` out (skops), or set `format: onnx`: loading these runs none"


def cautions(specs: Specs) -> Iterator[Finding]:
    """Yield a warning for each model that asks for what is not safe."""
    for name, model in specs.outlines.items():
        if model.format == "pickle":
            document = specs.where[Address(Model.kind_name, name)]
            path = ("train", "format")
            yield Finding(document.file, document.index, path, "model/pickle", _PICKLE, _SAFER, severity="warning")
