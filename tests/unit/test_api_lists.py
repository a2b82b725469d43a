"""Names of cached lists."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from api.list_answers import cache_field
from engine.recommend.answer import Request
from engine.recommend.control.config import ControlPatch

CONTROLS = st.builds(
    ControlPatch,
    diversity=st.just(msgspec.UNSET) | st.floats(0, 1),
    diversity_by=st.just(msgspec.UNSET) | st.sampled_from(["category", "both"]),
    category_cap=st.just(msgspec.UNSET) | st.none() | st.integers(1, 9),
)
REQUESTS = st.builds(
    Request,
    limit=st.integers(1, 100),
    placement=st.text(max_size=3),
    category=st.none() | st.text(max_size=3),
    exclude_item_ids=st.frozensets(st.text(max_size=2), max_size=4),
    strict_filtering=st.booleans(),
    new_only=st.booleans(),
    again_only=st.booleans(),
    control=st.none() | CONTROLS,
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
        "again_only": True,
        "control": ControlPatch(diversity=0.5),
    }

    names = {cache_field("m", replace(Request(), **{name: other[name]})) for name in other}

    assert set(other) == {each.name for each in fields(Request)}
    plain = {cache_field("m", Request()), cache_field("m2", Request())}
    again = {cache_field("m", Request(), epoch=epoch) for epoch in ("1", "2")}
    assert len(names | plain | again) == len(other) + 4


def test_a_wish_for_no_cap_is_not_the_same_as_no_wish():
    wishes = (None, ControlPatch(), ControlPatch(category_cap=None), ControlPatch(category_cap=1))

    assert len({cache_field("m", Request(control=each)) for each in wishes}) == 4
