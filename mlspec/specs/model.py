"""Model: what is predicted, how it is trained, how it is measured, and where it is used."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, model_validator

from mlspec.specs.base import Change, Keep, MisplacedError, Name, Part, Scalar, Spec
from mlspec.specs.command import normal, words
from mlspec.specs.paths import RepositoryGlob, RepositoryPath

Task = Literal["classification", "regression"]
_DURATION = re.compile(r"(\d{1,6})(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_NO_DURATION = "must be a duration such as 90s, 15m, 2h or 1d"


def seconds(duration: str) -> int:
    """Turn a duration such as `90s`, `15m`, `2h` or `1d` into seconds.

    Raises:
        ValueError: the text is no duration, or zero.
    """
    match = _DURATION.fullmatch(duration)
    if match is None or int(match[1]) == 0:
        raise ValueError(_NO_DURATION)
    return int(match[1]) * _SECONDS[match[2]]


def _duration(text: str) -> str:
    seconds(text)
    return text


def _one_line(text: str) -> str:
    if len(text.splitlines()) > 1:
        raise ValueError("must be one line")
    return text


def _no_number(value: Any) -> Any:
    """Refuse a number here: that a text is wanted would be true, and no help."""
    if isinstance(value, int | float):
        raise ValueError(_NO_DURATION)
    return value


def _day(text: str) -> str:
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ValueError("must be a day such as 2027-03-31")


def _estimator(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", text):
        raise ValueError("must be a dotted class of an installed package, as sklearn.linear_model.LogisticRegression")
    return text


def _entrypoint(text: str) -> str:
    path, colon, function = text.rpartition(":")
    if not colon or not path.endswith(".py") or not function.isidentifier():
        raise ValueError("must be a Python file and a function in it, as src/train.py:train")
    return text


Duration = Annotated[str, AfterValidator(_duration), BeforeValidator(_no_number)]
Entrypoint = Annotated[str, AfterValidator(_entrypoint)]


def _predict(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", text):
        raise ValueError("must be a module and a function in it, as src.predict:predict")
    return text


def _variable(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("must be the name of an environment variable, never its value")
    return text


def _version(value: Any) -> Any:
    if value == "latest" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError("must be a version number such as 3, or latest")


StageVersion = Annotated[
    Any,
    BeforeValidator(_version),
    Field(json_schema_extra={"anyOf": [{"const": "latest"}, {"type": "integer", "minimum": 1}]}),
]


class LockedEnvironment(Part):
    """The packages that training and predicting run with."""

    lock: Annotated[RepositoryPath, Change.TRAIN]
    """A `uv.lock`, a `pylock.toml`, or pinned requirements; its content is part of the fingerprint."""
    use: Annotated[Literal["locked", "current"], Change.NOTHING] = "locked"
    """`locked`: an environment that uv makes from the lock; `current`: that of mlspec, if it is as locked."""


def _lock_alone(value: Any) -> Any:
    return {"lock": value} if isinstance(value, str) else value


Environment = Annotated[LockedEnvironment, BeforeValidator(_lock_alone, json_schema_input_type=str | LockedEnvironment)]


class Train(Part):
    """How a version is made. Give `estimator` (no code), `entrypoint` (your function) or `command` (any program)."""

    estimator: Annotated[Annotated[str, AfterValidator(_estimator)] | None, Change.TRAIN] = None
    """A class with scikit-learn's interface; columns are prepared for it by their declared types."""
    entrypoint: Annotated[Entrypoint | None, Change.TRAIN] = None
    """Your function `train(data, params, seed)`, which returns a fitted object with `predict`."""
    command: Annotated[Annotated[str, AfterValidator(normal)] | None, Change.TRAIN] = None
    """Any program and its arguments, run without a shell; it leaves its model in the folder `MLSPEC_OUTPUT`."""
    predict: Annotated[Annotated[str, AfterValidator(_predict)] | None, Change.TRAIN] = None
    """Your function `predict(frame, folder)`, as module:function, for a command that leaves files of its own form."""
    params: Annotated[dict[str, JsonValue], Change.TRAIN] = {}
    """Hyperparameters, handed over as they are."""
    seed: Annotated[Annotated[int, Field(ge=0, lt=2**32)], Change.TRAIN] = 0
    """The seed of everything random."""
    repeats: Annotated[Annotated[int, Field(ge=1, le=100)], Change.TRAIN] = 1
    """Train so many times, with this seed and those that follow; the first is the model, the others show the spread."""
    environment: Environment | None = None
    """A lock file, or a mapping with `lock:`: what training and predicting run with."""
    code: Annotated[tuple[RepositoryGlob, ...], Change.TRAIN] = ()
    """More files that the entrypoint or command reads, beyond those found by reading it."""
    threads: Annotated[Annotated[int, Field(ge=1, le=1024)], Change.TRAIN] = 1
    """Threads for numerical libraries; more can change the last digits of a result."""
    format: Annotated[Literal["skops", "onnx", "pickle"], Change.TRAIN] = "skops"
    """How the model is kept. Loading a pickle runs code."""
    timeout: Annotated[Duration, Change.NOTHING] = "24h"
    """When to give up."""
    env: Annotated[tuple[Annotated[str, AfterValidator(_variable)], ...], Change.NOTHING] = ()
    """Names of environment variables that training may see; never their values."""

    @model_validator(mode="after")
    def _one_way(self) -> Train:
        if sum(way is not None for way in (self.estimator, self.entrypoint, self.command)) != 1:
            raise ValueError("give exactly one of `estimator`, `entrypoint` and `command`")
        if self.code and self.estimator is not None:
            raise MisplacedError("`code` goes with `entrypoint` or `command`", "code")
        if self.format == "onnx" and (self.entrypoint is not None or self.predict is not None):
            raise MisplacedError(
                "`format: onnx` goes with `estimator`, or a `command` that leaves model.onnx", "format"
            )
        if self.format == "pickle" and self.predict is not None:
            raise MisplacedError("`format: pickle` needs no `predict`: a command leaves model.pickle", "format")
        if self.seed + self.repeats > 2**32:
            raise MisplacedError("the seeds of so many repeats go beyond 2**32", "repeats")
        if self.predict is not None and self.command is None:
            raise MisplacedError("`predict` goes with `command`: other models predict by themselves", "predict")
        return self

    @property
    def argv(self) -> tuple[str, ...]:
        """Return the words of the command; none where there is none."""
        return words(self.command or "")


class Stage(Part):
    """What should hold a stage."""

    version: Annotated[StageVersion, Change.PROMOTE] = "latest"
    """`latest`, the version that this commit's spec trains, or a number that pins one."""
    gates: Annotated[tuple[Name, ...], Change.EVALUATE] = ()
    """The gates a version must pass to enter."""


class KeepVersions(Keep):
    """What `mlspec gc` keeps whatever its age, beside what is in a stage or was there before."""

    versions: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Change.NOTHING] = ()
    """These versions, by number."""


class Waiver(Part):
    """A dated, owned exception: a check of a gate that need not pass for a time."""

    gate: Annotated[Name, Change.RECORD]
    """The gate."""
    check: Annotated[str, Change.RECORD]
    """Which of its checks, such as `fairness`."""
    metric: Annotated[str | None, Change.RECORD] = None
    """Only the checks of this metric; by default all of that name."""
    reason: Annotated[Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_one_line)], Change.RECORD]
    """Why this is acceptable, for whoever asks later; one line."""
    owner: Annotated[Name, Change.RECORD]
    """The team that answers for the exception; not the model's own."""
    expires: Annotated[Annotated[str, AfterValidator(_day)], Change.RECORD]
    """The last day on which it holds, as 2027-03-31, at most a year ahead; after that the check counts again."""


class Model(Spec):
    """Something that predicts: its data, training, metrics and stages."""

    kind_name: ClassVar[str] = "model"

    dataset: Annotated[Name, Change.TRAIN]
    """The dataset it learns from."""
    task: Annotated[Task, Change.TRAIN]
    """What kind of target it predicts."""
    positive: Annotated[Scalar | None, Change.TRAIN] = None
    """The value of the target that counts as positive, for metrics of two classes."""
    train: Train
    """How a version is made."""
    metrics: Annotated[tuple[str, ...], Change.EVALUATE] = ()
    """What is measured on the test split, by scikit-learn's scorer names."""
    stages: dict[Name, Stage] = {}
    """What should hold each stage."""
    waivers: Annotated[Annotated[tuple[Waiver, ...], Field(max_length=10)], Change.RECORD] = ()
    """Checks of its gates that need not pass for a time."""
    keep: KeepVersions = KeepVersions()
    """Which versions `mlspec gc` keeps, beside those in use."""
