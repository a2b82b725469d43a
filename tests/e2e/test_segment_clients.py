"""Clients of Segment and RudderStack, unmodified, deliver every event once by a change of host."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from engine.store.database import Database
from engine.store.tables import customers, events, identities, rejected_events
from tests.clients.installed import CLIENTS, Client, NotInstalled
from tests.shop import Shop

COUNT = 1_000


@pytest.mark.parametrize("client", CLIENTS, ids=lambda each: each.name)
def test_a_client_delivers_every_order_once(tmp_path: Path, client: Client) -> None:
    shop = Shop(tmp_path / "home")
    shop.home.mkdir()

    with shop.serving(workers=1) as server:
        try:
            client.send(server.url, COUNT)
        except NotInstalled as reason:
            pytest.skip(str(reason))

    database = Database.open(f"sqlite:///{shop.home / 'regulars.db'}")
    with database.read() as connection:
        one = connection.scalar
        assert one(select(func.count()).select_from(rejected_events)) == 0
        assert one(select(func.count()).select_from(events)) == COUNT
        assert one(select(func.count(events.c.order_id.distinct()))) == COUNT
        # Two for 2.50 each.
        assert one(select(func.sum(customers.c.revenue))) == COUNT * 500
        assert one(select(func.count()).select_from(identities)) == 100
    database.close()
