from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, select, text

from engine.errors import SettingsError, StoreUnavailable
from engine.store import schema
from engine.store.database import Database
from engine.store.tables import metadata, shop


def opened(url: str) -> Database:
    database = Database.open(url)
    database.upgrade()
    return database


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def test_the_migrations_make_the_tables_that_the_code_declares(database: Database):
    with database.read() as connection:
        assert differences(connection) == []


def test_upgrading_again_changes_nothing_and_keeps_what_is_there(database: Database):
    with database.write() as connection:
        connection.execute(shop.insert().values(name="currency", value="EUR"))

    database.upgrade()

    with database.read() as connection:
        assert connection.scalar(select(shop.c.value)) == "EUR"


def test_many_may_upgrade_an_empty_database_at_once(database_url: str):
    with ThreadPoolExecutor(6) as pool:
        databases = list(pool.map(opened, [database_url] * 6))

    with databases[0].read() as connection:
        assert schema.is_current(connection, name=databases[0].name)
    for database in databases:
        database.close()


def test_two_processes_may_upgrade_an_empty_database_at_once(database_url: str):
    program = (
        "import sys; from engine.store.database import Database; "
        "database = Database.open(sys.argv[1]); database.upgrade(); database.close()"
    )
    command = [sys.executable, "-c", program, database_url]

    started = [subprocess.Popen(command) for _ in range(2)]

    assert [process.wait(timeout=60) for process in started] == [0, 0]


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str):
    database = Database.open(database_url)
    with database.write() as connection:
        connection.execute(text("CREATE TABLE shop (name TEXT)"))

    with pytest.raises(StoreUnavailable, match="shop"):
        database.upgrade()

    with database.read() as connection:
        names = set(connection.dialect.get_table_names(connection))
    assert names == {"shop"}
    database.close()


def test_a_database_of_newer_code_is_refused_in_one_sentence(database: Database):
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreUnavailable, match=r"9999.*upgrade regulars") as refusal:
        database.upgrade()

    assert "\n" not in str(refusal.value)


def sqlite_modes(connection: Connection) -> dict[str, object]:
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    return {name: connection.scalar(text(f"PRAGMA {name}")) for name in names}


def test_sqlite_waits_for_the_disk_unless_it_need_not(sqlite_url: str):
    database = opened(sqlite_url)

    with database.write_lazily() as connection:
        lazy = sqlite_modes(connection)
    with database.write() as connection:
        durable = sqlite_modes(connection)

    # 2 is FULL: the disk has it before the commit returns. 1 is NORMAL.
    assert durable == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }
    assert lazy == durable | {"synchronous": 1}
    database.close()


def test_sqlite_readers_do_not_wait_for_a_writer(sqlite_url: str):
    database = opened(sqlite_url)

    with database.write() as writing:
        writing.execute(shop.insert().values(name="currency", value="EUR"))
        with database.read() as reading:
            seen = reading.scalar(select(shop.c.value))

    assert seen is None
    database.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path):
    file = tmp_path / "notes.db"
    file.write_text("These are notes and no database at all. " * 100)
    database = Database.open(f"sqlite:///{file}")

    with pytest.raises(StoreUnavailable, match=r"notes\.db: file is not a database"):
        database.upgrade()
    database.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreUnavailable, match="file/home cannot be made"):
        Database.open(f"sqlite:///{tmp_path}/file/home/regulars.db")


def test_a_database_locked_by_another_program_says_so(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("engine.store.database.WAIT_SECONDS", 0.05)
    database = opened(sqlite_url)
    other = sqlite3.connect(database.url.database or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreUnavailable, match="database is locked; try again"), database.write():
        pass

    other.close()
    database.close()


def test_a_server_that_is_away_is_named_without_the_password():
    database = Database.open("postgresql://shop:secret@127.0.0.1:1/orders")

    with pytest.raises(StoreUnavailable, match=r"orders at 127\.0\.0\.1:1") as refusal:
        database.upgrade()

    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    database.close()


@pytest.mark.parametrize(
    "url",
    [
        "no url with secret",
        "mysql://shop:secret@localhost/orders",
        "postgresql://shop:secret@host:port/orders",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str):
    with pytest.raises(SettingsError, match="database_url") as refusal:
        Database.open(url)

    assert "secret" not in str(refusal.value)


def test_without_the_driver_of_postgresql_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(SettingsError, match=r"pip install 'regulars\[postgres\]'"):
        Database.open("postgresql://localhost/orders")


def test_a_postgresql_that_vanished_is_not_waited_for_long(postgres_url: str):
    database = opened(postgres_url)

    with database.read() as connection:
        driver = connection.connection.driver_connection
        limits = driver.info.get_parameters()

    # Unanswered for 5 seconds (in ms), or silent for 5 and then for 5 questions a second apart.
    assert limits["tcp_user_timeout"] == "5000"
    assert limits["keepalives_idle"] == "5"
    assert (limits["keepalives_interval"], limits["keepalives_count"]) == ("1", "5")
    database.close()
