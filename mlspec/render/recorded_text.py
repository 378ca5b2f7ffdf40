"""What is recorded, for a person: the overview of `show`, and the lines of `log`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlspec.core import digest
from mlspec.core.moment import moment
from mlspec.core.overview import Overview, ResourceView, StageView, VersionView
from mlspec.core.record import Record
from mlspec.planner.standing import shown
from mlspec.render.rollback_text import held
from mlspec.render.text import Line, cells, line, neutralise, pad
from mlspec.render.verdict_table import estimate_text, spread_text

_MOST_VERSIONS = 10
_OUTCOMES = {"pass": "ok", "fail": "error"}


def overview_lines(overview: Overview) -> Iterator[Line]:
    """Yield the lines of an overview."""
    deployed = f"deployed commit {overview.deployed[:8]}" if overview.deployed else "nothing deployed yet"
    lineage = f"lineage {overview.lineage[:8]}" if overview.lineage else "nothing recorded yet"
    when = f" at {moment(overview.at)}" if overview.at else ""
    yield line((overview.project, "bold"), f"{when}: {deployed}, {lineage}")
    for resource in overview.resources:
        yield line("")
        yield from _resource(resource)


def _resource(resource: ResourceView) -> Iterator[Line]:
    owner = f"  owner {neutralise(resource.owner)}" if resource.owner else ""
    retired = ("  retired", "remove") if resource.retired else ""
    yield line((resource.address, "bold"), owner, retired)
    if resource.description:
        yield line("  ", (neutralise(resource.description), "dim"))
    by_number = {version.n: version for version in resource.versions}
    for stage in resource.stages:
        yield from _stage(stage, by_number)
    for version in resource.versions[:_MOST_VERSIONS]:
        yield from _version(version)
    if len(resource.versions) > _MOST_VERSIONS:
        yield line("  ", (f"and {len(resource.versions) - _MOST_VERSIONS} older versions", "dim"))
    yield from _data(resource)
    for failed in resource.failed:
        yield line("  ", ("failed    ", "error"), neutralise(failed))


def _stage(stage: StageView, versions: dict[int, VersionView]) -> Iterator[Line]:
    if stage.version is None:
        yield line("  ", (pad(stage.stage, 10) + "  ", "bold"), ("empty", "dim"), f"  since {moment(stage.since)}")
        return
    fit = ("", "") if stage.conforming else ("  nonconforming", "error")
    put = f"  since {moment(stage.since)}, by {neutralise(stage.by)}, commit {stage.commit[:8]}"
    yield line("  ", (pad(stage.stage, 10) + "  ", "bold"), (f"v{stage.version}", "promote"), put, fit)
    if stage.override is not None:
        why = f"{held(stage.override)}: {neutralise(stage.override.reason)}"
        yield line(" " * 14, (why, "warn"))
    for waiver in stage.waivers:
        yield line(" " * 14, (f"waived {neutralise(f'{shown(waiver)}: {waiver.reason}')}", "warn"))
    version = versions.get(stage.version)
    if version is not None:
        yield line(
            " " * 14,
            (f"trained {moment(version.at)} from {neutralise(version.ref)} on {_dataset(version.dataset)}", "dim"),
        )


def _version(version: VersionView) -> Iterator[Line]:
    gates = ((f"  {gate} {outcome}", _OUTCOMES.get(outcome, "warn")) for gate, outcome in version.verdicts.items())
    yield line(
        f"  v{version.n:<11}",
        f"run {digest.short(version.fingerprint, 8)}  {moment(version.at)}",
        *gates,
        ("  kept as a pickle" if version.format == "pickle" else "", "warn"),
        ("  provisional: not pushed yet" if version.provisional else "", "warn"),
        (f"  no longer kept since {moment(version.expired)}" if version.expired else "", "warn"),
    )
    if version.reproduced is not None:
        outcome = version.reproduced.outcome
        yield line(
            " " * 14,
            (f"trained again {moment(version.reproduced.at)}: ", "dim"),
            (outcome, "error" if outcome == "different" else "ok"),
        )
    width = max((cells(name) for name in version.metrics), default=0)
    for name, estimate in version.metrics.items():
        yield line(
            " " * 14, f"{pad(name, width)}  {estimate_text(estimate)}", (spread_text(version.spread.get(name)), "dim")
        )


def _data(resource: ResourceView) -> Iterator[Line]:
    if resource.current:
        rows = f", {resource.rows:,} rows" if resource.rows is not None else ""
        size = f", {resource.size:,} bytes" if resource.size is not None else ""
        yield line("  ", f"{'current':<12}", f"version {digest.short(resource.current, 8)}{rows}{size}")
    if resource.evaluations:
        many = "" if resource.evaluations == 1 else "s"
        yield line("  ", f"{'judged':<12}", f"{resource.evaluations:,} version{many} on its test rows")
    for rejected in resource.rejected:
        yield line("  ", ("rejected    ", "error"), neutralise(rejected))
    for user in resource.used_by:
        yield line("  ", f"{'used by':<12}", user)


def _dataset(text: str) -> str:
    address, _, version = text.partition("@")
    return f"{address} version {digest.short(version, 8)}"


def log_lines(records: Iterable[Record]) -> Iterator[Line]:
    """Yield one line a record."""
    for record in records:
        mark = "" if record.status == "done" else f" ({record.status})"
        what = f" v{record.version}" if record.version else ""
        where = f" {'from' if record.verb == 'demote' else 'in'} {record.stage}" if record.stage else ""
        run = f" run {digest.short(record.fingerprint, 8)}" if record.fingerprint and not what else ""
        why = f"  {neutralise(record.failure.message)}" if record.failure else _why(record)
        origin = f"{record.origin.branch or 'detached'}@{record.origin.commit[:8]}" + (
            "+dirty" if record.origin.dirty else ""
        )
        yield line(
            (moment(record.started) + "  ", "dim"),
            (f"{record.verb:<8} ", "error" if record.status != "done" else "bold"),
            f"{record.address}{what}{where}{run}{mark}{why}",
            (f"  by {neutralise(record.actor.name)}, {neutralise(origin)}", "dim"),
        )


def _why(record: Record) -> str:
    """Say why a lineage was accepted, what came out again, what is no longer kept, what holds a stage, or is waived."""
    if record.verb == "accept":
        return f"  {neutralise(str(record.fields.get('reason')))}"
    if record.reproduction is not None:
        return f"  {record.reproduction.outcome}"
    if record.override is not None:
        return f"  {held(record.override)}: {neutralise(record.override.reason)}"
    if record.expiry is not None:
        what = "erased" if record.expiry.erases else "expired"
        facts = ", ".join(digest.short(fact, 8) for fact in record.expiry.facts[:3])
        return f"  {what} {facts or 'objects'}: {neutralise(record.expiry.reason)}"
    over = ", ".join(sorted(record.released))
    waived = [shown(one) for waivers in record.waivers.values() for one in waivers]
    said = [f"ends the override of {over}"] if over else []
    said += [f"waives {neutralise('; '.join(waived))}"] if waived else []
    said += [f"set after training: {', '.join(record.set_after)}"] if record.set_after else []
    return "".join(f"  {one}" for one in said)
