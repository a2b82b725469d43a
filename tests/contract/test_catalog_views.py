"""The catalogue as lists see it, over each kind of database."""

from __future__ import annotations

import random

from api.catalog_views import CatalogViews
from engine.domain.catalog import ItemPatch
from engine.recommend.answer import CatalogView
from engine.store.catalog import SqlCatalog
from engine.store.database import Database


def test_only_what_changed_since_a_revision_is_read(database: Database):
    catalog = SqlCatalog(database)
    first = catalog.put([ItemPatch("A", category="tea"), ItemPatch("B")])
    catalog.put([ItemPatch("B", available=False)])

    changed = catalog.changed_since(first)

    assert [(item.item_id, item.available) for item in changed] == [("B", False)]
    assert len(catalog.changed_since(0)) == 2


def test_a_view_kept_up_to_date_equals_one_built_anew(database: Database):
    catalog = SqlCatalog(database)
    views = CatalogViews(catalog)
    rng = random.Random(4)

    for _ in range(30):
        patches = [
            ItemPatch(f"i{number}", available=rng.random() < 0.5, category=rng.choice("xyz"))
            for number in rng.sample(range(9), k=rng.randint(1, 4))
        ]
        catalog.put(patches)

        kept = views.latest()

        assert kept == CatalogView.of(catalog.all(), revision=catalog.revision())
        assert views.latest() is kept


def test_before_the_catalogue_was_read_everything_is_taken_for_available(database: Database):
    catalog = SqlCatalog(database)
    catalog.put([ItemPatch("A", available=False)])

    assert CatalogViews(catalog).last_known().unavailable == frozenset()


def test_an_item_without_a_category_loses_the_one_it_had(database: Database):
    catalog = SqlCatalog(database)
    views = CatalogViews(catalog)
    catalog.put([ItemPatch("A", category="tea")])
    views.latest()

    catalog.put([ItemPatch("A", category=None)])

    assert views.latest().categories == {}
