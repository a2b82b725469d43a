"""What docs/segment.md tells people to type works as it stands there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.identities import JOINED_EVENTS, OWNER_ID
from engine.store.tables import events
from tests.clients.installed import NotInstalled, run_node, run_python
from tests.shop import Server, Shop

DOC = (Path(__file__).parents[2] / "docs" / "segment.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOC, flags=re.DOTALL)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    (tmp_path / "home").mkdir()
    return Shop(tmp_path / "home")


@pytest.fixture
def server(shop: Shop) -> Iterator[Server]:
    with shop.serving(workers=1) as started:
        yield started


def typed(block: str, shop: Shop, *, url: str = "") -> str:
    """What a block prints when it is typed."""
    command = block.replace("http://127.0.0.1:8080", url)
    command = re.sub("^regulars ", f"{sys.executable} -m training ", command, flags=re.MULTILINE)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env=shop.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(shop: Shop) -> list[tuple[str, str]]:
    """The events in the log by type, each with whose it is."""
    database = Database.open(f"sqlite:///{shop.home / 'regulars.db'}")
    asked = select(events.c.type, OWNER_ID).select_from(JOINED_EVENTS).order_by(events.c.seq)
    with database.read() as connection:
        found = [(kind, who) for kind, who in connection.execute(asked)]
    database.close()
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_work(shop: Shop, server: Server) -> None:
    track, event, collect, split = blocks("sh")

    assert json.loads(typed(track, shop, url=server.url)) == {"success": True}
    first = server.get("/v1/customers/17850/profile")
    assert json.loads(typed(event, shop, url=server.url))["accepted"] == 1
    second = server.get("/v1/customers/17850/profile")
    assert typed(collect, shop, url=server.url) == ""
    said = typed(split, shop)

    # 19.00 and 2 x 3.00 less 2.50; then 3 x 4.00.
    assert first["revenue"] == 2250
    assert second["revenue"] == 2250 + 1200
    assert told(shop)[-1] == ("view_item", "17850")
    assert "no longer joined to 17850" in said


def test_the_python_clients_work(shop: Shop, server: Server) -> None:
    for block in blocks("python"):
        try:
            run_python(block.replace("http://127.0.0.1:8080", server.url))
        except NotInstalled as reason:
            pytest.skip(str(reason))

    assert told(shop) == [("purchase", "17850"), ("identify", "17850")]
    database = Database.open(f"sqlite:///{shop.home / 'regulars.db'}")
    stored = SqlFeatures(database).load("17850")
    database.close()
    assert stored is not None
    assert json.loads(stored.attributes) == {"plan": "gold"}


def test_the_node_client_works(shop: Shop, server: Server) -> None:
    (block,) = blocks("js")
    try:
        run_node(block.replace("http://127.0.0.1:8080", server.url))
    except NotInstalled as reason:
        pytest.skip(str(reason))

    assert told(shop) == [("view_item", "17850")]
