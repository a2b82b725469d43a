"""What `regulars doctor` finds in deployments that are broken for real."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from engine.domain.events import to_ms
from engine.domain.keys import KeyKind, new_key
from engine.domain.rejects import Reject
from engine.errors import StoreUnavailable
from engine.settings import Settings
from engine.store import schema
from engine.store.api_keys import SqlApiKeys
from engine.store.database import Database
from engine.store.model_store import ModelStore
from engine.store.redis_cache import connect
from engine.store.rejects import SqlRejects
from engine.store.vitals import for_reading
from tests.fakes import a_model
from tests.shop import Shop, free_port
from training.cli import regulars
from training.doctor.database import database as database_check
from training.doctor.finding import Deployment, Finding, Severity


def run(settings: Settings | None, *words: str) -> Result:
    result = CliRunner().invoke(regulars, ["doctor", "--json", *words], obj=settings)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def findings(settings: Settings | None, *words: str) -> list[Finding]:
    """What is found; the exit code says whether anything is broken."""
    result = run(settings, *words)
    document = json.loads(result.output)
    found = [
        Finding(each["about"], Severity(each["severity"]), each["found"], each["remedy"])
        for each in document["findings"]
    ]
    is_broken = any(each.severity == Severity.BROKEN for each in found)
    assert result.exit_code == int(is_broken)
    assert document["healthy"] is not is_broken
    assert all(each.remedy for each in found if each.severity != Severity.OK)
    return found


def about(what: str, found: list[Finding]) -> Finding:
    (one,) = (each for each in found if each.about == what)
    return one


@contextmanager
def silence() -> Iterator[int]:
    """The port of something that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield int(listening.getsockname()[1])


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A healthy home that nobody serves."""
    home = tmp_path / "examined"
    home.mkdir(mode=0o700)
    found = Settings(home=home)
    _migrated(found)
    store = ModelStore(found.models_folder)
    store.save(a_model("m1"), created_at=datetime.now(UTC).isoformat(), training={})
    store.publish("m1")
    return found


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    database = Database.open(settings.database)
    yield database
    database.close()


def _migrated(settings: Settings) -> None:
    with opened(settings) as database:
        database.upgrade()


def files(home: Path) -> dict[str, int]:
    return {
        str(path.relative_to(home)): path.stat().st_mtime_ns
        for path in home.rglob("*")
        if path.is_file()
    }


def test_a_healthy_home_has_nothing_to_fix_but_that_nobody_serves_it(settings: Settings):
    found = findings(settings)

    wrong = [each.about for each in found if each.severity != Severity.OK]
    assert wrong == ["server"]
    assert about("journal", found).found == "the journal mode is wal"
    assert about("model", found).found == "m1 is live, less than an hour old"


def test_looking_changes_no_file(settings: Settings):
    before = files(settings.home)

    findings(settings)

    assert files(settings.home).keys() - before.keys() <= {"regulars.db-shm", "regulars.db-wal"}
    assert {name: files(settings.home)[name] for name in before} == before


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path):
    found = findings(Settings(home=tmp_path / "home"))

    assert about("home", found).severity == Severity.WARNING
    assert about("model", found).severity == Severity.WARNING
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_home_is_broken(tmp_path: Path):
    (tmp_path / "home").write_text("")

    found = findings(Settings(home=tmp_path / "home"))
    below = findings(Settings(home=tmp_path / "home" / "below"))

    assert about("home", found).severity == Severity.BROKEN
    assert about("home", below).severity == Severity.BROKEN


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written_is_broken(settings: Settings):
    settings.home.chmod(0o500)

    found = findings(settings)

    settings.home.chmod(0o700)
    assert about("home", found).severity == Severity.BROKEN


def test_a_home_that_is_made_is_open_to_its_owner_alone():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        home = Path(folder) / "shops" / "tea"
        _migrated(Settings(home=home))

        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert about("permissions", findings(Settings(home=home))).severity == Severity.OK


def test_a_database_that_every_user_may_read_is_a_warning():
    # Below pytest's own folder nobody else reads anything.
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        _migrated(Settings(home=home))
        (home / "regulars.db").chmod(0o644)

        closed_folder = findings(Settings(home=home))
        home.chmod(0o750)
        group_folder = findings(Settings(home=home))
        home.chmod(0o755)
        readable = findings(Settings(home=home))
        for file in home.glob("regulars.db*"):
            file.chmod(0o640)
        closed_file = findings(Settings(home=home))

    assert about("permissions", readable).severity == Severity.WARNING
    assert "regulars.db" in about("permissions", readable).found
    assert about("permissions", closed_folder).severity == Severity.OK
    assert about("permissions", group_folder).severity == Severity.OK
    assert about("permissions", closed_file).severity == Severity.OK


def test_a_truncated_model_is_broken_and_says_which_file(settings: Settings):
    path = sorted((settings.models_folder / "m1").glob("*.npy"))[0]
    os.truncate(path, path.stat().st_size - 1)

    found = [each for each in findings(settings) if each.severity == Severity.BROKEN]

    assert [each.about for each in found] == ["model"]
    assert path.name in found[0].found


def test_a_pointer_that_cannot_be_read_is_broken(settings: Settings):
    (settings.models_folder / "current").write_text("{")

    assert about("model", findings(settings)).severity == Severity.BROKEN


def test_a_model_of_last_week_is_a_warning(settings: Settings):
    store = ModelStore(settings.models_folder)
    written = datetime.now(UTC) - timedelta(days=7, hours=1)
    store.save(a_model("m2"), created_at=written.isoformat(), training={})
    store.publish("m2")

    found = about("model", findings(settings))

    assert (found.severity, found.found) == (Severity.WARNING, "m2 is live, 7 days old")


def test_without_a_model_there_is_a_warning(settings: Settings):
    (settings.models_folder / "current").unlink()

    assert about("model", findings(settings)).severity == Severity.WARNING


def test_a_database_that_is_looked_at_cannot_be_written(database: Database):
    looked_at = for_reading(database.url.render_as_string(hide_password=False))

    with (
        pytest.raises(StoreUnavailable, match=r"read.?only"),
        looked_at.write() as connection,
    ):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))


def on(url: str, settings: Settings) -> Settings:
    return Settings(home=settings.home, database_url=url)


def test_tables_of_an_older_version_are_a_warning_and_stay_as_they_are(
    database_url: str, settings: Settings
):
    url = database_url.replace("/home/regulars.db", "/old.db")
    database = Database.open(url)
    with database.write() as connection:
        schema.upgrade(connection, name=database.name, to="0002")
    database.close()

    found = findings(on(url, settings))

    assert about("tables", found).severity == Severity.WARNING
    assert "version 0002, " in about("tables", found).found
    assert about("tables", findings(on(url, settings))).severity == Severity.WARNING


def test_tables_of_a_newer_version_are_broken(database: Database, settings: Settings):
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    found = findings(on(database.url.render_as_string(hide_password=False), settings))

    assert about("tables", found).severity == Severity.BROKEN
    assert "9999" in about("tables", found).found


def test_a_file_that_is_no_database_is_broken(settings: Settings):
    (settings.home / "regulars.db").write_text("Notes, and no database at all. " * 100)

    found = findings(settings)

    assert about("database", found).severity == Severity.BROKEN


def test_postgresql_is_asked_what_it_waits_for(postgres_url: str, settings: Settings):
    durable = findings(on(postgres_url, settings))
    with opened(on(postgres_url, settings)) as database, database.write() as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))

    lax = findings(on(postgres_url, settings))

    assert about("commit", durable).severity == Severity.OK
    assert about("commit", lax).severity == Severity.WARNING
    assert about("tables", lax).found.startswith("there are none yet")


def test_a_clock_that_is_wrong_is_a_warning(postgres_url: str, settings: Settings):
    ahead = Deployment(
        on(postgres_url, settings), clock=lambda: datetime.now(UTC) + timedelta(seconds=90)
    )

    right = about("clock", findings(on(postgres_url, settings)))
    wrong = about("clock", list(database_check(ahead)))

    assert right.severity == Severity.OK
    assert wrong.severity == Severity.WARNING
    behind = re.search(r"is ([0-9.]+) s behind", wrong.found)
    assert behind and abs(float(behind[1]) - 90) < 1


def test_servers_that_take_a_connection_and_say_nothing_are_left_in_time(settings: Settings):
    with silence() as port:
        mute = Settings(
            home=settings.home,
            database_url=f"postgresql://shop:geheim@127.0.0.1:{port}/shop",
            redis_url=f"redis://:geheim@127.0.0.1:{port}/0",
        )
        result = run(mute, "--url", f"http://u:geheim@127.0.0.1:{port}", "--key", "rk_geheim")

    broken = [
        each["about"]
        for each in json.loads(result.output)["findings"]
        if each["severity"] == "broken"
    ]
    assert broken == ["database", "cache", "server"]
    assert "geheim" not in result.output


def test_servers_that_are_not_there_are_broken(settings: Settings):
    port = free_port()
    away = Settings(
        home=settings.home,
        database_url=f"postgresql://127.0.0.1:{port}/shop",
        redis_url=f"redis://127.0.0.1:{port}/0",
    )

    found = findings(away, "--url", f"http://127.0.0.1:{port}")

    broken = [each.about for each in found if each.severity == Severity.BROKEN]
    assert broken == ["database", "cache", "server"]


def test_a_cache_that_refuses_when_it_is_full_is_a_warning(valkey_url: str, settings: Settings):
    cached = Settings(home=settings.home, redis_url=valkey_url)
    with connect(valkey_url) as client:
        before = client.config_get("maxmemory", "maxmemory-policy")
        try:
            client.config_set("maxmemory", 50_000_000)
            good = about("cache memory", findings(cached))
            client.config_set("maxmemory-policy", "noeviction")
            refusing = about("cache memory", findings(cached))
            client.config_set("maxmemory-policy", "allkeys-lru")
            client.config_set("maxmemory", 0)
            endless = about("cache memory", findings(cached))
        finally:
            for name, value in before.items():
                client.config_set(name, value)

    assert good.severity == Severity.OK
    assert refusing.severity == endless.severity == Severity.WARNING
    assert "no limit" in endless.found


def a_key(settings: Settings, *, name: str = "web", days: float | None) -> str:
    now = to_ms(datetime.now(UTC))
    ends = None if days is None else now + int(days * 86_400_000)
    made = new_key(
        KeyKind.SECRET, name, rng=secrets.token_bytes, now_ms=now - 1_000, expires_ms=ends
    )
    with opened(settings) as database:
        SqlApiKeys(database).add(made.stored)
    return made.stored.key_id


def test_a_key_that_ends_within_two_weeks_is_a_warning(settings: Settings):
    a_key(settings, name="far", days=15)
    near = a_key(settings, name="near", days=13.2)

    found = about("api keys", findings(settings))

    assert found.severity == Severity.WARNING
    assert found.found == f"key {near} (secret, near) ends in 13 days"
    assert f"regulars keys rotate {near}" in found.remedy


def test_a_key_that_was_rotated_may_end(settings: Settings):
    a_key(settings, days=1)
    a_key(settings, days=None)

    assert about("api keys", findings(settings)).severity == Severity.OK


def test_without_a_valid_key_a_host_that_others_reach_is_broken(settings: Settings):
    open_to_all = Settings(home=settings.home, host="0.0.0.0")
    a_key(settings, days=-1)

    ended = about("api keys", findings(open_to_all))
    a_key(settings, days=None)
    valid = about("api keys", findings(open_to_all))

    assert ended.severity == Severity.BROKEN
    assert valid.severity == Severity.OK


def test_refused_events_are_counted(settings: Settings):
    reject = Reject(received_ms=1, source="segment", field="f", reason="r", body="{}")
    with opened(settings) as database:
        SqlRejects(database).keep([reject] * 3)

    found = about("refused events", findings(settings))

    assert (found.severity, found.found) == (Severity.WARNING, "3 kept of 10,000 at most")


def test_settings_that_cannot_be_read_are_a_finding(tmp_path: Path):
    shop = Shop(tmp_path / "home", {"REGULARS_PORT": "many", "REGULARS_COLOUR": "red"})

    result = shop.run("doctor")

    assert result.returncode == 1
    assert result.stderr == ""
    assert "broken   settings" in result.stdout
    assert "REGULARS_PORT" in result.stdout
    assert "REGULARS_COLOUR" in result.stdout
    assert not shop.home.exists()


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example", "http://[", "http://h:x"])
def test_a_url_that_is_none_is_broken(settings: Settings, url: str):
    assert about("server", findings(settings, "--url", url)).severity == Severity.BROKEN


def test_a_key_that_no_header_takes_is_not_repeated(settings: Settings):
    result = run(settings, "--url", "http://127.0.0.1:1", "--key", "geheim\n")

    assert result.exit_code == 1
    assert "geheim" not in result.output
