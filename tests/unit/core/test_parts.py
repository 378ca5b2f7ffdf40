"""Manifests: equal files are equal bytes, and packs are laid out the same for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.digest import of_bytes
from mlspec.core.parts import MOST_PACKS, PACK_BYTES, START, Manifest, Part, manifest_of, parse

PARTS = st.lists(
    st.builds(
        Part, st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(0, 1 << 31), st.just("d")
    ),
    unique_by=lambda part: part.path,
)


def sized(*sizes: int) -> Manifest:
    return manifest_of([Part(f"{n:04}.csv", size, f"sha256:{n}") for n, size in enumerate(sizes)])


@given(PARTS, st.randoms())
def test_order_is_nothing_and_bytes_are_read_back(parts: list[Part], random: object) -> None:
    one, other = manifest_of(parts), manifest_of(parts[::-1])
    assert one.content == other.content
    assert one.content.startswith(START)
    assert parse(one.content) == one


@given(PARTS)
def test_packs_hold_every_part_once_in_order(parts: list[Part]) -> None:
    manifest = manifest_of(parts)
    packs = list(manifest.packs())
    assert tuple(part for pack in packs for part in pack) == manifest.parts
    assert len(packs) <= MOST_PACKS + 1


# Objects of the store are laid out by these for ever.
def test_golden_layout() -> None:
    mib = 1 << 20
    assert [len(pack) for pack in sized(*[10 * mib] * 20).packs()] == [7, 7, 6]
    assert [len(pack) for pack in sized(100 * mib, 1, 100 * mib).packs()] == [1, 2]
    assert [len(pack) for pack in sized(*[64 * mib] * 100).packs()] == [3] * 33 + [1]
    assert [len(pack) for pack in sized(*[10_000] * 20_000).packs()] == [6711, 6711, 6578]
    assert list(sized().packs()) == []
    assert 64 * mib == PACK_BYTES
    assert of_bytes(sized(1, 2).content) == GOLDEN


GOLDEN = "sha256:25eea929110e2839c867a7334054f91139bbdb6d31db012b07a9177abc930d56"
