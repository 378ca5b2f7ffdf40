"""What a step and its child process tell each other: an order and an answer, as JSON files in the run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlspec.core.problem import Place, Problem
from mlspec.steps.frames import Field

MOST_WORDS = 300
"""So many characters of what a child says of a model are kept: they get into a verdict."""
FORMS = ("skops", "onnx", "pickle", "files")


@dataclass(frozen=True, slots=True)
class Kept:
    """In what form a model is kept: with it, the artifact can be asked again."""

    form: str = "skops"
    """`skops`, `onnx` or `pickle`: one file, as `model.skops`. `files`: any, which `entry` reads."""
    trusted: tuple[str, ...] = ()
    """The types, beyond what skops vouches for, that loading must accept."""
    home: str | None = None
    """The folder of the user's code where imports begin; None for a model that needs none of it."""
    entry: str | None = None
    """What to import of that code: a file, or the function that predicts, as `src/predict.py:predict`."""

    @property
    def runs_code(self) -> bool:
        """Say whether opening the model runs code, so that only a child process may."""
        return self.home is not None or self.form == "pickle"

    @property
    def file(self) -> str:
        """Return the name of the one file of a model that is one."""
        return f"model.{self.form}"


@dataclass(frozen=True, slots=True)
class TrainOrder:
    """Train on this table and leave the model there. Paths are absolute."""

    parent: int
    """The process that gave the order, without which it is pointless."""
    table: str
    fields: tuple[Field, ...]
    task: str
    positive: str | int | float | bool | None
    estimator: str | None
    entrypoint: str | None
    command: tuple[str, ...]
    predict: str | None
    """The file and function that predict from what the command leaves."""
    params: Mapping[str, Any]
    seed: int
    threads: int
    format: str
    code: str
    """The folder of the staged code."""
    home: str
    """The folder in it where imports begin."""
    output: str
    """The folder that the model is left in."""
    verb: Literal["train"] = "train"


@dataclass(frozen=True, slots=True)
class Variant:
    """One column changed: the table at a path holds what is to stand in its place."""

    perturbation: str
    column: str
    table: str


@dataclass(frozen=True, slots=True)
class PredictOrder:
    """Predict this table's rows with the model and leave the predictions there. Paths are absolute."""

    parent: int
    table: str
    task: str
    model: str
    """The folder of the model's files."""
    code: str
    """The folder of the user's code that was kept with it."""
    kept: Kept
    predictions: str
    variants: tuple[Variant, ...] = ()
    """Predict the rows also with each of these changes; where the model fails at one, that is an answer too."""
    verb: Literal["predict"] = "predict"


@dataclass(frozen=True, slots=True)
class JudgeOrder:
    """Call this function on the rows of this table and on these predictions of them. Paths are absolute."""

    parent: int
    table: str
    fields: tuple[Field, ...]
    predictions: str
    function: str
    """The file and the function, as `checks/cost.py:judge`."""
    params: Mapping[str, Any]
    seed: int
    code: str
    """The folder of the staged code."""
    home: str
    """The folder in it where imports begin."""
    verb: Literal["judge"] = "judge"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A model to time: the folders of its files and of the user's code, and how it is kept."""

    model: str
    code: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class TimeOrder:
    """Load models and predict this table's rows by the clock, the models in turn. Paths are absolute."""

    parent: int
    table: str
    task: str
    contestants: tuple[Contestant, ...]
    """The version, and what it is held against."""
    batch: int
    repeats: int
    loads: int
    threads: int
    verb: Literal["time"] = "time"


NO_ANSWER = 74
"""The exit code of a child that could not write its answer: the disk is full, most likely (EX_IOERR)."""

Order = TrainOrder | PredictOrder | JudgeOrder | TimeOrder


@dataclass(frozen=True, slots=True)
class TrainAnswer:
    """A model was trained, saved, and found to predict the same when loaded."""

    kept: Kept
    rows: int
    features: int
    packages: Mapping[str, str]
    python: str
    platform: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PredictAnswer:
    """Predictions were written."""

    rows: int


@dataclass(frozen=True, slots=True)
class JudgeAnswer:
    """The function has judged: by a value with its interval, or by yes or no."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    passes: bool | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """What the clock said of one model, in milliseconds, and its process's peak memory; `words` where it failed."""

    load_ms: tuple[float, ...] = ()
    call_ms: tuple[float, ...] = ()
    peak_memory_bytes: int = 0
    words: str = ""


@dataclass(frozen=True, slots=True)
class TimeAnswer:
    """Models were timed, in the order of the contestants."""

    times: tuple[Times, ...]
    machine: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The child knows what went wrong."""

    code: str
    message: str
    file: str | None = None
    line: int = 0
    help: str | None = None
    retryable: bool = False

    def problem(self) -> Problem:
        """Return the problem to show."""
        return Problem(self.code, self.message, Place(self.file, self.line) if self.file else None, self.help)


Answer = TrainAnswer | PredictAnswer | JudgeAnswer | TimeAnswer | Failure
_ANSWERS: dict[str, type[Answer]] = {
    "train": TrainAnswer,
    "predict": PredictAnswer,
    "judge": JudgeAnswer,
    "time": TimeAnswer,
    "failure": Failure,
}
_NAMES: dict[type[Answer], str] = {kind: name for name, kind in _ANSWERS.items()}


def write_order(path: Path, order: Order) -> None:
    """Write an order."""
    path.write_text(json.dumps(asdict(order)), encoding="utf-8")


def read_order(path: Path) -> Order:
    """Read an order that `write_order` wrote."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    if raw["verb"] == "predict":
        variants = tuple(Variant(**variant) for variant in raw["variants"])
        return PredictOrder(**{**raw, "kept": kept_of(raw["kept"]), "variants": variants})
    if raw["verb"] == "time":
        contestants = tuple(Contestant(**{**one, "kept": kept_of(one["kept"])}) for one in raw["contestants"])
        return TimeOrder(**{**raw, "contestants": contestants})
    fields = tuple(_field(field) for field in raw["fields"])
    if raw["verb"] == "judge":
        return JudgeOrder(**{**raw, "fields": fields})
    return TrainOrder(**{**raw, "fields": fields, "command": tuple(raw["command"])})


def _field(raw: dict[str, Any]) -> Field:
    return Field(**{**raw, "values": tuple(raw["values"])})


def kept_of(raw: Mapping[str, Any]) -> Kept:
    """Read the form in which a model is kept, as `asdict` wrote it.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    if raw["form"] not in FORMS:
        raise ValueError("not a form of models")
    home, entry = (None if raw[name] is None else _text(raw[name]) for name in ("home", "entry"))
    return Kept(raw["form"], tuple(_text(name) for name in raw["trusted"]), home, entry)


def kept_in(manifest: Mapping[str, Any]) -> Kept:
    """Return in what form a run's manifest says its model is kept; older ones know one form only."""
    return kept_of(manifest["kept"]) if "kept" in manifest else Kept(trusted=tuple(manifest["trusted"]))


def write_answer(path: Path, answer: Answer, peak_memory_bytes: int) -> None:
    """Write an answer, whole or not at all."""
    body = {"is": _NAMES[type(answer)], "peak_memory_bytes": peak_memory_bytes, "answer": asdict(answer)}
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(body), encoding="utf-8")
    beside.replace(path)


def read_answer(path: Path) -> tuple[Answer | None, int]:
    """Return an answer and the child's peak memory in bytes; None and 0 when there is none.

    The child ran code that is not ours, so the file is a claim: anything that is not of the form is refused.

    Raises:
        ValueError: the file is not an answer.
    """
    if path.is_symlink() or not path.is_file():
        return None, 0
    try:
        body = json.loads(path.read_bytes())
        answer = _checked(_ANSWERS[body["is"]], body["answer"])
        return answer, int(body["peak_memory_bytes"])
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("not an answer") from error


def _checked(kind: type[Answer], raw: dict[str, Any]) -> Answer:
    if kind is Failure:
        return Failure(
            code=_text(raw["code"]),
            message=_text(raw["message"]),
            file=None if raw["file"] is None else _text(raw["file"]),
            line=int(raw["line"]),
            help=None if raw["help"] is None else _text(raw["help"]),
            retryable=raw["retryable"] is True,
        )
    if kind is PredictAnswer:
        return PredictAnswer(rows=int(raw["rows"]))
    if kind is JudgeAnswer:
        value, low, high = (None if raw[name] is None else float(raw[name]) for name in ("value", "low", "high"))
        passes = None if raw["passes"] is None else raw["passes"] is True
        return JudgeAnswer(value, low, high, float(raw["confidence"]), passes, _text(raw["reason"]))
    if kind is TimeAnswer:
        return TimeAnswer(tuple(times_of(one) for one in raw["times"]), _text(raw["machine"]))
    return TrainAnswer(
        kept=kept_of(raw["kept"]),
        rows=int(raw["rows"]),
        features=int(raw["features"]),
        packages={_text(name): _text(version) for name, version in raw["packages"].items()},
        python=_text(raw["python"]),
        platform=_text(raw["platform"]),
        warnings=tuple(_text(warning) for warning in raw["warnings"]),
    )


def times_of(raw: Mapping[str, Any]) -> Times:
    """Read what the clock said of one model, as `asdict` wrote it.

    Raises:
        KeyError, TypeError, ValueError: it is no such thing.
    """
    load, call = (tuple(_duration(time) for time in raw[name]) for name in ("load_ms", "call_ms"))
    return Times(load, call, int(raw["peak_memory_bytes"]), _text(raw["words"])[:MOST_WORDS])


def _duration(value: object) -> float:
    if isinstance(value, float | int) and 0 < value < float("inf"):
        return float(value)
    raise ValueError("not a duration")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value
