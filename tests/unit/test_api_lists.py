"""Names of cached lists."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from api.lists import cache_field
from engine.recommend.answer import Request

REQUESTS = st.builds(
    Request,
    limit=st.integers(1, 100),
    placement=st.text(max_size=3),
    category=st.none() | st.text(max_size=3),
    exclude_item_ids=st.frozensets(st.text(max_size=2), max_size=4),
    strict_filtering=st.booleans(),
)


@given(one=REQUESTS, other=REQUESTS)
def test_equal_requests_share_a_list_and_others_do_not(one: Request, other: Request):
    assert (cache_field("m", one) == cache_field("m", other)) == (one == other)
    assert cache_field("m", one) == cache_field("m", replace(one))


def test_every_part_of_a_request_makes_another_list():
    other = {
        "limit": 3,
        "placement": "cart",
        "category": "tea",
        "exclude_item_ids": frozenset("A"),
        "strict_filtering": True,
        "new_only": True,
    }

    names = {cache_field("m", replace(Request(), **{name: other[name]})) for name in other}

    assert set(other) == {each.name for each in fields(Request)}
    assert len(names | {cache_field("m", Request()), cache_field("m2", Request())}) == 8
