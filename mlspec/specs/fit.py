"""Whether a model, its dataset and its gates fit each other: target, task, positive class, metrics, columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlspec.core.document import Path
from mlspec.core.metrics import METRICS, Metric
from mlspec.core.problem import suggest
from mlspec.core.types import NUMBERS, TEXTS, TIMES
from mlspec.specs.dataset import Column, Dataset
from mlspec.specs.gate import CheckSpec, Gate
from mlspec.specs.messages import shown
from mlspec.specs.model import Model, Waiver

_USUAL = {
    "classification": "for classification there are accuracy, roc_auc, f1_macro, log_loss and others",
    "regression": "for regression there are r2, mean_absolute_error, root_mean_squared_error and others",
}
_COMPARABLE = "compare another metric, such as log_loss or roc_auc, and bound this one by `check: metric`"
_OF_MANY_VALUES = ("number", "text")
_UNGROUPED_ROLES = ("id", "target")
_MANY_CLASSES = {
    "roc_auc": "roc_auc_ovr",
    "average_precision": "roc_auc_ovr",
    "brier_score": "log_loss",
    "neg_brier_score": "neg_log_loss",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """What does not fit, at a path of the document it is about."""

    path: Path
    code: str
    message: str
    help: str | None = None
    on_key: bool = False


def unknown_metric(name: str, path: Path, others: Iterable[str] = ()) -> Misfit | None:
    """Return a misfit for a name that is no metric's; `others` are names that are also known there."""
    if name in METRICS:
        return None
    advice = (
        suggest(name, (*METRICS, *others)) or "metrics go by scikit-learn's scorer names, such as roc_auc, f1_macro, r2"
    )
    return Misfit(path, "metric/unknown", f"unknown metric `{name[:60]}`", advice)


def unjudged_metric(check: CheckSpec, path: Path) -> Misfit | None:
    """Return a misfit for a metric that a check cannot judge in any model, because of what it is."""
    for name in check.metric_names():
        metric = METRICS.get(name)
        if metric is not None and metric.unbounded:
            message = f"`{name}` has no interval to be judged on: {metric.unbounded}"
            return Misfit(path, "metric/no-interval", message, "use mean_absolute_error or root_mean_squared_error")
    for name in check.compared_metrics():
        metric = METRICS.get(name)
        if metric is not None and metric.incomparable:
            message = f"`{name}` cannot be compared by `{check.check}`: {metric.incomparable}"
            return Misfit(path, "metric/not-comparable", message, _COMPARABLE)
    return None


def model_misfits(model: Model, dataset: Dataset) -> Iterator[Misfit]:
    """Find what does not fit between a model and its dataset."""
    target = dataset.target
    if target is None:
        message = f"dataset/{dataset.name} has no target: no column of its schema has `role: target`"
        yield Misfit(("dataset",), "model/no-target", message)
        return
    if not dataset.with_role("feature"):
        message = f"dataset/{dataset.name} has no feature columns to learn from"
        yield Misfit(("dataset",), "model/no-features", message)
    yield from _prose(model, dataset)
    yield from _task_misfits(model, target)
    yield from _positive_misfits(model, target)
    seen_without_positive = False
    for n, name in enumerate(model.metrics):
        misfit = metric_misfit(name, model, target, ("metrics", n))
        if misfit is None or (misfit.code == "model/no-positive" and seen_without_positive):
            continue
        seen_without_positive = seen_without_positive or misfit.code == "model/no-positive"
        yield misfit


def gate_misfits(gate: Gate, model: Model, dataset: Dataset, path: Path) -> Iterator[Misfit]:
    """Find what does not fit between a gate and a model that uses it; `path` is where the model names the gate."""
    for check in gate.checks:
        for name in check.metric_names():
            misfit = metric_misfit(name, model, dataset.target, path) if dataset.target else None
            if misfit is not None:
                yield Misfit(path, misfit.code, f"gate/{gate.name} does not fit: {misfit.message}", misfit.help)
        yield from _column_misfits(gate, check, dataset, path)
        yield from _feature_misfits(gate, check, dataset, path)
        if check.judges_repeats() and model.train.repeats == 1:
            message = f"gate/{gate.name} judges the worst of several seeds, and model/{model.name} trains with one"
            yield Misfit(path, "gate/needs-repeats", message, "give `repeats` in `train`, such as 5")


def waiver_misfits(waiver: Waiver, gate: Gate, path: Path) -> Iterator[Misfit]:
    """Find what does not fit between a waiver and the gate it is for: there must be such a check, and it must block."""
    names = [check.check for check in gate.checks]
    if waiver.check not in names:
        message = f"gate/{gate.name} has no check `{waiver.check[:60]}`: there is nothing to waive"
        yield Misfit((*path, "check"), "waiver/nothing", message, suggest(waiver.check, names) or _listed(names))
        return
    metrics = [str(metric) for check in gate.checks if (metric := _waived_metric(check, waiver)) is not None]
    if waiver.metric is not None and waiver.metric not in metrics:
        message = f"gate/{gate.name} has no check `{waiver.check}` of `{waiver.metric[:60]}`: there is nothing to waive"
        hint = suggest(waiver.metric, metrics) or (_listed(metrics) if metrics else "remove `metric`")
        yield Misfit((*path, "metric"), "waiver/nothing", message, hint)
    elif all(check.level == "warn" for check in gate.checks if waives(waiver, check)):
        message = f"`{waiver.check}` of gate/{gate.name} only warns: there is nothing to waive"
        yield Misfit((*path, "check"), "waiver/nothing", message, "remove the waiver")


def waives(waiver: Waiver, check: CheckSpec) -> bool:
    """Say whether a waiver of a gate is for one of its checks."""
    return check.check == waiver.check and waiver.metric in (None, getattr(check, "metric", None))


def _waived_metric(check: CheckSpec, waiver: Waiver) -> object:
    return getattr(check, "metric", None) if check.check == waiver.check else None


def _listed(names: Iterable[str]) -> str:
    return f"there is {', '.join(dict.fromkeys(names))}"


def _feature_misfits(gate: Gate, check: CheckSpec, dataset: Dataset, path: Path) -> Iterator[Misfit]:
    for name in check.features():
        column = dataset.column(name)
        if column is not None and column.role != "feature":
            message = f"gate/{gate.name} changes `{name}`, which is no feature: its role is {column.role}"
            yield Misfit(path, "gate/not-a-feature", message, "the model never sees it; take it out of `columns`")
    touched = [column for column in dataset.with_role("feature") if column.name in (check.features() or (column.name,))]
    for field, types in check.feature_types():
        if not any(column.type in types for column in touched):
            *most, last = sorted(types)
            named = f"{', '.join(most)} or {last}"
            message = f"gate/{gate.name} asks for `{field}`, which is for {named}, and no feature is one"
            yield Misfit(path, "gate/no-such-feature", message, f"take `{field}` out, or name other `columns`")


def _column_misfits(gate: Gate, check: CheckSpec, dataset: Dataset, path: Path) -> Iterator[Misfit]:
    for name in check.column_names():
        if dataset.column(name) is None:
            advice = suggest(name, [column.name for column in dataset.columns])
            message = f"gate/{gate.name} reads column `{name[:60]}`, which dataset/{dataset.name} does not have"
            yield Misfit(path, "gate/unknown-column", message, advice)
    for role in check.role_names():
        if not dataset.with_role(role):
            message = f"gate/{gate.name} needs a column with `role: {role}`, and dataset/{dataset.name} has none"
            yield Misfit(path, "gate/needs-role", message, f"give a column of the dataset `role: {role}`")
    for name, value in check.column_values():
        column = dataset.column(name)
        if column is not None and not _may_hold(column, value):
            message = f"gate/{gate.name} looks for {shown(value)} in `{name}` ({column.type}), which never holds it"
            yield Misfit(path, "gate/unknown-value", message, _what_it_holds(column))
    yield from _order_misfits(gate, check, dataset, path)
    for name, by_ranges in check.grouped_columns():
        column = dataset.column(name)
        if column is not None:
            yield from _group_misfits(gate, column, path, by_ranges=by_ranges)


def _order_misfits(gate: Gate, check: CheckSpec, dataset: Dataset, path: Path) -> Iterator[Misfit]:
    for name in check.time_columns():
        column = dataset.column(name)
        if column is not None and column.type not in TIMES | NUMBERS:
            message = f"gate/{gate.name} puts rows in order by `{name}`, and it is {column.type}"
            yield Misfit(path, "gate/time", message, "name a column of dates, times or numbers")


def _group_misfits(gate: Gate, column: Column, path: Path, *, by_ranges: bool) -> Iterator[Misfit]:
    name = column.name
    if column.role in _UNGROUPED_ROLES or column.type in TIMES:
        what = f"a {column.type}" if column.type in TIMES else "the target" if column.role == "target" else "an id"
        message = f"gate/{gate.name} groups by `{name}`, which is {what}"
        yield Misfit(path, "gate/groups", message, "name a column of few values that says what kind of row it is")
    elif column.sensitive and column.values is None and not by_ranges and column.type != "boolean":
        message = f"gate/{gate.name} names groups by the values of `{name}`, which is sensitive and lists none"
        hint = f"list its `values` in the schema: then its group names are in the spec already{_ranges(column)}"
        yield Misfit(path, "gate/sensitive-groups", message, hint)
    elif by_ranges and column.type not in NUMBERS:
        message = f"gate/{gate.name} groups `{name}` by ranges of a number, and it is {column.type}"
        yield Misfit(path, "gate/groups", message, f"group by its values: {name}")
    elif not by_ranges and column.values is None and column.type in _OF_MANY_VALUES:
        message = f"gate/{gate.name} groups by each value of `{name}`, which is {column.type}"
        hint = f"give ranges, as {{{name}: [10, 20]}}" if column.type == "number" else "name a column of few values"
        yield Misfit(path, "gate/groups", message, hint)


def _ranges(column: Column) -> str:
    return f"; or give ranges, as {{{column.name}: [10, 20]}}" if column.type in NUMBERS else ""


def _may_hold(column: Column, value: object) -> bool:
    if not column.accepts(value) or (column.values is not None and value not in column.values):
        return False
    low, high = (None if bound is None else column.parsed(bound) for bound in (column.min, column.max))
    held = column.parsed(value)
    return (low is None or low <= held) and (high is None or held <= high)


def _what_it_holds(column: Column) -> str | None:
    if column.values:
        return f"its values: {', '.join(shown(known) for known in column.values[:10])}"
    bounds = {"min": column.min, "max": column.max}
    told = [
        f"{field} {b:g}" if isinstance(b, float) else f"{field} {b}" for field, b in bounds.items() if b is not None
    ]
    return f"its bounds: {', '.join(told)}" if told else None


def reference_misfits(column: Column, other: Dataset, name: str, path: Path) -> Iterator[Misfit]:
    """Find what does not fit between a column and the one of another dataset that it refers to."""
    there = other.column(name)
    if there is None:
        advice = suggest(name, [known.name for known in other.columns])
        yield Misfit(path, "dataset/reference", f"dataset/{other.name} has no column `{name}`", advice)
    elif there.type != column.type and not any({there.type, column.type} <= alike for alike in (TEXTS, NUMBERS)):
        message = f"`{column.name}` is {column.type}, and `{name}` of dataset/{other.name} is {there.type}"
        yield Misfit(path, "dataset/reference", message, "declare both of one type")


def metric_misfit(name: str, model: Model, target: Column, path: Path) -> Misfit | None:
    """Return why a known metric cannot be computed for a model, or None."""
    metric = METRICS.get(name)
    if metric is None:
        return None
    if metric.task != model.task:
        message = f"`{name}` is for {metric.task}, and the task of model/{model.name} is {model.task}"
        return Misfit(path, "metric/wrong-task", message, _USUAL[model.task])
    return _binary_misfit(metric, model, target, path) if metric.binary else None


def _binary_misfit(metric: Metric, model: Model, target: Column, path: Path) -> Misfit | None:
    values = target.values
    if values is not None and len(values) > 2:
        message = f"`{metric.name}` is for two classes, and `{target.name}` has {len(values)}"
        other = _MANY_CLASSES.get(metric.name, f"{metric.name}_macro")
        known = f"is {other}" if other in METRICS else "are accuracy, f1_macro, roc_auc_ovr, log_loss and others"
        hint = f"for several classes there {known}"
        return Misfit(path, "metric/too-many-classes", message, hint)
    if model.positive is not None or _has_natural_positive(target):
        return None
    example = "the value" if not values else " or ".join(shown(value) for value in values)
    message = (
        f"`{metric.name}` needs `positive` on model/{model.name}: which value of `{target.name}` counts as positive"
    )
    return Misfit(path, "model/no-positive", message, f"give positive: {example}")


def _has_natural_positive(target: Column) -> bool:
    """Say whether true or 1 is the positive class without being named."""
    return target.type == "boolean" or (target.type not in TEXTS and (target.values is None or 1 in target.values))


def _prose(model: Model, dataset: Dataset) -> Iterator[Misfit]:
    for column in dataset.with_role("feature"):
        if column.type == "text" and model.train.estimator is not None:
            message = f"`estimator:` does not prepare text, and `{column.name}` of dataset/{dataset.name} is text"
            hint = "give the column `role: ignore`, make it a string if it has few values, or use an `entrypoint:`"
            yield Misfit(("train", "estimator"), "model/text", message, hint)


def _task_misfits(model: Model, target: Column) -> Iterator[Misfit]:
    if model.task == "regression" and target.type not in NUMBERS:
        message = f"regression needs a number to predict, and the target `{target.name}` is {target.type}"
        yield Misfit(("task",), "model/wrong-task", message, "did you mean `classification`?")
    if model.task == "classification" and target.type == "number" and target.values is None:
        message = f"classification needs classes, and the target `{target.name}` is a number without `values`"
        yield Misfit(("task",), "model/wrong-task", message, "make it an integer, list its `values`, or use regression")


def _positive_misfits(model: Model, target: Column) -> Iterator[Misfit]:
    value, path = model.positive, ("positive",)
    if value is None:
        return
    if model.task == "regression":
        yield Misfit(path, "model/positive", "`positive` is for classification", "remove it", on_key=True)
    elif not target.accepts(value):
        message = f"`positive` must be {target.type}, as the target `{target.name}` is, not {shown(value)}"
        yield Misfit(path, "model/positive", message)
    elif target.values is not None and value not in target.values:
        listed = ", ".join(shown(known) for known in target.values[:10])
        near = suggest(value, [str(known) for known in target.values]) if isinstance(value, str) else None
        message = f"`positive` is {shown(value)}, which is not among the values of `{target.name}`"
        yield Misfit(path, "model/positive", message, near or f"its values: {listed}")
