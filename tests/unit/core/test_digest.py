"""Digests: one form of each JSON value, and none of what JSON has no form for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlspec.core import digest

keys = st.text(st.characters(exclude_categories=["Cs"]))
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | keys
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)

FORMS: list[tuple[Any, str]] = [
    ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
    ({"é": 1, "z": 2, "Z": 3}, '{"Z":3,"z":2,"é":1}'),
    ([1, 1.0], "[1,1.0]"),
    ((1, 2), "[1,2]"),
    (1e22, "1e+22"),
    (0.1 + 0.2, "0.30000000000000004"),
    (-0.0, "0.0"),
    (2**70, "1180591620717411303424"),
    ("é\u2028\U0001f600", '"é\u2028\U0001f600"'),
    ('"\\\n\x00', '"\\"\\\\\\n\\u0000"'),
    ([True, False, None], "[true,false,null]"),
]
NO_FORM: list[tuple[Any, str]] = [
    (float("nan"), "nan has no canonical JSON form"),
    ({"a": [float("inf")]}, "inf has no canonical JSON form"),
    ([-float("inf")], "-inf has no canonical JSON form"),
    ({1: "a"}, "a JSON key must be text, not 1"),
    ({None: "a"}, "a JSON key must be text, not None"),
    ({"a": {"b"}}, "set has no canonical JSON form"),
    (b"bytes", "bytes has no canonical JSON form"),
    ("\ud800", "surrogates not allowed"),
]


@pytest.mark.parametrize(("value", "form"), FORMS)
def test_canonical_form(value: Any, form: str) -> None:
    assert digest.canonical(value).decode() == form


@pytest.mark.parametrize(("value", "why"), NO_FORM)
def test_what_json_has_no_form_for_is_refused(value: Any, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        digest.of(value)


@pytest.mark.parametrize(
    ("value", "found"),
    [  # as sha256sum computes them; a change here retrains every model of every user
        ({}, "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        (
            {"b": [1, 1.0, True, None], "a": "é\u2028"},
            "sha256:a0c20498380882ccdd8472d2bcc48c26d26402682fae1bc57cd737ed9c5b96d9",
        ),
    ],
)
def test_golden_digests(value: Any, found: str) -> None:
    assert digest.of(value) == found


@given(values)
def test_the_form_reads_back_and_is_its_own_form(value: Any) -> None:
    form = digest.canonical(value)
    assert json.loads(form) == value
    assert digest.canonical(json.loads(form)) == form


@given(st.dictionaries(keys, values), st.randoms())
def test_the_order_of_keys_is_ignored(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert digest.of(dict(items)) == digest.of(value)


@given(st.integers(-(2**53), 2**53))
def test_an_integer_and_an_equal_float_differ(number: int) -> None:
    assert digest.of(number) != digest.of(float(number))


@given(values)
def test_a_digest_is_well_formed_and_shortens_to_its_first_characters(value: Any) -> None:
    found = digest.of(value)
    assert digest.is_digest(found)
    assert digest.short(found, 8) == found[7:15]
    assert len(digest.short(found)) == 12


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "0" * 63, "sha256:" + "A" * 64, "0" * 64, "sha1:" + "0" * 64]
)
def test_what_is_no_digest(text: str) -> None:
    assert not digest.is_digest(text)
    assert not digest.is_digest("sha256:" + "0" * 64 + "\n")
