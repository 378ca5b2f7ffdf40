"""`mlspec promote`: write into the spec which version a stage should hold, for a person to commit; decides nothing."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

from mlspec.commands.catch_up import Ask
from mlspec.commands.rollback import declared_model, judged
from mlspec.commands.versions import find_version, refuse_expired
from mlspec.commands.workspace import Workspace, open_workspace
from mlspec.core.document import Document
from mlspec.core.head import Head
from mlspec.core.problem import Place, fail, suggest
from mlspec.core.promotion import Promotion
from mlspec.io import yaml
from mlspec.io.clock import SystemClock
from mlspec.io.files import find_source, read_regular, write_file
from mlspec.io.yaml_edit import set_value
from mlspec.specs.model import Model


def run(start: Path, name: str, stage: str, wanted: str | None = None) -> Promotion:
    """Edit the entry of a stage in a model's spec; `wanted` is a version, or a stage that holds one, else the newest.

    Raises:
        MlspecError: no valid project, no such model, stage or version, a stage that the spec does not declare, or a
            file that cannot be written; nothing is written then.
    """
    workspace = open_workspace(start, ask=Ask.MAY)
    model = declared_model(workspace, name)
    _refuse_stage(workspace, model, stage)
    head = workspace.state.heads.get(str(model.address)) or Head(address=str(model.address))
    if not head.versions:
        raise fail("select/version", f"no version of {model.address} is registered yet", help="run: mlspec apply")
    version = find_version(head, wanted) if wanted else max(head.versions, key=lambda known: known.n)
    refuse_expired(head, version)
    document = workspace.specs.where[model.address]
    written = document.value["stages"][stage].get("version")
    line = _edit(workspace, document, stage, version.n) if written != version.n else _line(workspace, document, stage)
    state = head.stages.get(stage)
    return Promotion(
        address=str(model.address),
        stage=stage,
        version=version.n,
        run=version.fingerprint,
        at=head.runs[version.fingerprint].at,
        before=written,
        held=state.version if state else None,
        goes_back=state is not None and version.n in state.held,
        gates=judged(workspace, model, head, version.fingerprint, stage, SystemClock().now()),
        override=state.override if state else None,
        deploy=workspace.deploy_branch,
        file=document.file,
        line=line,
    )


def _refuse_stage(workspace: Workspace, model: Model, stage: str) -> None:
    order = workspace.project.stages
    if stage not in order:
        there = f"the stages are {', '.join(order)}"
        raise fail("promote/stage", f"mlspec.yaml has no stage `{stage}`; {there}", help=suggest(stage, order))
    if stage not in model.stages:
        file = workspace.specs.where[model.address].file
        raise fail(
            "promote/stage",
            f"the spec of {model.address} declares no stage `{stage}`: which gates a version must pass is yours to say",
            place=Place(file),
            help=f"add below `stages`: {stage}: {{version: latest, gates: […]}}",
        )


def _edit(workspace: Workspace, document: Document, stage: str, version: int) -> int:
    """Write the version down, if the spec then says what it should and nothing else; return the line."""
    path = find_source(workspace.root, document.file)
    content = read_regular(path)
    expected = deepcopy(document.value)
    expected["stages"][stage]["version"] = version
    try:
        edited = set_value(content, document.index, ("stages", stage, "version"), str(version))
    except LookupError:
        edited = b""
    found = {one.index: one.value for one in yaml.read(document.file, edited, "")[0]}
    if json.dumps(found.get(document.index), sort_keys=True) != json.dumps(expected, sort_keys=True):
        raise fail(
            "promote/layout",
            f"the entry stages.{stage} is written in a way that cannot be edited safely",
            place=Place(document.file, _line(workspace, document, stage)),
            help=f"write it by hand: version: {version}",
        )
    write_file(path, edited)
    return _line(workspace, document, stage)


def _line(workspace: Workspace, document: Document, stage: str) -> int:
    path = ("stages", stage, "version")
    content = workspace.tree.read(document.file) or b""
    return yaml.places(document.file, content, document.index, [path])[path].line
