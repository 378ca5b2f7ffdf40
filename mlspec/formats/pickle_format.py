"""Models as pickles: anything that Python can pickle, by a fixed protocol; loading one runs whatever it says.

So a model is kept this way only where its spec says so, and saved and loaded in a child process only, from bytes that
were held against the digest in its record. Equal models give equal bytes as far as their classes pickle alike; sets
of text, for one, do so where the hash seed is fixed, as it is in that process.
"""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

from mlspec.core.problem import fail

EXACT = True
"""Whether a model that was saved and loaded predicts the very same."""
_PROTOCOL = 5
_BROKEN = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, KeyError, IndexError, TypeError, ValueError)


def check(_kind: type[Any]) -> None:
    """Accept any class of estimators: what cannot be pickled is known when it is tried."""


def save(model: object, path: Path, _own: object = None) -> tuple[str, ...]:
    """Write a model to a new file; return the types that loading must accept, which is no question here.

    Raises:
        Exception: whatever the model's own code raises when asked for its state; or it cannot be pickled.
    """
    path.write_bytes(pickle.dumps(model, protocol=_PROTOCOL))
    return ()


def load(path: Path, _trusted: object = (), _own: object = None) -> Any:
    """Load a model, which runs code: for a child process alone.

    Raises:
        MlspecError: it is damaged, or needs what is not installed (`model/unreadable`).
        Exception: whatever the model's own code raises.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on versions: a record names them
        try:
            return pickle.loads(path.read_bytes())  # noqa: S301 -- asked for by the spec; see above
        except _BROKEN as error:
            message = f"{path.name} can't be loaded: {type(error).__name__}: {error}"
            raise fail("model/unreadable", message, help="are the packages those it was saved with?") from error


def untrusted(_path: Path) -> tuple[str, ...]:
    """Return nothing: there is no telling what a pickle runs."""
    return ()
