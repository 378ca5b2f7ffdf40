"""What a command left in `MLSPEC_OUTPUT`: which of it is the model, and in what form."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mlspec.core.problem import MlspecError, fail
from mlspec.steps.bundle import listed
from mlspec.steps.entrypoint import own
from mlspec.steps.kept import Formats
from mlspec.steps.wire import Kept, TrainOrder

MODELS = ("model.skops", "model.onnx", "model.pickle")
_SOME = 5


def kept(order: TrainOrder, formats: Formats) -> Kept:
    """Return in what form a command left its model.

    Raises:
        MlspecError: it left nothing, nothing that is known, more than one model, or what is no file (`train/…`); or a
            model that holds what loading can't trust (`model/untrusted-type`).
    """
    files = listed(Path(order.output))
    if order.predict is not None:
        if not files:
            raise _nothing(order, "nothing")
        return Kept("files", home=order.home, entry=order.predict)
    models = [name for name in MODELS if name in files]
    if not models:
        wanted = "model.pickle" if order.format == "pickle" else "model.skops or model.onnx"
        raise _nothing(order, f"no {wanted}", files)
    if len(models) > 1:
        message = f"the command left {' and '.join(models)} in MLSPEC_OUTPUT: which is the model?"
        raise fail("train/two-models", message, help="leave one of them")
    form = models[0].partition(".")[2]
    if form != order.format and (order.format, form) != ("skops", "onnx"):
        message = f"the command left {models[0]}, and the model's format is {order.format}"
        raise fail("train/other-format", message, help=f"leave model.{order.format}, or set `format: {form}`")
    trusted = formats(form).untrusted(files[models[0]])
    needs_code = form == "pickle" or any(map(own(Path(order.code), order.home), trusted))
    return Kept(form, trusted, order.home if needs_code else None)


def _nothing(order: TrainOrder, what: str, files: Iterable[str] = ()) -> MlspecError:
    """Say that there is no model, and where one may have gone instead."""
    others = list(files)
    stray = [path.relative_to(order.code) for path in Path(order.code).rglob("*") if path.name in MODELS]
    hint = "write the model into the folder that the variable MLSPEC_OUTPUT names"
    if others:
        more = "" if len(others) <= _SOME else f" and {len(others) - _SOME} more"
        hint = f"it left {', '.join(others[:_SOME])}{more}: name a function that predicts with it under `predict:`"
    elif stray:
        hint = f"it left {stray[0]} where it ran: {hint}"
    return fail("train/no-model", f"the command left {what} in MLSPEC_OUTPUT", help=hint)
