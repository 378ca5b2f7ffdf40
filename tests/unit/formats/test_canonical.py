"""What a kept model consists of is told whatever file it is in: equal contents are equal, and what differs is named."""

from __future__ import annotations

import io
import json
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from mlspec.formats.canonical import differing, members


def zipped(files: dict[str, bytes], year: int = 1980, compression: int = 0) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", compression) as made:
        for name, content in files.items():
            entry = ZipInfo(name, (year, 1, 1, 0, 0, 0))
            entry.compress_type = compression
            made.writestr(entry, content)
    return buffer.getvalue()


def skops(address: int, array: bytes = b"array") -> dict[str, bytes]:
    schema = {"a": {"__id__": address, "file": f"{address}.npy"}}
    return {f"{address}.npy": array, "schema.json": json.dumps(schema).encode()}


def of(folder: Path, content: bytes) -> dict[str, str]:
    (folder / "artifact").write_bytes(content)
    return members(folder / "artifact")


def test_times_order_and_packing_are_no_part_of_an_archive(tmp_path: Path) -> None:
    one = zipped({"model/a": b"a", "code/b.py": b"b"})
    other = zipped({"code/b.py": b"b", "model/a": b"a"}, year=2026, compression=ZIP_DEFLATED)
    assert one != other
    assert of(tmp_path, one) == of(tmp_path, other)
    changed = of(tmp_path, zipped({"model/a": b"A", "code/b.py": b"b", "model/c": b""}))
    assert differing(of(tmp_path, one), changed) == ("model/a", "model/c")


def test_addresses_are_no_part_of_a_skops_file(tmp_path: Path) -> None:
    one, other = zipped(skops(977)), zipped(skops(3), year=2026)
    assert of(tmp_path, one) == of(tmp_path, other)
    within = [of(tmp_path, zipped({"model/model.skops": content})) for content in (one, other)]
    assert within[0] == within[1]
    assert differing(within[0], of(tmp_path, zipped({"model/model.skops": zipped(skops(3, b"other"))}))) == (
        "model/model.skops/000000.npy",
    )


def test_what_is_no_archive_goes_by_its_bytes(tmp_path: Path) -> None:
    for content in (b"an ONNX graph", b"PK\x03\x04 is no archive", zipped({"a": b"a" * 99})[:40]):
        assert list(of(tmp_path, content)) == ["model"]
    assert of(tmp_path, b"one") != of(tmp_path, b"other")
    broken = zipped({"schema.json": b"no JSON"})
    assert list(of(tmp_path, broken)) == ["model"]
