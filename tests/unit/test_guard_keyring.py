"""A worker's copy of the keys: quick, never behind for long, and never falling open."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.guard import keyring as module
from api.guard.caller import ANYBODY, STRANGER, Caller
from api.guard.guard import Guard
from api.guard.keyring import Keyring
from api.guard.refusals import Refusal
from api.guard.tokens import MOST_REMEMBERED, Tokens
from engine.domain.customer_tokens import TokenSecret, minted
from engine.domain.keys import KeyKind
from engine.errors import StoreUnavailable
from engine.store.api_keys import SqlApiKeys
from engine.store.database import Database
from tests.guarding import Counted, a_keyring, all_keys, environ, made, now_ms


@pytest.fixture
def keys(sqlite_url: str) -> Iterator[Counted]:
    database = Database.open(sqlite_url)
    database.upgrade()
    yield Counted(SqlApiKeys(database))
    database.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown ids may be asked for at once."""
    monkeypatch.setattr(module, "MOST_ASKED", 1_000_000)
    monkeypatch.setattr(module, "REST_SECONDS", 0.0)


def shows(key: str, **more: Any) -> dict[str, Any]:
    return environ(HTTP_AUTHORIZATION=f"Bearer {key}", **more)


def status(answer: Caller | Refusal) -> int:
    assert isinstance(answer, Refusal), answer
    return answer.status.value


def test_a_new_key_opens_at_once_and_a_revoked_one_at_the_next_refresh_no_more(
    keys: Counted, tmp_path: Path
):
    keyring = a_keyring(keys, tmp_path)

    key = made(KeyKind.SECRET, keys)
    at_once = keyring.find(key)
    keys.revoke(key.split("_")[2], now_ms=now_ms())
    keyring.refresh()

    assert at_once is not None
    assert at_once.kind is KeyKind.SECRET
    assert keyring.find(key) is None


def test_a_key_ends_by_the_clock_without_being_read_again(keys: Counted, tmp_path: Path):
    clock = [now_ms()]
    key = made(KeyKind.SECRET, keys, expires_ms=clock[0] + 1_000)
    keyring = a_keyring(keys, tmp_path, clock=lambda: clock[0])

    before = keyring.find(key)
    keys.away(True)
    clock[0] += 1_000

    assert before is not None
    assert keyring.find(key) is None


def test_unknown_keys_cannot_hammer_the_database(keys: Counted, tmp_path: Path):
    made(KeyKind.SECRET, keys)
    keyring = a_keyring(keys, tmp_path)
    begun, asked = time.monotonic(), keys.asked

    for number in range(1_000):
        assert keyring.find(f"rk_secret_{number:08}_{'a' * 52}") is None

    seconds = time.monotonic() - begun
    assert 1 <= keys.asked - asked <= module.MOST_ASKED * (seconds + 2)


def test_a_database_that_is_away_is_not_asked_for_every_unknown_key(keys: Counted, tmp_path: Path):
    made(KeyKind.SECRET, keys)
    keyring = a_keyring(keys, tmp_path)
    keys.away(True)
    asked = keys.asked

    for number in range(100):
        keyring.find(f"rk_secret_{number:08}_a")

    assert keys.asked - asked <= 2


def test_new_keys_that_come_one_upon_the_other_open_at_once(keys: Counted, tmp_path: Path):
    keyring = a_keyring(keys, tmp_path)

    found = [keyring.find(made(KeyKind.SECRET, keys)) for _ in range(5)]

    assert None not in found


def test_the_last_known_keys_open_while_the_database_is_away(
    keys: Counted, tmp_path: Path, quick: None
):
    key = made(KeyKind.SECRET, keys)
    keyring = a_keyring(keys, tmp_path)
    keys.away(True)

    assert keyring.find(key) is not None
    assert keyring.find("rk_secret_aaaaaaaa_" + "a" * 52) is None
    with pytest.raises(StoreUnavailable):
        keyring.refresh()
    assert keyring.find(key) is not None


def test_a_worker_that_starts_while_the_database_is_away_knows_what_this_machine_knew(
    keys: Counted, tmp_path: Path
):
    key = made(KeyKind.SECRET, keys)
    a_keyring(keys, tmp_path)
    keys.away(True)

    guard = Guard(a_keyring(keys, tmp_path))

    assert isinstance(guard.admit(shows(key)), Caller)
    assert guard.admit(environ()) is STRANGER
    assert key.split("_")[3] not in (tmp_path / "api-keys.json").read_text()
    assert (tmp_path / "api-keys.json").stat().st_mode & 0o077 == 0


def test_a_worker_that_cannot_know_any_key_refuses_whoever_is_not_this_machine(
    keys: Counted, tmp_path: Path
):
    keys.away(True)
    keyring = a_keyring(keys, tmp_path)

    assert Guard(keyring).admit(environ()) is ANYBODY
    assert status(Guard(keyring).admit(environ(REMOTE_ADDR="10.0.0.7"))) == 401
    # Reachable from elsewhere: somebody made a key, or the server would not have begun.
    assert status(Guard(keyring, loopback=False).admit(environ())) == 503


def test_keys_that_are_there_and_cannot_be_read_open_nothing(
    keys: Counted, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "api-keys.json").write_text("{")
    keys.away(True)

    with caplog.at_level(logging.WARNING):
        guard = Guard(a_keyring(keys, tmp_path))

    assert status(guard.admit(environ())) == 503
    assert "cannot be read" in caplog.text
    keys.away(False)


def test_without_a_key_the_door_is_open_to_this_machine_alone(keys: Counted, tmp_path: Path):
    guard = Guard(a_keyring(keys, tmp_path))
    others = [
        environ(REMOTE_ADDR="192.168.1.5"),
        environ(REMOTE_ADDR=""),
        environ(HTTP_X_FORWARDED_FOR="203.0.113.9"),
        environ(HTTP_FORWARDED="for=203.0.113.9"),
        # A page may give its own name to this machine, and ask in its visitor's browser.
        environ(HTTP_HOST="evil.example:8080"),
        environ(HTTP_HOST="localhost.evil.example"),
    ]

    assert [status(guard.admit(each)) for each in others] == [401] * len(others)
    for own in ("127.0.0.1:8080", "localhost", "[::1]:8080", "[::1]"):
        assert guard.admit(environ(HTTP_HOST=own)) is ANYBODY
    assert guard.admit(environ(REMOTE_ADDR="::ffff:127.0.0.1")) is ANYBODY


def test_the_first_key_shuts_the_door_and_revoking_it_does_not_open_it_again(
    keys: Counted, tmp_path: Path
):
    keyring = a_keyring(keys, tmp_path)
    guard = Guard(keyring)

    before = guard.admit(environ())
    key = made(KeyKind.ADMIN, keys)
    first_use = guard.admit(shows(key))
    keys.revoke(key.split("_")[2], now_ms=now_ms())
    keyring.refresh()

    assert before is ANYBODY
    assert isinstance(first_use, Caller)
    assert first_use.kind is KeyKind.ADMIN
    assert guard.admit(environ()) is STRANGER
    assert status(guard.admit(shows(key))) == 401


def test_digests_are_compared_in_constant_time_also_for_ids_nobody_has(
    keys: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    key = made(KeyKind.SECRET, keys)
    keyring = a_keyring(keys, tmp_path)
    compared: list[tuple[int, int]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for text in (key, key[:-1] + "x", "rk_secret_aaaaaaaa_b", "nothing of the kind"):
        keyring.find(text)

    assert compared == [(32, 32)] * 4


def test_uses_are_noted_once_a_minute_and_not_with_the_request(keys: Counted, tmp_path: Path):
    clock = [now_ms()]
    key = made(KeyKind.SECRET, keys)
    keyring = a_keyring(keys, tmp_path, clock=lambda: clock[0])

    def used_after(ms: int) -> int | None:
        clock[0] += ms
        keyring.find(key)
        keyring.refresh()
        last: int | None = keys.all()[0].last_used_ms
        return last

    first, soon, later = used_after(0), used_after(1_000), used_after(60_000)

    assert first == soon
    assert later == clock[0]


def test_tokens_of_a_renewed_secret_are_known_at_once_and_of_a_dropped_one_no_more(
    keys: Counted, tmp_path: Path, quick: None
):
    made(KeyKind.PUBLISHABLE, keys)
    keys.need_token_secret("first", now_ms=now_ms())
    keyring: Keyring = a_keyring(keys, tmp_path)
    hour = timedelta(hours=1)
    old = minted("ann", hour, secrets=["first"], now_ms=now_ms())
    new = minted("ann", hour, secrets=["second"], now_ms=now_ms())

    before = keyring.customer_of(new)
    keys.renew_token_secret("second", now_ms=now_ms(), until_ms=now_ms() + 3_600_000)
    at_once = [keyring.customer_of(new), keyring.customer_of(old)]
    keys.renew_token_secret("third", now_ms=now_ms(), until_ms=now_ms())
    keyring.refresh()

    assert before is None
    assert at_once == ["ann", "ann"]
    assert [keyring.customer_of(new), keyring.customer_of(old)] == [None, None]


def test_a_remembered_token_still_ends_and_so_does_its_secret():
    tokens = Tokens([TokenSecret("old", 0, 50_000), TokenSecret("new", 10_000)])
    of_new = minted("ann", timedelta(seconds=60), secrets=["new"], now_ms=0)
    of_old = minted("bob", timedelta(seconds=60), secrets=["old"], now_ms=0)

    seen = [
        [tokens.customer_of(each, now_ms=at) for each in (of_new, of_old)]
        for at in (1_000, 49_999, 50_000, 59_999, 60_000)
    ]

    assert seen == [
        ["ann", "bob"],
        ["ann", "bob"],
        ["ann", None],
        ["ann", None],
        [None, None],
    ]


def test_remembered_tokens_have_a_bound(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.guard.tokens.MOST_REMEMBERED", 10)
    tokens = Tokens([TokenSecret("s", 0)])

    for number in range(100):
        token = minted(f"c{number}", timedelta(seconds=60), secrets=["s"], now_ms=0)
        assert tokens.customer_of(token, now_ms=0) == f"c{number}"

    assert len(tokens._read) <= 10 < MOST_REMEMBERED


def test_the_keys_of_every_kind_are_told_apart(sqlite_url: str, tmp_path: Path):
    database = Database.open(sqlite_url)
    database.upgrade()
    keys = all_keys(database)
    keyring = a_keyring(keys.stored, tmp_path)

    found = {kind: keyring.find(text) for kind, text in keys.kinds.items()}

    assert {kind: caller.kind for kind, caller in found.items() if caller} == {
        kind: kind for kind in KeyKind
    }
    database.close()
