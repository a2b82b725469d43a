"""Names of cached lists, and the catalogue as lists see it."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from api.catalog_views import CatalogViews
from api.lists import cache_field
from engine.domain.catalog import Item, ItemPatch
from engine.recommend.answer import Request
from tests.fakes import MemoryCatalog

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


def test_the_catalogue_is_read_again_only_when_it_changed():
    catalog = MemoryCatalog(Item("A", category="tea"), Item("B", available=False))
    views = CatalogViews(catalog)

    first, second = views.latest(), views.latest()
    catalog.put([ItemPatch("A", available=False)])
    third = views.latest()

    assert first is second
    assert (first.unavailable, first.categories) == (frozenset("B"), {"A": "tea"})
    assert third.unavailable == frozenset("AB")
    assert third.revision > first.revision
    assert catalog.read == 2


def test_before_the_catalogue_was_read_everything_is_taken_for_available():
    views = CatalogViews(MemoryCatalog(Item("A", available=False)))

    assert views.last_known().unavailable == frozenset()
