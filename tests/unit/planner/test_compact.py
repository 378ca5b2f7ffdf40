"""Fields too many for a record go to an object; the rest stays, and nothing is lost."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mlspec.core import digest
from mlspec.planner.compact import LIMIT, compact, object_of

FIELDS = st.dictionaries(
    st.tuples(st.sampled_from(["schema", "code", "train"]), st.text("abc", min_size=1, max_size=9)).map(".".join),
    st.text(max_size=200),
    max_size=120,
)


@given(FIELDS)
def test_what_fits_is_kept_and_the_rest_is_in_its_object(fields: dict[str, str]) -> None:
    small = compact(fields)
    assert len(digest.canonical(small.fields)) <= LIMIT
    back = {name: value for name, value in small.fields.items() if not name.endswith(".object")}
    for content in small.objects.values():
        back |= json.loads(content)
    assert back == fields
    assert all(digest.of_bytes(content) == name for name, content in small.objects.items())


def test_a_few_fields_stay_as_they_are() -> None:
    assert compact({"owner": "risk"}).fields == {"owner": "risk"}
    assert object_of({"owner": "risk"}, "schema") is None


def test_the_largest_group_goes_first() -> None:
    fields = {**{f"schema.c{n}.type": "integer" for n in range(600)}, "split.test": 0.25, "content": "sha256:x"}
    small = compact(fields)
    assert set(small.fields) == {"split.test", "content", "schema.object"}
    assert object_of(small.fields, "schema") in small.objects
