"""`mlspec log`: the records of the lineage branch, newest first."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from mlspec.commands.recorded import Tell, open_recorded, unheard
from mlspec.core.problem import Place, fail, suggest
from mlspec.core.record import Record
from mlspec.lineage.layout import LOG
from mlspec.lineage.trees import files_below


def run(start: Path, address: str | None = None, tell: Tell = unheard) -> list[Record]:
    """Return the records, of everything or of one address, newest first.

    Raises:
        MlspecError: no project or repository, nothing of that address is recorded, or a record is damaged.
    """
    recorded = open_recorded(start, tell)
    if recorded.state.tip is None:
        return []
    wanted = None
    if address is not None:
        heads = recorded.state.heads
        wanted = next((known for known in (address, f"model/{address}") if known in heads), None)
        if wanted is None:
            raise fail("select/unknown", f"nothing is recorded of `{address}`", help=suggest(address, heads))
    listing = files_below(recorded.repository, recorded.state.tip, LOG)
    mark = f"-{wanted.replace('/', '.', 1)}.json" if wanted else ".json"
    paths = sorted((path for path in listing if path.endswith(mark)), reverse=True)
    contents = recorded.repository.contents([listing[path] for path in paths])
    records = [_record(path, content) for path, content in zip(paths, contents, strict=True)]
    # the time in a path is of a clock, which may be wrong; the records of one address count themselves
    return records if wanted is None else sorted(records, key=lambda record: record.generation, reverse=True)


def _record(path: str, content: bytes | None) -> Record:
    try:
        return Record.model_validate_json(content or b"")
    except ValidationError:
        raise fail(
            "lineage/damaged", "this record cannot be read", place=Place(path), help="run: mlspec verify"
        ) from None
