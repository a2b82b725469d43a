"""`regulars doctor` on deployments that are broken for real."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from engine.store import schema
from engine.store.database import Database
from engine.store.redis_cache import connect
from tests.shop import Shop, a_trained_shop, free_port
from training.cli import regulars
from training.doctor.finding import Severity
from training.doctor.stores import _clock


@dataclass
class Told:
    """What the doctor said, and how it ended."""

    code: int
    findings: dict[str, dict[str, str]]
    text: str

    def severity(self, check: str) -> str:
        return self.findings[check]["severity"]

    def found(self, check: str) -> str:
        return self.findings[check]["found"]

    def remedy(self, check: str) -> str:
        return self.findings[check].get("remedy", "")

    @property
    def errors(self) -> set[str]:
        return {name for name, each in self.findings.items() if each["severity"] == "error"}


def told(shop: Shop, *arguments: str, **variables: str) -> Told:
    environment = {**shop.environment, **variables}
    result = CliRunner(env=environment).invoke(regulars, ["doctor", "--json", *arguments])
    assert result.exit_code in (0, 1), result.output
    return read(result.exit_code, result.stdout)


def read(code: int, text: str) -> Told:
    return Told(code, {each["check"]: each for each in json.loads(text)}, text)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return a_trained_shop(tmp_path_factory.mktemp("doctor") / "home")


@pytest.fixture
def shop(healthy: Shop, tmp_path: Path) -> Shop:
    """A copy of a healthy home, to be broken."""
    shutil.copytree(healthy.home, tmp_path / "home")
    return Shop(tmp_path / "home")


def test_a_healthy_home_and_its_server_have_no_error(healthy: Shop):
    healthy.home.chmod(0o700)
    with healthy.serving(workers=2) as server:
        by_home = told(healthy)
        by_url = told(healthy, "--url", server.url)

    assert (by_home.code, by_home.errors) == (0, set())
    for each in (by_home, by_url):
        assert "is ready" in each.found("server")
        assert each.found("workers") == "2 serve"
        assert each.severity("model of workers") == Severity.OK
    for check in ("home", "privacy", "database", "journal", "model", "libraries", "keys"):
        assert by_home.severity(check) == Severity.OK, by_home.findings[check]
    assert by_home.found("durable write").endswith("until the disk is sure")


def test_a_new_home_is_told_what_comes_next_and_is_not_made(tmp_path: Path):
    new = told(Shop(tmp_path / "new"))

    assert (new.code, new.errors) == (0, set())
    assert "regulars ingest" in new.found("database")
    assert "regulars train" in new.found("model")
    assert not (tmp_path / "new").exists()


def test_a_home_that_cannot_be_written_is_named_with_its_remedy(shop: Shop):
    shop.home.chmod(0o500)
    (shop.home / "regulars.db").chmod(0o400)

    result = subprocess.run(
        [sys.executable, "-m", "training", "doctor", "--json"],
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=without_privileges,
    )
    shop.home.chmod(0o700)

    refused = read(result.returncode, result.stdout)
    assert refused.code == 1
    assert {"home", "database"} <= refused.errors
    assert "chown" in refused.remedy("home")


def test_a_redis_that_is_not_there_is_an_error_that_tells_no_password(shop: Shop):
    shop.variables["REGULARS_REDIS_URL"] = f"redis://:hunter2@127.0.0.1:{free_port()}/0"

    dead = told(shop)

    assert (dead.code, dead.errors) == (1, {"cache"})
    assert "redis_url" in dead.remedy("cache")
    assert "hunter2" not in dead.text


def test_a_redis_that_refuses_writes_when_full_is_no_good_cache(shop: Shop, valkey_url: str):
    shop.variables["REGULARS_REDIS_URL"] = valkey_url
    with connect(valkey_url) as client:
        before = {name: client.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}
        client.config_set("maxmemory", "100mb")
        client.config_set("maxmemory-policy", "noeviction")
        full = told(shop)
        client.config_set("maxmemory-policy", "allkeys-lru")
        good = told(shop)
        for name, value in before.items():
            client.config_set(name, value)

    assert (full.code, full.severity("cache memory")) == (0, Severity.WARNING)
    assert "allkeys-lru" in full.remedy("cache memory")
    assert good.severity("cache memory") == Severity.OK
    assert good.found("cache memory") == "at most 105 MB, then allkeys-lru"
    assert good.severity("cache speed") == Severity.OK


def test_a_truncated_model_is_found_before_it_serves(shop: Shop):
    array = max((shop.home / "models").glob("*/*.npy"), key=lambda path: path.stat().st_size)
    with array.open("r+b") as file:
        file.truncate(array.stat().st_size // 2)

    broken = told(shop)

    assert (broken.code, broken.errors) == (1, {"model"})
    assert array.name in broken.found("model")
    assert "rollback" in broken.remedy("model")


def test_a_model_of_last_month_is_a_warning(shop: Shop):
    (manifest,) = (shop.home / "models").glob("*/manifest.json")
    content = json.loads(manifest.read_text())
    content["created_at"] = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    manifest.write_text(json.dumps(content))

    old = told(shop)

    assert (old.code, old.severity("model")) == (0, Severity.WARNING)
    assert "30 days old" in old.found("model")


def test_old_tables_are_a_warning_and_stay_as_they_are(tmp_path: Path):
    shop = Shop(tmp_path / "home")
    shop.home.mkdir()
    database = Database.open(f"sqlite:///{shop.home / 'regulars.db'}")
    with database.write() as connection:
        schema.upgrade(connection, name="test", to="0001")
    database.close()

    old = told(shop)

    assert (old.code, old.severity("database")) == (0, Severity.WARNING)
    with closing(sqlite3.connect(shop.home / "regulars.db")) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
            ("0001",)
        ]


def test_tables_of_a_newer_version_are_an_error(shop: Shop):
    with closing(sqlite3.connect(shop.home / "regulars.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

    newer = told(shop)

    assert (newer.code, newer.errors) == (1, {"database"})
    assert "newer" in newer.remedy("database")


def test_a_file_that_is_no_database_is_an_error(shop: Shop):
    (shop.home / "regulars.db").write_bytes(b"no database" * 1000)

    broken = told(shop)

    assert (broken.code, broken.errors) == (1, {"database"})


def test_a_database_that_is_not_there_is_an_error_that_tells_no_password(shop: Shop):
    port = free_port()
    shop.variables["REGULARS_DATABASE_URL"] = f"postgresql://me:hunter2@127.0.0.1:{port}/shop"

    dead = told(shop)

    assert (dead.code, dead.errors) == (1, {"database"})
    assert "hunter2" not in dead.text


def test_postgresql_is_asked_for_its_clock_and_its_commit(postgres_url: str, tmp_path: Path):
    shop = Shop(tmp_path / "home", {"REGULARS_DATABASE_URL": postgres_url})
    database = Database.open(postgres_url)
    database.upgrade()
    database.close()

    found = told(shop)

    assert (found.code, found.errors) == (0, set())
    assert found.found("clock") == "agrees with the database's"
    assert found.severity("durable write") == Severity.OK
    assert "journal" not in found.findings


@pytest.mark.parametrize(("seconds", "severity"), [(0.0, "ok"), (1.9, "ok"), (-60.0, "error")])
def test_a_clock_that_differs_is_an_error(seconds: float, severity: str):
    began = datetime(2026, 3, 2, tzinfo=UTC)

    found = _clock(
        began + timedelta(seconds=seconds), began=began, ended=began + timedelta(seconds=0.1)
    )

    assert found.severity == severity
    if severity == "error":
        assert "60.0 s" in found.found


def test_others_may_not_reach_a_shop_without_keys(shop: Shop):
    shop.variables["REGULARS_HOST"] = "0.0.0.0"
    open_to_all = told(shop)
    shop.done("keys", "create", "--kind", "secret", "--name", "shop")
    with_key = told(shop)

    assert (open_to_all.code, open_to_all.errors) == (1, {"keys"})
    assert "regulars keys create" in open_to_all.remedy("keys")
    assert (with_key.code, with_key.found("keys")) == (0, "1 can be used")


def test_workers_are_told_of_to_whoever_has_a_key(shop: Shop):
    created = shop.done("keys", "create", "--kind", "admin", "--name", "me")
    key = next(word for word in created.split() if word.startswith("rk_admin_"))
    with shop.serving(workers=1) as server:
        without = told(shop, "--url", server.url)
        by_option = told(shop, "--url", server.url, "--key", key)
        by_variable = told(shop, "--url", server.url, DOCTOR_KEY=key)

    assert without.severity("workers") == Severity.WARNING
    assert "--key" in without.remedy("workers")
    assert by_option.found("workers") == by_variable.found("workers") == "1 serve"
    assert key not in by_option.text


def test_a_server_that_is_not_there_or_not_ours_is_an_error(shop: Shop):
    nobody = told(shop, "--url", f"http://127.0.0.1:{free_port()}")
    with something_else() as url:
        other = told(shop, "--url", url)

    assert "server" in nobody.errors
    assert "does not answer" in nobody.found("server")
    assert "server" in other.errors
    assert "not ours" in other.found("server")


def test_a_password_that_every_user_can_read_is_an_error(shop: Shop, tmp_path: Path):
    config = tmp_path / "regulars.toml"
    config.write_text('redis_url = "redis://me:hunter2@127.0.0.1:1/0"\n')
    config.chmod(0o644)
    shop.variables["REGULARS_CONFIG"] = str(config)
    shown = told(shop)
    config.chmod(0o600)
    hidden = told(shop)

    assert shown.severity("config file") == Severity.ERROR
    assert "chmod o-r" in shown.remedy("config file")
    assert hidden.severity("config file") == Severity.OK
    assert "hunter2" not in shown.text


def test_a_home_that_every_user_can_read_is_a_warning(shop: Shop):
    shop.home.chmod(0o755)
    (shop.home / "regulars.db").chmod(0o644)

    assert told(shop).severity("privacy") == Severity.WARNING
    shop.home.chmod(0o700)
    assert told(shop).severity("privacy") == Severity.OK


def test_few_open_files_are_a_warning(shop: Shop):
    command = f'ulimit -n 256; exec "{sys.executable}" -m training doctor --json'
    result = subprocess.run(
        ["/bin/bash", "-c", command],
        env=shop.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    (found,) = (each for each in json.loads(result.stdout) if each["check"] == "open files")
    assert found["severity"] == Severity.WARNING
    assert "LimitNOFILE" in found["remedy"]


def test_wrong_settings_are_the_only_finding(shop: Shop):
    shop.variables["REGULARS_WORKERS"] = "many"

    wrong = told(shop)

    assert wrong.code == 1
    assert set(wrong.findings) == {"settings"}
    assert "'many'" in wrong.found("settings")


def test_the_table_names_checks_and_remedies_for_people(shop: Shop):
    shop.variables["REGULARS_HOST"] = "0.0.0.0"

    result = shop.run("doctor")

    assert result.returncode == 1
    assert "regulars keys create" in result.stdout
    assert "1 error" in result.stdout


def without_privileges() -> None:
    """Let root be bound by modes like everybody (prctl(2): PR_CAPBSET_DROP)."""
    if os.getuid() == 0:
        prctl = ctypes.CDLL(None).prctl
        for capability in range(64):
            prctl(24, capability, 0, 0, 0)


@contextmanager
def something_else() -> Iterator[str]:
    """A server that is not ours."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_arguments: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
