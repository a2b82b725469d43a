from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.domain.catalog import Item, ItemPatch
from engine.store.catalog import SqlCatalog
from engine.store.database import Database

FULL = Item(
    "i1",
    title="Tea, größer",
    category="drinks",
    brand="B",
    price=350,
    cost=200,
    image_url="https://shop.example/i1.png",
    url="https://shop.example/i1",
    available=False,
    tags=("organic", "new"),
    attributes={"grams": 100, "nested": {"a": [1, None]}},
)


@pytest.fixture
def catalog(database: Database) -> SqlCatalog:
    return SqlCatalog(database)


def test_an_empty_catalogue_has_revision_0_and_no_items(catalog: SqlCatalog):
    assert catalog.revision() == 0
    assert catalog.all() == []
    assert catalog.get("i1") is None
    assert catalog.titles(["i1"]) == {}


def test_an_item_is_read_as_it_was_put(catalog: SqlCatalog):
    stated = {name: getattr(FULL, name) for name in FULL.__struct_fields__}

    catalog.put([ItemPatch(**stated)])

    assert catalog.get("i1") == FULL
    assert catalog.all() == [FULL]


def test_an_item_that_is_only_named_is_described_by_defaults(catalog: SqlCatalog):
    catalog.put([ItemPatch("i1")])

    assert catalog.get("i1") == Item("i1")


def test_what_a_patch_leaves_unset_stays(catalog: SqlCatalog):
    catalog.put([ItemPatch("i1", title="Tea", price=350, tags=("new",))])

    catalog.put([ItemPatch("i1", price=400, available=False)])

    assert catalog.get("i1") == Item("i1", title="Tea", price=400, available=False, tags=("new",))


def test_none_takes_an_attribute_away(catalog: SqlCatalog):
    catalog.put([ItemPatch("i1", title="Tea", price=350)])

    catalog.put([ItemPatch("i1", title=None)])

    assert catalog.get("i1") == Item("i1", price=350)


def test_each_call_that_changes_something_is_one_revision(catalog: SqlCatalog):
    assert catalog.put([ItemPatch("i1"), ItemPatch("i2"), ItemPatch("i3")]) == 1
    assert catalog.put([ItemPatch("i1", title="Tea"), ItemPatch("i2", title="Jam")]) == 2
    assert catalog.revision() == 2


def test_a_call_that_changes_nothing_keeps_the_revision(catalog: SqlCatalog):
    catalog.put([ItemPatch("i1", title="Tea", tags=("new",), attributes={"a": 1})])

    same = catalog.put([ItemPatch("i1", title="Tea", tags=("new",), attributes={"a": 1})])

    assert same == catalog.put([]) == catalog.revision() == 1


def test_patches_of_one_item_in_one_call_apply_in_order(catalog: SqlCatalog):
    catalog.put([ItemPatch("i1", title="Tea", price=1), ItemPatch("i1", title="Green tea")])

    assert catalog.get("i1") == Item("i1", title="Green tea", price=1)


def test_titles_are_those_of_the_items_that_have_one(catalog: SqlCatalog):
    catalog.put([ItemPatch("i1", title="Tea"), ItemPatch("i2"), ItemPatch("i3", title="Jam")])

    assert catalog.titles(["i1", "i2", "i1", "unknown"]) == {"i1": "Tea"}


def test_more_items_than_one_statement_takes_are_put(catalog: SqlCatalog):
    many = [ItemPatch(f"i{number:05d}", title=str(number)) for number in range(2_500)]

    assert catalog.put(many) == 1
    assert catalog.put(many) == 1
    assert len(catalog.titles([patch.item_id for patch in many])) == 2_500


def test_changes_made_at_once_are_all_kept_and_each_has_a_revision(catalog: SqlCatalog):
    patches = [ItemPatch("i1", attributes={"n": number}) for number in range(10)]
    patches += [ItemPatch(f"i{number}", title="t") for number in range(2, 12)]

    with ThreadPoolExecutor(4) as pool:
        revisions = list(pool.map(lambda patch: catalog.put([patch]), patches))

    assert sorted(revisions) == list(range(1, 21))
    assert len(catalog.all()) == 11
