"""The truth saved as of one moment, and brought back: between databases, under load, or not."""

from __future__ import annotations

import stat
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import func, inspect, select, text

from engine.domain.catalog import ItemPatch
from engine.domain.events import EventType, to_ms
from engine.feedback import Feedback
from engine.loyalty.cuts import Cuts
from engine.rebuild import rebuild_states
from engine.settings import Settings
from engine.store.backup import LEFT_OUT, saved_tables
from engine.store.catalog import SqlCatalog
from engine.store.database import Database
from engine.store.invalidations import SqlInvalidations
from engine.store.ledger import SqlLedger
from engine.store.memory_cache import MemoryListCache
from engine.store.model_store import ModelStore
from engine.store.redis_cache import connect
from engine.store.segments import SqlSegments
from engine.store.tables import events, invalidations, metadata, shop
from tests.databases import MakeUrl
from tests.events import a_line, a_purchase, a_refund, an_event, day
from tests.fakes import a_model
from training.cli import regulars
from training.progress import Silent
from training.refresh import refresh

NOW = day(4_000)


@pytest.fixture(
    params=[
        "sqlite to sqlite",
        "sqlite to postgresql",
        "postgresql to sqlite",
        "postgresql to postgresql",
    ]
)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path, make_postgres_url: MakeUrl
) -> Iterator[tuple[Settings, Settings]]:
    """The settings of a shop with something in it, and of another without."""
    kinds = request.param.split(" to ")
    with make_postgres_url() as one, make_postgres_url() as other:
        urls = [
            url if kind == "postgresql" else f"sqlite:///{tmp_path / name / 'regulars.db'}"
            for kind, url, name in zip(kinds, (one, other), ("one", "other"), strict=True)
        ]
        homes = (tmp_path / "one", tmp_path / "other")
        first, second = (
            Settings(home=home, database_url=url) for home, url in zip(homes, urls, strict=True)
        )
        yield first, second


def opened(settings: Settings) -> Database:
    database = Database.open(settings.database)
    database.upgrade()
    return database


def run(settings: Settings, *words: object) -> Result:
    return CliRunner().invoke(regulars, [str(word) for word in words], obj=settings)


def done(settings: Settings, *words: object) -> str:
    result = run(settings, *words)
    assert result.exception is None, result.output + repr(result.exception)
    return result.output


def record(database: Database, *told: Any) -> None:
    cache = MemoryListCache(ttl=timedelta(hours=1))
    feedback = Feedback(SqlLedger(database), SqlInvalidations(database), cache)
    assert all(each.reason is None for each in feedback.record(told, now=NOW))


def fill(settings: Settings) -> None:
    """A bit of everything that a shop's database holds."""
    database = opened(settings)
    record(
        database,
        a_purchase("e1", a_line("tea", 2, 150), order_id="o1"),
        a_purchase("e2", a_line("jäm ❤", 0.25, 400), order_id="o2", customer_id="c'2\"\\%"),
        a_refund("e3", order_id="o1", customer_id=None),
        an_event("e4", EventType.RATING, lines=(a_line("tea"),), properties={"rating": 4}),
        an_event("e5", EventType.IDENTIFY, properties={"traits": {"city": "Taipei\n"}}),
        a_purchase("e6", a_line("tea", 1, None), order_id="o6", customer_id=None),
    )
    SqlCatalog(database).put([ItemPatch("tea", title="Tea, 100 g")])
    refresh(database, Cuts.untrained(), now_ms=to_ms(NOW), progress=Silent())
    database.close()


def content(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    database = opened(settings)
    with database.read() as connection:
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in saved_tables()
        }
    database.close()
    return found


def test_a_restored_shop_is_the_shop_that_was_saved(
    pair: tuple[Settings, Settings], tmp_path: Path
):
    shop_saved, empty = pair
    fill(shop_saved)

    done(shop_saved, "backup", tmp_path / "saved.zip")
    said = done(empty, "restore", tmp_path / "saved.zip")

    assert "6 events" in said
    before, after = content(shop_saved), content(empty)
    assert after == before
    assert [name for name, rows in before.items() if rows] == [
        name for name, rows in after.items() if rows
    ]
    assert len(before["events"]) == 6
    assert len(before["customer_features"]) == 2
    assert before["segment_runs"]


def test_a_restored_shop_goes_on(pair: tuple[Settings, Settings], tmp_path: Path):
    saved, empty = pair
    fill(saved)
    done(saved, "backup", tmp_path / "saved.zip")
    done(empty, "restore", tmp_path / "saved.zip")

    database = opened(empty)
    record(database, a_purchase("e7", a_line("tea"), customer_id="new"))
    record(database, a_purchase("e1", a_line("tea", 2, 150), order_id="o1"))

    assert rebuild_states(SqlLedger(database)) == 0
    with database.read() as connection:
        numbers = connection.execute(select(events.c.seq, events.c.event_id)).all()
    assert len(numbers) == 7, "what was there already counts once"
    assert max(numbers)[1] == "e7"
    database.close()


def test_a_number_that_was_given_is_not_given_again(
    pair: tuple[Settings, Settings], tmp_path: Path
):
    saved, empty = pair
    fill(saved)
    database = opened(saved)
    with database.write() as connection:
        connection.execute(shop.insert().values(name="erasing", value="1"))
        last = connection.scalar(select(func.max(events.c.seq)))
        connection.execute(text(f"DELETE FROM event_lines WHERE event_seq = {last}"))
        connection.execute(events.delete().where(events.c.seq == last))
        connection.execute(shop.delete().where(shop.c.name == "erasing"))
    database.close()
    done(saved, "backup", tmp_path / "saved.zip")
    done(empty, "restore", tmp_path / "saved.zip")

    database = opened(empty)
    record(database, a_purchase("later", a_line("tea")))

    with database.read() as connection:
        assert connection.scalar(select(func.max(events.c.seq))) > last
    database.close()


def test_a_backup_under_load_is_of_one_moment(pair: tuple[Settings, Settings], tmp_path: Path):
    saved, empty = pair
    database = opened(saved)
    acknowledged: list[str] = []
    stop = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not stop.is_set():
            name = f"{writer}-{number}"
            told = [
                a_purchase(f"{name}-a", a_line("tea"), order_id=name, customer_id=f"c{number % 9}"),
                a_purchase(f"{name}-b", a_line("jam"), order_id=name, customer_id=f"c{number % 9}"),
            ]
            record(database, *told)
            acknowledged.append(name)
            number += 1

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for each in writers:
        each.start()
    while len(acknowledged) < 50:
        time.sleep(0.01)
    before = list(acknowledged)
    done(saved, "backup", tmp_path / "saved.zip")
    after = len(acknowledged)
    stop.set()
    for each in writers:
        each.join()
    done(empty, "restore", tmp_path / "saved.zip")

    restored = opened(empty)
    with restored.read() as connection:
        found = list(connection.scalars(select(events.c.event_id)))
    assert after > len(before), "it was written to meanwhile"
    assert len(found) == len(set(found))
    assert {f"{name}-{half}" for name in before for half in "ab"} <= set(found)
    # Two events in one transaction are both there, or neither.
    assert {each[:-2] for each in found if each.endswith("a")} == {
        each[:-2] for each in found if each.endswith("b")
    }
    assert rebuild_states(SqlLedger(restored)) == 0
    restored.close()
    database.close()


def test_only_what_the_cache_must_be_told_stays_out(database: Database):
    with database.read() as connection:
        there = set(inspect(connection).get_table_names()) - {"alembic_version"}

    assert {each.name for each in saved_tables()} == there - {invalidations.name}
    assert LEFT_OUT == ("invalidations",)
    assert there == set(metadata.tables)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    fill(settings)
    return settings


def test_a_database_with_something_in_it_is_replaced_only_by_force(home: Settings, tmp_path: Path):
    done(home, "backup", tmp_path / "saved.zip")
    before = content(home)
    database = opened(home)
    record(database, a_purchase("more", a_line("tea")))
    database.close()

    refused = run(home, "restore", tmp_path / "saved.zip")
    still = content(home)
    done(home, "restore", "--force", tmp_path / "saved.zip")

    assert "is not empty; --force" in str(refused.exception)
    assert len(still["events"]) == 7
    assert content(home) == before
    assert sorted(each.name for each in home.home.iterdir()) == ["regulars.db"]


def test_a_database_in_use_is_not_replaced(home: Settings, tmp_path: Path):
    done(home, "backup", tmp_path / "saved.zip")
    database = opened(home)
    with database.read() as connection:
        connection.execute(select(events)).first()

        refused = run(home, "restore", "--force", tmp_path / "saved.zip")

    assert "is in use" in str(refused.exception)
    database.close()
    assert len(content(home)["events"]) == 6


def test_a_postgresql_in_use_is_not_replaced(home: Settings, tmp_path: Path, postgres_url: str):
    done(home, "backup", tmp_path / "saved.zip")
    other = Settings(home=tmp_path / "other", database_url=postgres_url)
    database = opened(other)
    with database.read():
        refused = run(other, "restore", tmp_path / "saved.zip")

    assert "connections of regulars are open; stop" in str(refused.exception)
    database.close()
    assert content(other)["events"] == []


def test_a_broken_database_can_be_replaced(home: Settings, tmp_path: Path):
    done(home, "backup", tmp_path / "saved.zip")
    before = content(home)
    (home.home / "regulars.db").write_bytes(b"not a database any more " * 1000)

    done(home, "restore", "--force", tmp_path / "saved.zip")

    assert content(home) == before


@pytest.mark.parametrize("harm", ["cut short", "one byte", "no manifest", "no zip", "nothing"])
def test_a_backup_that_is_not_whole_is_refused_before_anything_is_touched(
    home: Settings, tmp_path: Path, harm: str
):
    file = tmp_path / "saved.zip"
    done(home, "backup", file)
    before, data = content(home), file.read_bytes()
    if harm == "cut short":
        file.write_bytes(data[:-100])
    elif harm == "one byte":
        middle = data.index(b"PAR1") + 200
        file.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif harm == "no manifest":
        with zipfile.ZipFile(file, "w") as made:
            made.writestr("tables/events.parquet", b"")
    elif harm == "no zip":
        file.write_bytes(b"customer_id,item_id\n")
    else:
        file.unlink()

    refused = run(home, "restore", "--force", file)

    assert "saved.zip" in str(refused.exception)
    assert content(home) == before


def test_a_backup_of_newer_tables_is_refused(home: Settings, tmp_path: Path):
    file = tmp_path / "saved.zip"
    done(home, "backup", file)
    with zipfile.ZipFile(file) as saved:
        members = {name: saved.read(name) for name in saved.namelist()}
    members["manifest.json"] = members["manifest.json"].replace(b'"revision": "', b'"revision": "9')
    with zipfile.ZipFile(file, "w") as changed:
        for name, data in members.items():
            changed.writestr(name, data)

    refused = run(home, "restore", "--force", file)

    assert "upgrade regulars" in str(refused.exception)


def test_a_backup_is_for_its_owner_and_overwrites_no_other_file(home: Settings, tmp_path: Path):
    file, orders = tmp_path / "saved.zip", tmp_path / "orders.csv"
    orders.write_text("customer_id\n")

    done(home, "backup", file)
    done(home, "backup", file)
    refused = run(home, "backup", orders)

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is no backup" in str(refused.exception)
    assert orders.read_text() == "customer_id\n"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["home", "orders.csv", "saved.zip"]


def test_the_live_model_comes_along_when_asked(home: Settings, tmp_path: Path):
    store = ModelStore(home.models_folder)
    store.save(a_model("m1"), created_at=datetime.now(UTC).isoformat(), training={})
    store.publish("m1")
    other = Settings(home=tmp_path / "other")

    said = done(home, "backup", "--models", tmp_path / "saved.zip")
    told = done(other, "restore", tmp_path / "saved.zip")

    assert "model m1" in said
    assert "Model m1 is live" in told
    restored = ModelStore(other.models_folder)
    assert restored.current_version() == "m1"
    assert restored.manifest("m1") == store.manifest("m1")


def test_lists_of_the_shop_before_are_gone_from_a_shared_cache(
    home: Settings, tmp_path: Path, valkey_url: str
):
    done(home, "backup", tmp_path / "saved.zip")
    other = Settings(home=tmp_path / "other", redis_url=valkey_url)
    with connect(valkey_url, answer_seconds=10) as client:
        client.set("regulars:catalog", "99")
        client.hset("regulars:lists:{c1}", "rev", "99")
        client.set("somebody:else", "1")

        done(other, "restore", tmp_path / "saved.zip")

        assert client.keys("*") == [b"somebody:else"]


def test_segments_of_the_shops_own_come_along(home: Settings, tmp_path: Path):
    before = opened(home)
    runs = SqlSegments(before).runs()
    before.close()
    other = Settings(home=tmp_path / "other")
    done(home, "backup", tmp_path / "saved.zip")
    done(other, "restore", tmp_path / "saved.zip")

    after = opened(other)
    assert SqlSegments(after).runs() == runs
    after.close()
