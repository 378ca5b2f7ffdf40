"""Versions that were trained again: whether the same came out, and where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlspec.core.reproduction import Artifact, Difference, Predicted, Reproduction, Reproductions, Retrained
from mlspec.render.text import Line, line, neutralise, value

_WIDTH = 14
_STYLES = {"identical": "ok", "equal": "ok", "different": "error"}


def reproduction_lines(report: Reproductions) -> Iterator[Line]:
    """Yield the verdict on each version and what it rests on, then where it is recorded."""
    for one in report.versions:
        yield from _version(one)
        yield line("")
    counts = {outcome: sum(one.found.outcome == outcome for one in report.versions) for outcome in _STYLES}
    told = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    if report.versions:
        where = f" Recorded at lineage {report.lineage[:8]}." if report.lineage else ""
        yield line((f"Trained again: {told}.", "bold"), where)


def _version(one: Retrained) -> Iterator[Line]:
    found = one.found
    yield line((f"{one.address} v{one.version}", "bold"), ": ", (found.outcome, _STYLES[found.outcome]))
    source = f"commit {one.commit[:8]}" if found.source == "commit" else "what was kept with the run"
    yield _row("source", f"{source}, of the recorded fingerprint")
    yield from _artifact(found.artifact)
    yield _row("predictions", _predictions(found))
    yield from _metrics(found)
    yield from _environment(found)
    if one.restored:
        yield _row("restored", f"{' and '.join(one.restored)}: put back into the store", "ok")
    for name in one.lost:
        yield _row(
            "not restored", f"the {name} came out with another digest, and the store takes it by its digest", "error"
        )
    for remark in one.remarks:
        yield _row("note", neutralise(remark), "dim")


def _row(name: str, text: str, style: str = "") -> Line:
    return line("  ", f"{name:<{_WIDTH}}", (text, style))


def _artifact(found: Artifact) -> Iterator[Line]:
    said = {
        "equal": ("the same bytes", ""),
        "close": ("the same contents in another file: other bytes", ""),
        "unknown": ("other bytes, and the recorded model is not in the store to be compared", "warn"),
        "different": (f"{_many(found.members_differ, 'member')} differ{_s(found.members_differ)}", "warn"),
    }
    text, style = said[found.same]
    listed = ", ".join(map(neutralise, found.members))
    more = found.members_differ - len(found.members)
    yield _row("model", f"{text}{f': {listed}' if listed else ''}{f' and {more} more' if more else ''}", style)


def _predictions(found: Reproduction) -> str:
    said = found.predictions
    if said.same == "none":
        return "none were recorded"
    if said.same == "unknown":
        return "other bytes, and the recorded ones are not in the store to be compared"
    if said.same == "equal":
        return f"the same for {said.rows:,} test rows"
    if said.same == "close":
        return f"within {found.tolerance:g} for {said.rows:,} test rows{_largest(said)}"
    labels = f", {said.labels_differ:,} of them in their label" if said.labels_differ else ""
    return f"{said.rows_differ:,} of {said.rows:,} test rows differ{labels}{_largest(said)}"


def _largest(said: Predicted) -> str:
    return f"; the largest difference is {said.largest:.3g}" if said.largest is not None else ""


def _metrics(found: Reproduction) -> Iterator[Line]:
    if found.metrics_same == "none":
        yield _row("metrics", "none were recorded")
    elif not found.metrics:
        yield _row("metrics", "the same")
    for name, differs in found.metrics.items():
        yield _row("metric", f"{name}: {_number(differs.before)} -> {_number(differs.after)}")


def _number(found: object) -> str:
    """Write a metric with all its digits: the last ones may be what differs."""
    return "undefined" if found is None else repr(found)


def _environment(found: Reproduction) -> Iterator[Line]:
    if not found.environment_differ:
        return
    more = found.environment_differ - len(found.environment)
    listed = f"{_listed(found.environment)}{f' and {more} more' if more else ''}"
    yield _row("environment", f"differs: {listed}", "" if found.outcome == "identical" else "warn")


def _listed(differ: Mapping[str, Difference]) -> str:
    return ", ".join(f"{neutralise(name)} {value(one.before)} -> {value(one.after)}" for name, one in differ.items())


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _s(count: int) -> str:
    return "s" if count == 1 else ""
