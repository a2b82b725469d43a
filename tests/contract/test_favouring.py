"""Who likes a category, over each kind of database."""

from __future__ import annotations

from engine.store.database import Database
from engine.store.features import SqlFeatures
from tests.fakes import a_shop


def test_those_who_buy_most_in_a_category_come_by_their_last_order(database: Database):
    items = [{"item_id": "A", "category": "tea"}, {"item_id": "B", "category": "mugs"}]
    bought = (
        ("old", "A", "2026-01-01"),
        ("late", "A", "2026-02-01"),
        ("also", "A", "2026-02-01"),
        ("mugs", "B", "2026-02-02"),
    )
    with a_shop(database) as shop:
        shop.client.put("/v1/items", json={"items": items})
        for name, item, date in bought:
            shop.buy(name, item, f"e-{name}", occurred_at=f"{date}T00:00:00Z")

    found = SqlFeatures(database)

    assert found.favouring("tea", limit=10) == ["also", "late", "old"]
    assert found.favouring("tea", limit=1) == ["also"]
    assert found.favouring("nothing", limit=10) == []
