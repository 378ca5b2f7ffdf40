"""Addresses: what is one, and that its text is its identity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core.address import NAME_PATTERN, Address

names = st.from_regex(NAME_PATTERN, fullmatch=True)


@given(names, names)
def test_text_and_address_are_the_same(kind: str, name: str) -> None:
    address = Address(kind, name)
    assert Address.parse(str(address)) == address
    assert str(Address.parse(f"{kind}/{name}")) == f"{kind}/{name}"


@pytest.mark.parametrize("text", ["model/income", "m/a", "dataset/a-1", f"model/{'a' * 63}"])
def test_what_is_an_address(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "income", "model/", "/income", "model/income/v1", "model//income"),
        *("Model/income", "model/Income", "model/1income", "model/-income", "model/in_come", "model/in come"),
        *("model/income\n", " model/income", "model/ïncome", "model/..", f"model/{'a' * 64}"),
    ],
)
def test_what_is_none_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address; expected kind/name, as in model/income"):
        Address.parse(text)


def test_addresses_sort_by_kind_then_name() -> None:
    written = ["model/b", "dataset/z", "model/a", "gate/m"]
    assert [str(one) for one in sorted(map(Address.parse, written))] == ["dataset/z", "gate/m", "model/a", "model/b"]
